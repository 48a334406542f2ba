"""Muxing of video and audio that were downloaded as two files, without re-encoding."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import TransientError
from shared.media.container import open_media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

_MP4_CODECS = {"h264", "hevc", "av1", "aac", "mp3"}


def mux_streams(video_path: Path, audio_path: Path, folder: Path, until: float | None = None) -> Path:
    """Mux the first video and audio stream into a new file in `folder`, and remove the two inputs.

    The container is MP4 if it supports both codecs, else Matroska. `until` cuts both streams, in seconds.

    Raises:
        PermanentError: As `open_media`.
        TransientError: `source_incomplete` if a stream is missing.
    """
    import av

    with ExitStack() as stack:
        video_input, audio_input = (
            stack.enter_context(open_media(video_path)),
            stack.enter_context(open_media(audio_path)),
        )
        if not video_input.streams.video or not audio_input.streams.audio:
            raise TransientError("source_incomplete", "The platform sent only a part of the video. Try again.")
        streams = [video_input.streams.video[0], audio_input.streams.audio[0]]
        fits_mp4 = all(stream.codec_context.codec.canonical_name in _MP4_CODECS for stream in streams)
        path = folder / ("joined.mp4" if fits_mp4 else "joined.mkv")
        output = stack.enter_context(av.open(path, "w", format="mp4" if fits_mp4 else "matroska"))
        output_streams = [output.add_stream_from_template(stream) for stream in streams]
        packet_streams = [
            _packets_until(container, stream, until)
            for container, stream in zip((video_input, audio_input), streams, strict=True)
        ]
        for packet in heapq.merge(*packet_streams, key=_packet_time):
            packet.stream = output_streams[0] if packet.stream is streams[0] else output_streams[1]
            output.mux(packet)
    video_path.unlink()
    audio_path.unlink()
    return path


def _packets_until(container: InputContainer, stream: Stream, until: float | None) -> Iterator[Packet[Stream]]:
    for packet in container.demux(stream):
        if packet.dts is None:
            continue
        if until is not None and _packet_time(packet) >= until:
            return
        yield packet


def _packet_time(packet: Packet[Stream]) -> float:
    return float((packet.dts or 0) * packet.time_base)
