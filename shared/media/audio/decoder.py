"""Decode an audio track with the FFmpeg libraries inside PyAV, for machines without an ffmpeg program.

Runs as a separate process (`python -m shared.media.audio.decoder SOURCE TARGET SECONDS`), so that a decoder that hangs
or is killed affects nothing else. Behaves like the program: writes FLAC to the target, the same samples to standard
output, and the summary of `ebur128` to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import PermanentError
from shared.media.audio.levels import SAMPLE_RATE
from shared.media.container import open_media, presentation_start, read_packets

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from av.filter import Graph

# Silence fills gaps and a late start of the audio. Loudness is measured on the original channels: without the second
# resampler, the first one would already mix them down.
FILTERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("aresample", {"async": "1", "first_pts": "0"}),
    ("ebur128", {"peak": "true", "framelog": "verbose"}),
    ("aresample", {"sample_rate": str(SAMPLE_RATE)}),
    ("aformat", {"sample_fmts": "s16", "channel_layouts": "mono"}),
)


def decoder_command(source: Path, target: Path, seconds: float) -> list[str]:
    """Return the command that decodes at most `seconds` of `source`; run it with `child_environ`."""
    return [sys.executable, "-P", "-m", "shared.media.audio.decoder", str(source), str(target), str(seconds)]


def decode_audio(source: Path, target: Path, seconds: float, samples: IO[bytes]) -> None:
    """Write at most `seconds` of the first audio track to `target` as FLAC, and its raw samples to `samples`.

    Both are mono, 16 kHz, 16 bits. A file without readable audio leaves no target.

    Raises:
        PermanentError: As `open_media`.
    """
    with open_media(source) as container:
        chunks = _copy_samples(_filter_frames(container), round(seconds * SAMPLE_RATE), samples)
        first = next(chunks, None)
        if first is not None:
            write_flac(target, chain((first,), chunks))


def write_flac(target: Path, chunks: Iterable[NDArray[np.int16]]) -> None:
    """Write samples to `target`; each chunk is an array of shape (1, n)."""
    import av

    with av.open(str(target), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=SAMPLE_RATE, format="s16", layout="mono")
        for chunk in chunks:
            frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def _copy_samples(frames: Iterator[AudioFrame], count: int, samples: IO[bytes]) -> Iterator[NDArray[np.int16]]:
    """Yield the first `count` samples of mono frames, and write each to `samples`."""
    for frame in frames:
        chunk = np.ascontiguousarray(frame.to_ndarray()[:, :count], np.int16)
        samples.write(chunk.tobytes())
        yield chunk
        count -= chunk.shape[1]
        if count <= 0:
            return


def _filter_frames(container: InputContainer) -> Iterator[AudioFrame]:
    """Yield the audio after `FILTERS`."""
    graph: Graph | None = None
    for frame in _unify_format(_decode_frames(container)):
        graph = graph or _filter_graph(frame)
        graph.push(frame)
        yield from _pull_frames(graph)
    if graph:
        graph.push(None)
        yield from _pull_frames(graph)


def _decode_frames(container: InputContainer) -> Iterator[AudioFrame]:
    """Yield frames of the first audio track, timed from the presentation's start; skips damaged packets."""
    import av

    stream = container.streams.audio[0]
    start = presentation_start(container)
    for packet in read_packets(container, stream):
        try:
            decoded: list[Any] = list(packet.decode())
        except av.FFmpegError:
            continue
        for frame in decoded:
            if frame.pts is not None:
                frame.pts -= round(start / frame.time_base)
            yield frame


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


def main(source: str, target: str, seconds: str) -> None:
    """Run the decoder; exits with 0 even if the file is faulty, and then leaves no target."""
    import av.logging

    av.logging.restore_default_callback()
    av.logging.set_libav_level(av.logging.INFO)
    try:
        decode_audio(Path(source), Path(target), float(seconds), sys.stdout.buffer)
    except PermanentError as error:
        print(error.message, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
