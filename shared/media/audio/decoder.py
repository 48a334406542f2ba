"""Decode audio tracks with the FFmpeg libraries inside PyAV.

Runs as a separate process, so that a decoder that hangs or is killed affects nothing else. Behaves like the ffmpeg
program: writes samples to standard output, and the summary of `ebur128` to standard error. It stands in for a missing
program, and decodes what the program cannot: recordings whose clock is reset or faulty, or whose sound changes its
track, channels, rate or codec.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import PermanentError
from shared.media.container import open_media, read_packets
from shared.media.timeline import Timeline, read_timeline

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.filter import Graph
    from av.packet import Packet

    from shared.models.media import MediaInfo

SAMPLE_RATE = 16_000
# Silence fills gaps and a late start of the audio. Loudness is measured on the original channels: without the second
# resampler, the first one would already mix them down.
FILTERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("aresample", {"async": "1", "first_pts": "0"}),
    ("ebur128", {"peak": "true", "framelog": "verbose"}),
    ("aresample", {"sample_rate": str(SAMPLE_RATE)}),
    ("aformat", {"sample_fmts": "s16", "channel_layouts": "stereo"}),
)
# What broadcasts switch between. A stream keeps its number, and FFmpeg its decoder, when the codec changes.
_BROADCAST_CODECS = ("aac", "ac3", "eac3", "mp2", "mp3", "aac_latm")


def decoder_command(source: Path, info: MediaInfo, seconds: float) -> list[str]:
    """Return the command that decodes at most `seconds` of `source`; run it with `child_environ`."""
    tracks = (",".join(map(str, numbers)) for numbers in (info.selected_audio, info.timed_tracks))
    return [sys.executable, "-P", "-m", "shared.media.audio.decoder", str(source), str(seconds), *tracks]


def decode_audio(
    source: Path, seconds: float, tracks: Sequence[int], timed_tracks: Sequence[int], samples: IO[bytes]
) -> None:
    """Write at most `seconds` of the audio tracks to `samples`: stereo, 16 kHz, 16 bits, interleaved.

    `timed_tracks` are the streams whose packets determine the clock.

    Raises:
        PermanentError: As `open_media`.
    """
    remaining = round(seconds * SAMPLE_RATE)
    for frame in _filter_frames(_decode_tracks(source, tracks, read_timeline(source, timed_tracks))):
        chunk = np.ascontiguousarray(frame.to_ndarray().reshape(-1, 2)[:remaining], "<i2")
        samples.write(chunk.tobytes())
        remaining -= len(chunk)
        if remaining <= 0:
            return


def write_flac(target: Path, chunks: Iterable[NDArray[np.int16]]) -> None:
    """Write samples to `target`, mono at 16 kHz; each chunk is an array of shape (1, n)."""
    import av

    with av.open(str(target), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=SAMPLE_RATE, format="s16", layout="mono")
        for chunk in chunks:
            frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def _filter_frames(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yield the audio after `FILTERS`."""
    graph: Graph | None = None
    for frame in _unify_format(frames):
        graph = graph or _filter_graph(frame)
        graph.push(frame)
        yield from _pull_frames(graph)
    if graph:
        graph.push(None)
        yield from _pull_frames(graph)


def _decode_tracks(source: Path, tracks: Sequence[int], timeline: Timeline) -> Iterator[AudioFrame]:
    """Yield frames at their time in the presentation; skips damaged packets."""
    with open_media(source) as container:
        streams = [stream for stream in container.streams.audio if stream.index in tracks]
        decoders = {stream.index: _TrackDecoder(stream.codec_context) for stream in streams}
        counts = dict.fromkeys(decoders, 0)
        for packet in read_packets(container, *streams):
            index = packet.stream_index
            times = timeline.times[index]
            ordinal = min(counts[index], len(times) - 1)
            counts[index] += 1
            packet.pts = packet.dts = round(times[ordinal] / packet.time_base)
            yield from decoders[index].decode(packet)


class _TrackDecoder:
    """Decodes a track, and goes on with another decoder where the codec changes."""

    def __init__(self, codec: AudioCodecContext) -> None:
        self._codec = codec

    def decode(self, packet: Packet[Any]) -> list[AudioFrame]:
        import av

        frames = _try_decode(self._codec, packet)
        if frames is not None or self._codec.codec.canonical_name not in _BROADCAST_CODECS:
            return frames or []
        for name in _BROADCAST_CODECS:
            codec: Any = av.CodecContext.create(name, "r")
            other_frames = _try_decode(codec, packet) if name != self._codec.codec.canonical_name else None
            if other_frames:
                self._codec = codec
                return other_frames
        return []


def _try_decode(codec: Any, packet: Packet[Any]) -> list[AudioFrame] | None:
    """Return the frames of a packet; None if it cannot be decoded."""
    import av

    try:
        return list(codec.decode(packet))
    except av.error.MemoryError:
        raise
    except av.FFmpegError:
        return None


def _unify_format(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Convert frames to the format, rate and channels of the first: broadcasts may change all three at any time."""
    from av.audio.resampler import AudioResampler

    first: tuple[str, str, int] | None = None
    resamplers: dict[tuple[str, str, int], AudioResampler] = {}
    for frame in frames:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        first = first or form
        if form == first:
            yield frame
        else:
            if form not in resamplers:
                resamplers[form] = AudioResampler(*first)
            for part in resamplers[form].resample(frame):
                if part.pts is not None and part.time_base and frame.time_base:
                    part.pts = round(part.pts * part.time_base / frame.time_base)
                    part.time_base = frame.time_base
                yield part


def _filter_graph(frame: AudioFrame) -> Graph:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_abuffer(
        format=frame.format, sample_rate=frame.sample_rate, layout=frame.layout, time_base=frame.time_base
    )
    filters = [graph.add(name, **options) for name, options in FILTERS]
    graph.link_nodes(source, *filters, graph.add("abuffersink"))
    graph.configure()
    return graph


def _pull_frames(graph: Graph) -> Iterator[AudioFrame]:
    import av

    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, av.AudioFrame)  # noqa: S101
        yield frame


def main(source: str, seconds: str, *tracks: str) -> None:
    """Run the decoder; exits with 0 even if the file is faulty."""
    import av.logging

    av.logging.restore_default_callback()
    av.logging.set_libav_level(av.logging.INFO)
    audio, timed = ([int(number) for number in numbers.split(",")] for numbers in tracks)
    try:
        decode_audio(Path(source), float(seconds), audio, timed, sys.stdout.buffer)
    except PermanentError as error:
        print(error.message, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
