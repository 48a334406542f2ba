"""Text subtitles that travel inside a media file."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import PermanentError
from shared.media.file.container import open_media, presentation_start, read_packets
from shared.models.video import Segment, SubtitleTrack

if TYPE_CHECKING:
    from av.container import InputContainer

_PLAIN = {"subrip", "webvtt", "text"}
_ASS = {"ass", "ssa"}
_ASS_FIELDS = 8  # before the text: read order, layer, style, name, three margins, effect
_DEFAULT_SEC = 3.0  # for how long, when neither the file nor the next subtitle tells

_DRAWING = re.compile(r"\{[^}]*\\p[1-9][^}]*\}.*?(?:\{[^}]*\\p0[^}]*\}|$)", re.DOTALL)
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_TAG = re.compile(r"</?(?:b|i|u|s|c|v|font|ruby|rt|lang)\b[^<>]*>|<\d\d:[\d:.]+>", re.IGNORECASE)


def text_tracks(container: InputContainer) -> list[SubtitleTrack]:
    """The subtitle streams that are text; those that are pictures are left out."""
    tracks = []
    for stream in container.streams.subtitles:
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else ""
        if codec in _PLAIN | _ASS | {"mov_text"}:
            language = None if stream.language in (None, "", "und") else stream.language
            tracks.append(SubtitleTrack(index=stream.index, codec=codec, language=language))
    return tracks


def read_subtitles(path: Path, track: SubtitleTrack) -> list[Segment]:
    """The words of a subtitle track in order of time, free of markup; line breaks are kept.

    The text is read from the packets as they are: decoders make ASS of it first and lose `2 < 3` and braces on the way.

    Raises:
        PermanentError: What `open_media` raises; `no_subtitles` when the file has no such track.
    """
    rows: list[tuple[float, float | None, str]] = []
    with open_media(path) as container:
        stream = next((s for s in container.streams.subtitles if s.index == track.index), None)
        if stream is None:
            raise PermanentError("no_subtitles", "The file no longer has this subtitle track. Submit the video again.")
        start = presentation_start(container)
        for packet in read_packets(container, stream):
            if packet.pts is not None:
                begin = float(packet.pts * packet.time_base) - start
                length = float(packet.duration * packet.time_base) if packet.duration else None
                rows.append((begin, length, _subtitle_text(track.codec, bytes(packet))))
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


def _subtitle_text(codec: str, payload: bytes) -> str:
    if codec == "mov_text":
        payload = payload[2 : 2 + int.from_bytes(payload[:2], "big")]  # what follows is style
        if payload[:2] in (b"\xfe\xff", b"\xff\xfe"):
            return payload.decode("utf-16", errors="replace").strip()
    text = payload.decode("utf-8", errors="replace")
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
    """A line of SubRip, WebVTT or ASS as it is shown; entities stay as they are."""
    return _TAG.sub("", _OVERRIDE.sub("", text))
