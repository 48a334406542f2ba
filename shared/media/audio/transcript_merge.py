"""Merge the transcripts of audio parts into one, in which every word appears once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, product, takewhile

from shared.models.video import AudioPart, Segment, TimeSpan

# Segments in shorter silences are kept: the times of a short answer may be off by that much.
INVENTED_SEC = 2.0
_TIMED_SEC, _GUESSED_SEC = 0.5, 3.0
_OFF_MIDDLE_COST = 0.1
_HAN_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_HAN_KANA}]|[^\s{_HAN_KANA}]+")


def join_parts(
    parts: Sequence[AudioPart],
    part_segments: Sequence[Sequence[Segment]],
    silences: Sequence[TimeSpan],
    duration_sec: float,
) -> list[Segment]:
    """Return all segments in order of time, with times from the start of the audio, none beyond its end.

    `part_segments` has one row for each part, with times from that part's start. Where two parts overlap, a word that
    both contain is the seam: the words before it come from the earlier part, those after it from the later one. Without
    a common word, the seam is the middle of the overlap. So words at the very edge of a part, where they may be cut
    off, are discarded.
    Segments entirely within a silence of `INVENTED_SEC` or more are omitted: speech models invent words there.
    """
    shifted = [_shift_part(part, segments, duration_sec) for part, segments in zip(parts, part_segments, strict=True)]
    for number in range(1, len(parts)):
        before, after = parts[number - 1], parts[number]
        if after.start < before.end:
            overlap = TimeSpan(start=after.start, end=before.end)
            shifted[number - 1], shifted[number] = _split_overlap(shifted[number - 1], shifted[number], overlap)
    long_silences = [silence for silence in silences if silence.end - silence.start >= INVENTED_SEC]
    audible = (
        segment
        for segment in chain.from_iterable(shifted)
        if not any(silence.start <= segment.start and segment.end <= silence.end for silence in long_silences)
    )
    return sorted(audible, key=lambda segment: segment.start)


@dataclass(frozen=True, eq=False)
class _SpokenToken:
    """A word of a segment, or a character in scripts without spaces.

    Attributes:
        key: The text to compare; empty for punctuation.
        begin, stop: Its range in the text of its row, up to the start of the next token.
        has_time: The speech model gave its time; else it is estimated from its position in the text.
    """

    key: str
    start: float
    end: float
    begin: int
    stop: int
    has_time: bool


@dataclass(frozen=True)
class _SegmentTokens:
    segment: Segment
    text: str
    tokens: list[_SpokenToken]


def _shift_part(part: AudioPart, segments: Sequence[Segment], duration_sec: float) -> list[Segment]:
    """Shift the segments of a part to its position in the audio."""
    end = min(part.end, duration_sec)
    shifted = (_map_times(segment, lambda time: min(max(part.start, part.start + time), end)) for segment in segments)
    return sorted((segment for segment in shifted if segment.text), key=lambda segment: segment.start)


def _map_times(segment: Segment, move: Callable[[float], float]) -> Segment:
    def move_span(source: TimeSpan) -> dict[str, float]:
        start, end = round(move(source.start), 3), round(move(source.end), 3)
        return {"start": start, "end": max(start, end)}

    words = [word.model_copy(update=move_span(word)) for word in segment.words]
    return segment.model_copy(update={**move_span(segment), "text": segment.text.strip(), "words": words})


def _split_overlap(
    earlier: list[Segment], later: list[Segment], overlap: TimeSpan
) -> tuple[list[Segment], list[Segment]]:
    """Return both sides of an overlap, each without the tokens that come from the other side."""
    earlier_rows, later_rows = (
        [_tokenize_segment(segment) for segment in earlier],
        [_tokenize_segment(segment) for segment in later],
    )
    ends = [token for row in earlier_rows for token in row.tokens if token.end > overlap.start]
    begins = [token for row in later_rows for token in row.tokens if token.start < overlap.end]
    middle = (overlap.start + overlap.end) / 2
    seam = _find_seam(ends, begins, middle)
    if seam:
        dropped = {*ends[seam[0] + 1 :], *begins[: seam[1] + 1]}
    else:
        late_tokens = {token for token in ends if token.start + token.end >= 2 * middle}
        dropped = late_tokens | {token for token in begins if token.start + token.end < 2 * middle}
    return _align_times(_remove_tokens(earlier_rows, dropped), _remove_tokens(later_rows, dropped))


def _tokenize_segment(segment: Segment) -> _SegmentTokens:
    length = segment.end - segment.start
    if segment.words:
        text, begins = _locate_words(segment)
        spans = [(word.text, word.start, word.end) for word in segment.words]
    else:
        text = segment.text
        matches = [*_TOKEN.finditer(text)]
        begins = [match.start() for match in matches]
        at = [segment.start + length * index / len(text) for index in [*begins, len(text)]]
        spans = [(match[0], start, end) for match, (start, end) in zip(matches, pairwise(at), strict=True)]
    tokens = [
        _SpokenToken("".join(filter(str.isalnum, token_text.casefold())), start, end, begin, stop, bool(segment.words))
        for (token_text, start, end), begin, stop in zip(spans, begins, [*begins[1:], len(text)], strict=True)
    ]
    return _SegmentTokens(segment, text, tokens)


def _locate_words(segment: Segment) -> tuple[str, list[int]]:
    """Return the text of a segment and the start of each word in it; if a word is missing, join the words instead."""
    begins, at = [], 0
    for word in segment.words:
        begins.append(segment.text.find(word.text.strip(), at))
        if begins[-1] < 0:
            texts = [word.text.strip() for word in segment.words]
            return " ".join(texts), [len(" ".join(["", *texts[:n]])) for n in range(len(texts))]
        at = begins[-1] + len(word.text.strip())
    return segment.text, begins


def _find_seam(ends: Sequence[_SpokenToken], begins: Sequence[_SpokenToken], middle: float) -> tuple[int, int] | None:
    """Find a word in both parts: of those at the same time, the one nearest to the middle of the overlap.

    Estimated times are imprecise. With them, the number of equal words around the seam decides first.
    """

    def cost(seam: tuple[int, int]) -> tuple[float, float]:
        end, begin = ends[seam[0]], begins[seam[1]]
        apart, off = abs(end.start - begin.start), abs((end.start + begin.start) / 2 - middle)
        return (0 if end.has_time and begin.has_time else -matching_tokens(*seam)), apart + _OFF_MIDDLE_COST * off

    def matching_tokens(end_at: int, begin_at: int) -> int:
        before = zip(reversed(ends[:end_at]), reversed(begins[:begin_at]), strict=False)
        after = zip(ends[end_at:], begins[begin_at:], strict=False)
        return sum(
            sum(1 for _ in takewhile(lambda pair: pair[0].key == pair[1].key, pairs)) for pairs in (before, after)
        )

    pairs = (
        (end_at, begin_at)
        for (end_at, end), (begin_at, begin) in product(enumerate(ends), enumerate(begins))
        if end.key == begin.key != ""
        and abs(end.start - begin.start) <= (_TIMED_SEC if end.has_time and begin.has_time else _GUESSED_SEC)
    )
    return min(pairs, key=cost, default=None)


def _remove_tokens(rows: Sequence[_SegmentTokens], dropped: set[_SpokenToken]) -> list[Segment]:
    remaining = []
    for row in rows:
        kept = [number for number, token in enumerate(row.tokens) if token not in dropped]
        if len(kept) == len(row.tokens):
            remaining.append(row.segment)
        elif kept:
            first, last = row.tokens[kept[0]], row.tokens[kept[-1]]
            words = [row.segment.words[number] for number in kept] if row.segment.words else []
            text = row.text[first.begin : last.stop].strip()
            changes = {"start": first.start, "end": last.end, "text": text, "words": words}
            remaining.append(row.segment.model_copy(update=changes))
    return remaining


def _align_times(earlier: list[Segment], later: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    """Clamp the times of both sides so that they do not cross: the parts do not agree to the millisecond."""
    if not earlier or not later:
        return earlier, later
    latest = earlier[-1].words[-1].start if earlier[-1].words else earlier[-1].start
    seam = max(latest, later[0].start)
    before = [_map_times(segment, lambda time: min(time, seam)) for segment in earlier]
    return before, [_map_times(segment, lambda time: max(time, seam)) for segment in later]
