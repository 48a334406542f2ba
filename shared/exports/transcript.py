"""A transcript as plain text, SubRip and WebVTT (W3C)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from shared.exports.markup import plain_text
from shared.models.video import Segment


def to_txt(segments: Sequence[Segment]) -> str:
    """One line per segment."""
    return "".join(f"{plain_text(segment.text)}\n" for segment in segments)


def to_srt(segments: Sequence[Segment]) -> str:
    # An arrow within the text would be taken for a time line by some players.
    cues = _cues(segments, ",", lambda line: line.replace("-->", "→"))
    return "".join(f"{count}\n{cue}\n" for count, cue in enumerate(cues, start=1))


def to_vtt(segments: Sequence[Segment]) -> str:
    cues = _cues(segments, ".", lambda line: escape(line, quote=False))
    return "WEBVTT\n" + "".join(f"\n{cue}" for cue in cues)


def _cues(segments: Sequence[Segment], decimal: str, escape_line: Callable[[str], str]) -> Iterable[str]:
    """Time line and text of each segment; no empty line, which would end it."""
    for segment in segments:
        lines = [escape_line(line) for line in map(plain_text, segment.text.splitlines()) if line]
        times = f"{timestamp(segment.start, decimal)} --> {timestamp(segment.end, decimal)}"
        yield "".join(f"{line}\n" for line in [times, *lines])


def timestamp(seconds: float, decimal: str) -> str:
    """`01:02:03,450`."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{decimal}{rest % 1000:03}"
