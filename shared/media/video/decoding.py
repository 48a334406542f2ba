"""Decoding chosen spans of a video, two at a time, holding no picture longer than its reader does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shared.media.file.container import DECODER_OPTIONS, open_media, read_packets, truncated_file_error, video_stream

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

T = TypeVar("T")
Frames = Iterator[tuple[int, "VideoFrame"]]
"""Decoded frames with the ordinals of their packets, in the order they are shown."""

THREADS = 2
_POLL_SEC = 0.1


@dataclass(frozen=True)
class PacketSpan:
    """Packets to decode: ordinals from `start`, where decoding can begin, up to but without `stop`.

    Frames that no other frame refers to are skipped, except for the ordinals in `exact`.
    """

    start: int
    stop: int
    exact: frozenset[int] = frozenset()


class _Stopped(Exception):
    """Another thread failed or the caller gave up."""


def decode_spans(
    path: Path,
    spans: Sequence[PacketSpan],
    work: Callable[[PacketSpan, Frames], T],
    tick: Callable[[float], None],
    decoders: int = THREADS,
) -> list[T]:
    """What `work` made of each span, in their order, which must be ascending.

    Spans do not depend on each other, so `decoders` of one thread each, in which `work` runs too, use the cores better
    than one decoder of several threads. Each reads once through the file. A packet that cannot be decoded is passed
    over. `tick` is called with the fraction done, several times a second; what it raises ends the work.
    """
    results: dict[int, T] = {}
    todo = iter(enumerate(spans))
    lock, stopped = threading.Lock(), threading.Event()
    total, done = sum(span.stop - span.start for span in spans), 0
    workers = min(decoders, len(spans))

    def count_packet() -> None:
        nonlocal done
        with lock:
            done += 1
        if stopped.is_set():
            raise _Stopped

    def decode_next_spans() -> None:
        with open_media(path) as container:
            stream = video_stream(container)
            if stream is None:
                raise truncated_file_error()
            codec: Any = stream.codec_context
            codec.thread_count, codec.thread_type, codec.options = THREADS // workers, "FRAME", DECODER_OPTIONS
            packets = enumerate(read_packets(container, stream))
            while True:
                with lock:
                    number, span = next(todo, (-1, None))
                if span is None:
                    return
                results[number] = work(span, _decode_span(codec, packets, span, count_packet))

    with ThreadPoolExecutor(max(1, workers)) as pool:
        pending = {pool.submit(decode_next_spans) for _ in range(workers)}
        try:
            while pending:
                finished, pending = wait(pending, timeout=_POLL_SEC, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                tick(min(1.0, done / total))
        finally:
            stopped.set()
    return [results[number] for number in range(len(spans))]


def _decode_span(
    codec: Any, packets: Iterator[tuple[int, Packet[Any]]], span: PacketSpan, count_packet: Callable[[], None]
) -> Frames:
    codec.flush_buffers()
    for ordinal, packet in packets:
        if ordinal < span.start:
            continue
        count_packet()
        codec.skip_frame = "DEFAULT" if ordinal in span.exact else "NONREF"
        packet.pts = packet.dts = ordinal  # comes out with the frame, whatever the file's own times are
        yield from _decode_packet(codec, packet)
        if ordinal + 1 >= span.stop:
            break
    yield from _decode_packet(codec, None)


def _decode_packet(codec: Any, packet: Packet[Any] | None) -> Frames:
    import av

    try:
        frames = codec.decode(packet)
    except av.FFmpegError:
        return
    for frame in frames:
        if frame.pts is not None:
            yield frame.pts, frame
