"""Text subtitles inside media files, and caption files in WebVTT, SubRip (SRT) and YouTube's JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field, ValidationError

from shared.errors import PermanentError
from shared.media import closed_captions
from shared.media.closed_captions import read_caption_events
from shared.media.container import open_media, read_packets
from shared.media.text_encoding import find_encoding
from shared.media.tracks import subtitle_role, track_facts
from shared.models.media import SubtitleTrack
from shared.models.video import Segment, TextLimit, Word

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

CaptionFormat = Literal["vtt", "srt", "json3"]
MAX_CHARS = 5_000_000  # automatic captions, the longest kind, have about 2 000 000 in four hours
MAX_JSON_OBJECTS = 300_000  # the same have about 80 000
MAX_MS = 10**12  # more than any video has; larger numbers are no times
_MAX_CUE_BYTES = 16_000
_MAX_TRACK_BYTES = 16_000_000
_MATROSKA_WEBVTT = b"S_TEXT/WEBVTT"
_HEADER_BYTES = 1_000_000
_PLAIN = {"subrip", "webvtt", "text"}
_ASS = {"ass", "ssa"}
_ASS_FIELDS = 8  # before the text: read order, layer, style, name, three margins, effect
_READABLE = _PLAIN | _ASS | {"mov_text", closed_captions.CODEC}
_DEFAULT_SEC = 3.0  # duration if neither the file nor the next subtitle determines it
_DRAWING = re.compile(r"\{[^}]*\\p[1-9][^}]*\}.*?(?:\{[^}]*\\p0[^}]*\}|$)", re.DOTALL)
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_TAG = re.compile(r"</?(?:b|i|u|s|c|v|font|ruby|rt|lang)\b[^<>]*>|<\d\d:[\d:.]+>", re.IGNORECASE)
_ROLLING_SHARE = 0.25
_MOST_ROWS = 4  # of rolling captions (CTA-608)
_ADJACENT_SEC = 0.1
_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s|$)")
_STAMP = re.compile(rf"<{_CLOCK}>")


def list_subtitles(container: InputContainer, path: Path) -> tuple[list[SubtitleTrack], list[str]]:
    """List the text subtitle streams, and the codecs of those that cannot be read: pictures of text, teletext, TTML."""
    from av.stream import Disposition

    tracks, unread = [], []
    for stream in container.streams.subtitles:
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else _unnamed_codec(path)
        if codec in _READABLE:
            role = subtitle_role(stream)
            impaired = bool(stream.disposition & Disposition.hearing_impaired)
            facts = {**track_facts(stream), "codec": codec, "role": role, "hearing_impaired": impaired}
            tracks.append(SubtitleTrack.model_validate(facts))
        elif codec not in unread:
            unread.append(codec)
    return tracks, unread


def _unnamed_codec(path: Path) -> str:
    """Return the codec of a stream that FFmpeg has no name for: WebVTT as Matroska's specification has it."""
    with path.open("rb") as file:
        return "webvtt" if _MATROSKA_WEBVTT in file.read(_HEADER_BYTES) else "unknown"


def read_subtitles(
    path: Path, track: SubtitleTrack, limit: TextLimit | None = None, start: float = 0.0
) -> list[Segment]:
    """Read a subtitle track as segments in order of time, without markup; keeps line breaks.

    `start` is the `clock_start` of the file.

    Reads the raw packets, because decoders convert the text to ASS and lose `2 < 3` and braces. Stops at the limit.

    Raises:
        PermanentError: As `open_media`; `no_subtitles` when the file has no such track.
    """
    limit = limit or TextLimit()
    with open_media(path) as container:
        stream = next((s for s in container.streams if s.index == track.index), None)
        if stream is None:
            raise PermanentError("no_subtitles", "The file no longer has this subtitle track. Submit the video again.")
        if track.codec == closed_captions.CODEC:
            cues = [
                _Cue(begin - start, end - start, [_CaptionLine(row.strip()) for row in strip_markup(text).splitlines()])
                for begin, end, text in read_caption_events(container, stream)
            ]
            return limit.cut(_cue_segments([cue for cue in cues if cue.lines and cue.start >= 0]))
        payloads = list(_read_payloads(container, stream, track.codec))
    encoding = find_encoding(b"".join(payload for _, _, payload in payloads), track.language)
    rows: list[tuple[float, float | None, str]] = []
    for begin, length, payload in payloads:
        text = _subtitle_text(track.codec, payload, encoding)
        if not limit.accept(text):
            break
        rows.append((begin - start, length, text))
    rows.sort(key=lambda row: row[0])
    following = [begin for begin, _, _ in rows[1:]]
    segments: list[Segment] = []
    for (begin, length, text), next_begin in zip(rows, [*following, float("inf")], strict=True):
        end = begin + (length or min(_DEFAULT_SEC, next_begin - begin))
        if not text or end <= 0:
            continue
        if segments and segments[-1].text == text and begin - segments[-1].end < 0.1:
            segments[-1].end = round(end, 3)
        else:
            segments.append(Segment(start=round(max(0.0, begin), 3), end=round(end, 3), text=text))
    return segments


