"""Pictures and sound that were downloaded as two files, in one; nothing is encoded anew."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import TransientError
from shared.media.file.container import open_media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

_MP4 = {"h264", "hevc", "av1", "aac", "mp3"}


def join(pictures: Path, sound: Path, folder: Path, until: float | None = None) -> Path:
    """A new file in `folder`, MP4 where that holds both codecs and Matroska elsewhere; the two files are removed.

    `until` cuts what is longer, in seconds.

    Raises:
        PermanentError: As `open_media`.
        TransientError: `source_incomplete` when they cannot be joined.
    """
    import av

    with ExitStack() as opened:
        seen, heard = opened.enter_context(open_media(pictures)), opened.enter_context(open_media(sound))
        if not seen.streams.video or not heard.streams.audio:
            raise TransientError("source_incomplete", "The platform sent only a part of the video. Try again.")
        streams = [seen.streams.video[0], heard.streams.audio[0]]
        known = all(stream.codec_context.codec.canonical_name in _MP4 for stream in streams)
        path = folder / ("joined.mp4" if known else "joined.mkv")
        out = opened.enter_context(av.open(path, "w", format="mp4" if known else "matroska"))
        copies = [out.add_stream_from_template(stream) for stream in streams]
        timed = [_timed(container, stream, until) for container, stream in zip((seen, heard), streams, strict=True)]
        for packet in heapq.merge(*timed, key=_time):
            packet.stream = copies[0] if packet.stream is streams[0] else copies[1]
            out.mux(packet)
    pictures.unlink()
    sound.unlink()
    return path


def _timed(container: InputContainer, stream: Stream, until: float | None) -> Iterator[Packet[Stream]]:
    for packet in container.demux(stream):
        if packet.dts is None:
            continue
        if until is not None and _time(packet) >= until:
            return
        yield packet


def _time(packet: Packet[Stream]) -> float:
    return float((packet.dts or 0) * packet.time_base)
