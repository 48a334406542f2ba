"""Captions as video platforms give them: WebVTT, SubRip (SRT), and YouTube's own JSON.

An own reader: what the libraries for these formats leave out is just what platforms add, the times of single words
inside a line, and automatic captions that roll, each cue showing the line before it once more.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from shared.errors import PermanentError
from shared.media.text.subtitles import strip_markup
from shared.models.video import Segment, Word

Format = Literal["vtt", "srt", "json3"]

MAX_CHARS = 5_000_000  # automatic captions, which are the longest, have about 2 000 000 in four hours
_ROLLING_SHARE = 0.25
_MOST_ROWS = 4  # that roll (CTA-608)
_ADJACENT_SEC = 0.1

_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s|$)")
_STAMP = re.compile(rf"<{_CLOCK}>")


def parse_captions(text: str, format: Literal["vtt", "srt", "json3"]) -> list[Segment]:
    """The words of a caption file in order of time, free of markup; line breaks inside a caption are kept.

    Where the file tells the times of words, segments have them. What rolling captions repeat is given once.

    Raises:
        PermanentError: `captions_unreadable` for what is not of the format, or absurdly large.
    """
    if len(text) > MAX_CHARS:
        raise _unreadable_error()
    segments = _json3_segments(text) if format == "json3" else _cue_segments(_parse_cues(text, format))
    return sorted(segments, key=lambda segment: segment.start)


@dataclass(frozen=True)
class _CaptionLine:
    text: str
    words: list[Word] = field(default_factory=list)


@dataclass
class _Cue:
    start: float
    end: float
    lines: list[_CaptionLine] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]


def _parse_cues(text: str, format: Format) -> list[_Cue]:
    """Whatever stands outside of cues (numbers, names, notes, styles) is passed over."""
    text = text.removeprefix("\ufeff")
    raw_cues: list[tuple[_Cue, list[str]]] = []
    inside = False
    for line in text.splitlines():
        timing = _TIMING.match(line)
        if timing:
            if inside and format == "srt" and raw_cues[-1][1] and raw_cues[-1][1][-1].strip().isdigit():
                raw_cues[-1][1].pop()  # this cue's number, where no empty line stands before it
            start, end = _clock_seconds(timing.groups()[:4]), _clock_seconds(timing.groups()[4:])
            raw_cues.append((_Cue(start, max(start, end)), []))
            inside = True
        elif not line:
            inside = False
        elif inside:
            raw_cues[-1][1].append(line)
    if not raw_cues and not (format == "vtt" and text.startswith("WEBVTT")):
        raise _unreadable_error()
    for cue, lines in raw_cues:
        cue.lines = [line for line in (_parse_line(raw, cue, format) for raw in lines) if line.text]
    return [cue for cue, _ in raw_cues if cue.lines]


def _parse_line(raw: str, cue: _Cue, format: Format) -> _CaptionLine:
    """A line without its markup, and its words where stamps such as `<00:00:01.200>` stand between them."""

    def clean(piece: str) -> str:
        piece = strip_markup(piece)
        return " ".join((html.unescape(piece) if format == "vtt" else piece).split())

    if format != "vtt":
        return _CaptionLine(clean(raw))
    first, *stamps = _STAMP.split(raw)
    timed = [(_clock_seconds(stamps[n : n + 4]), stamps[n + 4]) for n in range(0, len(stamps), 5)]
    pieces = [(begin, clean(piece)) for begin, piece in [(cue.start, first), *timed]]
    return _CaptionLine(
        clean(_STAMP.sub("", raw)), _to_words([row for row in pieces if row[1]], cue.end) if timed else []
    )


def _to_words(pieces: Sequence[tuple[float, str]], end: float) -> list[Word]:
    """Each word lasts until the next one, the last until `end`; none begins before the one ahead of it."""
    words: list[Word] = []
    for begin, text in pieces:
        begin = min(max(begin, words[-1].start), end) if words else min(begin, end)
        if words:
            words[-1].end = begin
        words.append(Word(start=begin, end=end, text=text))
    return words


def _cue_segments(cues: Sequence[_Cue]) -> Iterable[Segment]:
    rolling = sum(0 < _repeat_count(*pair) < len(pair[1].lines) for pair in pairwise(cues)) >= _ROLLING_SHARE * len(
        cues
    )
    for before, cue in zip([None, *cues], cues, strict=False):
        new = cue.lines[_repeat_count(before, cue) :] if rolling and before else cue.lines
        if new:
            words = [word for line in new for word in line.words] if all(line.words for line in new) else []
            yield Segment(start=cue.start, end=cue.end, text="\n".join(line.text for line in new), words=words)


def _repeat_count(before: _Cue, cue: _Cue) -> int:
    """How many lines at the top of a cue are those that stood at the bottom of the one right before it."""
    if cue.start > before.end + _ADJACENT_SEC:
        return 0
    most = min(len(before.lines), len(cue.lines), _MOST_ROWS)
    return next((n for n in range(most, 0, -1) if before.texts[-n:] == cue.texts[:n]), 0)


class _Seg(BaseModel):
    utf8: str = ""
    tOffsetMs: int = Field(0, ge=0)


class _Event(BaseModel):
    tStartMs: int = Field(0, ge=0)
    dDurationMs: int = Field(0, ge=0)
    segs: list[_Seg] = []
    aAppend: int = 0


class _Json3(BaseModel):
    events: list[_Event]


def _json3_segments(text: str) -> Iterable[Segment]:
    """Automatic captions stay on the screen while the next line comes: there a line ends where the next begins."""
    try:
        events = _Json3.model_validate_json(text).events
    except ValidationError:
        raise _unreadable_error() from None
    rolling = any(event.aAppend for event in events)
    events = sorted((event for event in events if _event_text(event)), key=lambda event: event.tStartMs)
    for event, following in zip_longest(events, events[1:]):
        start, end = event.tStartMs, event.tStartMs + event.dDurationMs
        if rolling and following:
            end = min(end, following.tStartMs)
        timed = [((start + seg.tOffsetMs) / 1000, seg.utf8.strip()) for seg in event.segs if seg.utf8.strip()]
        words = _to_words(timed, end / 1000) if any(seg.tOffsetMs for seg in event.segs) else []
        yield Segment(start=start / 1000, end=end / 1000, text=_event_text(event), words=words)


def _event_text(event: _Event) -> str:
    lines = (" ".join(line.split()) for line in "".join(seg.utf8 for seg in event.segs).splitlines())
    return "\n".join(line for line in lines if line)


def _clock_seconds(clock: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = clock
    return round(int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(f"{seconds}.{fraction}"), 3)


def _unreadable_error() -> PermanentError:
    return PermanentError(
        "captions_unreadable", "The captions of the video cannot be parsed. Upload the video itself instead."
    )
