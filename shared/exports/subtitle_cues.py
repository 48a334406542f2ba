"""Divide a transcript into subtitles as viewers can read them.

Limits follow the style guides of Netflix (Timed Text, general requirements) and the BBC: two lines of 42 characters, or
16 full-width ones, for five sixths of a second to seven seconds, at up to 17 characters a second where the speech
allows. Of all divisions within the limits, the one with the best breaks is chosen (as Knuth and Plass break paragraphs
into lines, Software: Practice and Experience 11, 1981).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from shared.exports.markup import plain_text
from shared.exports.subtitle_words import (
    ANYWHERE,
    SENTENCE,
    SubtitleWord,
    break_cost,
    is_unspaced,
    join_words,
    label_words,
    line_width,
    split_words,
    text_width,
)
from shared.models.video import Segment

LINE_LENGTH, WIDE_LINE_LENGTH = 42, 16
MAX_LINES = 2
MIN_SEC, MAX_SEC = 5 / 6, 7.0
_GAP_SEC = 1 / 12
"""Two frames between subtitles, so that viewers notice the change."""
_SHORTEST_SEC = 0.25
"""A subtitle that others overlap is shown at least so long; the next one begins later."""
_COLUMNS_PER_SEC, _WIDE_COLUMNS_PER_SEC = 17, 18
"""Comfortable reading: 17 letters, or 9 full-width characters."""
_LONG_PAUSE_SEC = 1.5
"""Words farther apart never share a subtitle."""
# Costs of a subtitle, on the scale of `break_cost`: each; with one short word, or few; a second of pause, or the end of
# a sentence, inside; each column too many for a second of its time; each second too short.
_SUBTITLE_COST, _ORPHAN_COST, _PAIR_COST, _PAUSE_COST, _SENTENCE_COST, _HASTE_COST, _FLASH_COST = (
    3,
    12,
    3,
    5,
    1,
    0.3,
    20,
)
_LINE_COST = 10.0
_ORPHAN_COLUMNS = 12
_IMBALANCE_COST = 0.1
_RIGHT_TO_LEFT_MARK = "\u200f"


@dataclass(frozen=True)
class SubtitleLayout:
    """Limits of subtitles.

    Attributes:
        line_length: Characters of a line. None = LINE_LENGTH, or WIDE_LINE_LENGTH in Chinese, Japanese and Korean,
            where two narrow characters count as one.
        max_lines: Lines of a subtitle.
    """

    line_length: int | None = None
    max_lines: int = MAX_LINES


@dataclass(frozen=True)
class Cue:
    """A subtitle: shown from `start` to `end` in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Page:
    """Limits in columns, for one transcript."""

    columns: int
    max_lines: int
    columns_per_sec: int
    language: str | None


def make_cues(segments: Sequence[Segment], layout: SubtitleLayout, language: str | None) -> list[Cue]:
    """Return subtitles in order of time that do not overlap and contain all words; a new speaker's name precedes them.

    Speech with the times of its words is divided anew. Other segments, such as an author's captions, are divided only
    if they exceed the limits.
    """
    is_wide = is_unspaced("".join(segment.text for segment in segments))
    length = layout.line_length or (WIDE_LINE_LENGTH if is_wide else LINE_LENGTH)
    page = _Page(
        columns=2 * length if is_wide else length,
        max_lines=layout.max_lines,
        columns_per_sec=_WIDE_COLUMNS_PER_SEC if is_wide else _COLUMNS_PER_SEC,
        language=language,
    )
    cues: list[Cue] = []
    for passage in _passages(segments, page):
        if isinstance(passage, Cue):
            cues.append(passage)
        else:
            cues += [_to_cue(part, page) for part in _divide(passage, page)]
    return _fit_times(sorted(cues, key=lambda cue: cue.start), page)


def _passages(segments: Sequence[Segment], page: _Page) -> Iterator[list[SubtitleWord] | Cue]:
    """Yield words that may share subtitles, of one speaker without a long pause, and captions that stay as they are."""
    passage: list[SubtitleWord] = []
    before, speaker = None, None
    for segment in segments:
        words = split_words(segment, page.columns)
        if not words:
            continue
        is_new = bool(segment.speaker) and segment.speaker != speaker
        is_flow = before is not None and before.words and segment.words and segment.speaker == speaker
        if passage and not (is_flow and words[0].start - passage[-1].end < _LONG_PAUSE_SEC):
            yield passage
            passage = []
        caption = None if segment.words or is_new else _caption(segment, page)
        if caption:
            yield caption
        else:
            label = label_words(segment.speaker or "", words[0].start, page.columns) if is_new else []
            first = replace(words[0], is_spaced=is_new or not is_unspaced(words[0].text))
            passage += [*label, first, *words[1:]]
        before, speaker = segment, segment.speaker
    if passage:
        yield passage