def _read_payloads(
    container: InputContainer, stream: Stream, codec: str
) -> Iterator[tuple[float, float | None, bytes]]:
    """Yield start, duration if stated, and content of the packets, of which not more than any transcript has."""
    total = 0
    for packet in read_packets(container, stream):
        if packet.pts is not None and total < _MAX_TRACK_BYTES:
            payload = bytes(memoryview(packet)[:_MAX_CUE_BYTES])
            if codec == "mov_text":
                payload = payload[2 : 2 + int.from_bytes(payload[:2], "big")]  # the remainder is style
            total += len(payload)
            length = float(packet.duration * packet.time_base) if packet.duration else None
            yield float(packet.pts * packet.time_base), length, payload


def _subtitle_text(codec: str, payload: bytes, encoding: str) -> str:
    if payload[:2] in (b"\xfe\xff", b"\xff\xfe"):  # each text of a track may have its own mark
        encoding = "utf-16"
    text = payload.decode(encoding, errors="replace")
    if codec in _ASS:
        text = text.split(",", _ASS_FIELDS)[-1]
        text = _DRAWING.sub("", text).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    if codec != "mov_text":
        text = strip_markup(text)
    if codec == "webvtt":
        text = html.unescape(text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def strip_markup(text: str) -> str:
    """Remove the markup of a SubRip, WebVTT or ASS line; keeps entities."""
    return _TAG.sub("", _OVERRIDE.sub("", text))


def parse_captions(text: str, format: CaptionFormat) -> list[Segment]:
    """Parse a caption file into segments in order of time, without markup; keeps line breaks inside a caption.

    Segments have word times if the file has them. Lines that rolling captions repeat appear once.

    Raises:
        PermanentError: `captions_unreadable` if the text is not in the format, or longer than the limits above.
    """
    if len(text) > MAX_CHARS or (format == "json3" and text.count("{") > MAX_JSON_OBJECTS):
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


def _parse_cues(text: str, format: CaptionFormat) -> list[_Cue]:
    """Parse the cues; skips numbers, names, notes and styles outside of cues."""
    text = text.removeprefix("\ufeff")
    raw_cues: list[tuple[_Cue, list[str]]] = []
    inside = False
    for line in text.splitlines():
        timing = _TIMING.match(line)
        if timing:
            if inside and format == "srt" and raw_cues[-1][1] and raw_cues[-1][1][-1].strip().isdigit():
                raw_cues[-1][1].pop()  # the next cue's number, if no empty line precedes it
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


def _parse_line(raw: str, cue: _Cue, format: CaptionFormat) -> _CaptionLine:
    """Remove the markup of a line; split it into timed words at stamps such as `<00:00:01.200>`."""

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
    """Build timed words: each lasts until the next one, the last until `end`; none begins before its predecessor."""
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
    """Count the lines at the top of a cue that repeat the bottom of the cue right before it."""
    if cue.start > before.end + _ADJACENT_SEC:
        return 0
    most = min(len(before.lines), len(cue.lines), _MOST_ROWS)
    return next((n for n in range(most, 0, -1) if before.texts[-n:] == cue.texts[:n]), 0)


class _Seg(BaseModel):
    utf8: str = ""
    tOffsetMs: int = Field(0, ge=0, le=MAX_MS)


class _Event(BaseModel):
    tStartMs: int = Field(0, ge=0, le=MAX_MS)
    dDurationMs: int = Field(0, ge=0, le=MAX_MS)
    segs: list[_Seg] = []
    aAppend: int = 0


class _Json3(BaseModel):
    events: list[_Event]


def _json3_segments(text: str) -> Iterable[Segment]:
    """Parse YouTube's JSON. In rolling captions, where lines overlap on screen, a line ends where the next begins."""
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