def _caption(segment: Segment, page: _Page) -> Cue | None:
    """Return the segment with the lines that its author gave it; None if they exceed the limits."""
    lines = [line for line in map(plain_text, segment.text.splitlines()) if line]
    is_fitting = len(lines) <= page.max_lines and all(text_width(line) <= page.columns for line in lines)
    if not is_fitting or segment.end - segment.start > MAX_SEC:
        return None
    return Cue(segment.start, segment.end, tuple(map(_mark_direction, lines)))


def _divide(words: Sequence[SubtitleWord], page: _Page) -> list[Sequence[SubtitleWord]]:
    """Divide words into subtitles within the limits, at the lowest sum of costs."""
    break_costs = [*(break_cost(*pair, page.language) for pair in pairwise(words)), SENTENCE]
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * len(words)
    for begin, first in enumerate(words):
        lines, width, columns, inner_cost = 1, 0, 0, 0.0
        for end in range(begin, len(words)):
            word = words[end]
            spaced = word.width + (word.is_spaced and end > begin)
            is_wrapped = width + spaced > page.columns
            lines, width = (lines + is_wrapped, word.width) if is_wrapped else (lines, width + spaced)
            if end > begin:
                pause = word.start - words[end - 1].end
                if lines > page.max_lines or word.end - first.start > MAX_SEC or pause >= _LONG_PAUSE_SEC:
                    break
                inner_cost += _PAUSE_COST * max(0.0, pause) + _SENTENCE_COST * (break_costs[end - 1] == SENTENCE)
            columns += spaced
            seconds = (words[end + 1].start if end + 1 < len(words) else word.end + MIN_SEC) - first.start
            cost = best[begin][0] + break_costs[end] + inner_cost + _reading_cost(columns, seconds, page)
            if columns <= _ORPHAN_COLUMNS and end + 1 - begin < len(words):
                cost += _ORPHAN_COST if end == begin else _PAIR_COST
            if cost < best[end + 1][0]:
                best[end + 1] = (cost, begin)
    parts, end = [], len(words)
    while end:
        begin = best[end][1]
        parts.append(words[begin:end])
        end = begin
    return parts[::-1]


def _reading_cost(columns: int, seconds: float, page: _Page) -> float:
    """Return how bad a subtitle is that can be shown for so long: too short to be read, or to be noticed."""
    haste = max(0.0, columns / max(seconds, 0.01) - page.columns_per_sec)
    return _SUBTITLE_COST + _HASTE_COST * haste + _FLASH_COST * max(0.0, MIN_SEC - seconds)


def _to_cue(words: Sequence[SubtitleWord], page: _Page) -> Cue:
    lines = _break_lines(words, page, page.max_lines)
    return Cue(words[0].start, words[-1].end, tuple(_mark_direction(join_words(line)) for line in lines))


def _break_lines(words: Sequence[SubtitleWord], page: _Page, max_lines: int) -> list[Sequence[SubtitleWord]]:
    """Break a subtitle into as few lines as possible, at the best place, with the longer line below."""
    if line_width(words) <= page.columns or max_lines == 1 or len(words) == 1:
        return [words]
    candidates: list[tuple[float, list[Sequence[SubtitleWord]]]] = []
    for at in range(1, len(words)):
        if line_width(words[:at]) > page.columns:
            break
        rest = _break_lines(words[at:], page, max_lines - 1)
        if all(line_width(line) <= page.columns for line in rest):
            above, below = line_width(words[:at]), line_width(rest[0])
            imbalance = abs(above - below) + (above > below)
            is_orphan = min(above, below) <= _ORPHAN_COLUMNS and 1 in (at, len(words) - at)
            cost = break_cost(words[at - 1], words[at], page.language) + is_orphan * ANYWHERE
            candidates.append((cost + _IMBALANCE_COST * imbalance + _LINE_COST * len(rest), [words[:at], *rest]))
    return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else [words]


def _fit_times(cues: Sequence[Cue], page: _Page) -> list[Cue]:
    """Return the subtitles for as long as they take to read, none reaching into the next one."""
    starts: list[float] = []
    for cue in cues:
        starts.append(max(cue.start, starts[-1] + _SHORTEST_SEC) if starts else max(0.0, cue.start))
    fitted = []
    for cue, start, following in zip(cues, starts, [*starts[1:], float("inf")], strict=False):
        reading = sum(map(text_width, cue.lines)) / page.columns_per_sec
        end = min(max(cue.end, start + MIN_SEC, start + reading), start + MAX_SEC)
        latest = following - _GAP_SEC if following - _GAP_SEC - start >= MIN_SEC else following
        fitted.append(replace(cue, start=round(start, 3), end=round(min(end, latest), 3)))
    return fitted


def _mark_direction(line: str) -> str:
    """Return a line of Arabic or Hebrew between marks that keep its punctuation in place, in players without bidi."""
    directions = [unicodedata.bidirectional(character) for character in line]
    right = sum(direction in ("R", "AL") for direction in directions)
    return f"{_RIGHT_TO_LEFT_MARK}{line}{_RIGHT_TO_LEFT_MARK}" if right > directions.count("L") else line
