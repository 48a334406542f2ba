"""The packets of a video: an index of their times and sizes, made without decoding, and decoding of chosen spans.

A packet is identified by its ordinal: its position among the packets of the video stream, in the order of the file.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.media.container import DECODER_OPTIONS, MAX_PACKETS, open_media, picture_decoder, read_packets
from shared.media.timeline import ClockReader
from shared.models.media import MediaInfo

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

T = TypeVar("T")
Frames = Iterator[tuple[int, "VideoFrame"]]
"""Decoded frames with the ordinals of their packets, in presentation order."""
THREADS = 2
_NEIGHBOURS = 8
_RISE = 1.5
_SHORTEST_GROUP_SEC = 0.35
_POLL_SEC = 0.1


@dataclass(frozen=True)
class PacketIndex:
    """The video packets of a file; each array has one element per ordinal.

    Attributes:
        time: Presentation time in seconds from the start of the file.
        size: Size in bytes.
        key: True if decoding can start here.
    """

    time: NDArray[np.float64]
    size: NDArray[np.float64]
    key: NDArray[np.bool_]

    @cached_property
    def groups(self) -> list[range]:
        """Groups of pictures: ordinals that can be decoded independently; only the last may be shorter than 0.35 s."""
        starts = [0] if len(self.time) else []
        for ordinal in np.flatnonzero(self.key).tolist():
            if self.time[ordinal] - self.time[starts[-1]] >= _SHORTEST_GROUP_SEC:
                starts.append(ordinal)
        return [range(start, stop) for start, stop in zip(starts, [*starts[1:], len(self.time)], strict=True)]

    @cached_property
    def _group_starts(self) -> list[int]:
        return [group.start for group in self.groups]

    def group_number(self, ordinal: int) -> int:
        """Return the number of the group to which a packet belongs."""
        return bisect_right(self._group_starts, ordinal) - 1

    @cached_property
    def usual_group_length(self) -> int:
        """The most frequent number of packets in a group, the largest of several; 0 if none repeats."""
        counts = Counter(len(group) for group in self.groups[:-1])
        usual = max(counts, key=lambda length: (counts[length], length), default=0)
        return usual if counts[usual] > 1 else 0

    @cached_property
    def forward(self) -> NDArray[np.int_]:
        """The ordinals of the frames that are shown after all that were sent before them, without key frames."""
        latest = np.maximum.accumulate(np.r_[-np.inf, self.time[:-1]])
        return np.flatnonzero((self.time > latest) & ~self.key)

    @cached_property
    def surge(self) -> NDArray[np.float64]:
        """The size of each packet relative to those around it of its kind; 0 for key packets and for B-frames.

        Predicted frames are small until a picture differs from the ones before: after a cut, or where a caption
        appears. Only frames later than all before them count. B-frames, which are shown before a frame that was sent
        earlier, borrow from both sides, so a cut between them makes the next frame surge that is not one of them.
        """
        surge = np.zeros(len(self.time))
        forward = self.forward
        if len(forward) < 2:
            return surge
        size = self.size[forward]
        reach = min(_NEIGHBOURS, len(size) - 1)
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(size, reach, mode="reflect"), 2 * reach + 1)
        parts = np.array_split(windows, len(size) // 10_000 + 1)  # a median copies its input
        around, after = (
            np.concatenate([np.median(part[:, first:], axis=1) for part in parts]) for first in (0, reach + 1)
        )
        surge[forward] = size / around
        # A cut from a moving to a still or dark picture makes a small packet among those before it.
        rises = size >= _RISE * np.r_[size[:1], size[:-1]]
        surge[forward] = np.maximum(surge[forward], np.where(rises, size / after / 2, 0))
        return surge

    def frame_at(self, time: float) -> int:
        """Return the ordinal of the frame on screen at `time`."""
        earlier = np.flatnonzero(self.time <= time + 0.001)  # containers round to milliseconds
        return int(earlier[self.time[earlier].argmax()]) if len(earlier) else int(self.time.argmin())

    def seconds(self, group: range) -> float:
        """Return the time from the first packet of a group to the frame shown last."""
        return float(self.time[group.start : group.stop].max() - self.time[group.start])

    def stop_after(self, group: range, time: float) -> int:
        """Return the ordinal up to which to decode a group to get a frame at or after `time`."""
        later = np.flatnonzero(self.time[group.start : group.stop] >= time)
        return group.start + int(later[0]) + 1 if len(later) else group.stop


def read_packet_index(path: Path, info: MediaInfo) -> PacketIndex:
    """Index the packets of the selected video track, at most `MAX_PACKETS`, without decoding; empty without one."""
    size, key = array("d"), array("b")
    with open_media(path) as container:
        clock = ClockReader(container)
        streams = [stream for stream in container.streams if stream.index in info.timed_tracks]
        for packet in read_packets(container, *streams):
            clock.add_packet(packet)
            if packet.stream_index == info.video_track and len(size) < MAX_PACKETS:
                size.append(packet.size)
                key.append(packet.is_keyframe)
        times = clock.finish(info.timed_tracks).times
    time = times.get(-1 if info.video_track is None else info.video_track, np.zeros(0))
    return PacketIndex(time, np.array(size), np.array(key, dtype=np.bool_))


@dataclass(frozen=True)
class PacketSpan:
    """Packets to decode: ordinals from `start`, where decoding can begin, to before `stop`.

    Frames that no other frame refers to are skipped, except for the ordinals in `exact`.

    Attributes:
        only: The ordinals to decode, whatever they refer to; None for all.
    """

    start: int
    stop: int
    exact: frozenset[int] = frozenset()
    only: frozenset[int] | None = None


class _Stopped(Exception):
    """Another thread failed, or the caller stopped the work."""


def decode_spans(
    path: Path,
    track: int,
    spans: Sequence[PacketSpan],
    work: Callable[[PacketSpan, Frames], T],
    tick: Callable[[float], None],
    decoders: int = THREADS,
    *,
    is_rendered: bool = True,
) -> list[T]:
    """Decode spans of a video track, in ascending order, and return the result of `work` for each.

    Spans are independent, so several `decoders` of one thread each, in which `work` runs too, use the cores better than
    one decoder with several threads. One decoder runs in the caller's thread. Each reads the file once. Packets that
    cannot be decoded are skipped. `tick` receives the fraction done, several times a second; an exception from it stops
    the work. Frames that are only measured (not `is_rendered`) are decoded without the filter that smooths the edges of
    blocks.
    """
    results: dict[int, T] = {}
    todo = iter(enumerate(spans))
    lock, stopped = threading.Lock(), threading.Event()
    total, done = sum(span.stop - span.start for span in spans), 0
    next_tick = time.monotonic() + _POLL_SEC
    workers = min(decoders, len(spans))
    options = DECODER_OPTIONS if is_rendered else DECODER_OPTIONS | {"skip_loop_filter": "all"}

    def count_packet() -> None:
        nonlocal done, next_tick
        with lock:
            done += 1
        if stopped.is_set():
            raise _Stopped
        if decoders == 1 and time.monotonic() > next_tick:
            tick(min(1.0, done / total))
            next_tick = time.monotonic() + _POLL_SEC

    def decode_next_spans() -> None:
        with open_media(path) as container:
            stream: Any = container.streams[track]
            codec: Any = picture_decoder(stream)
            # Each thread holds frames: where one decoder is asked for, memory matters more than time.
            threads = 1 if decoders == 1 else THREADS // workers
            codec.thread_count, codec.thread_type, codec.options = threads, "FRAME", options
            packets = enumerate(read_packets(container, stream))
            while True:
                with lock:
                    number, span = next(todo, (-1, None))
                if span is None:
                    return
                results[number] = work(span, _decode_span(codec, packets, span, count_packet))

    if decoders == 1:
        if spans:
            decode_next_spans()
            tick(1.0)
        return [results[number] for number in range(len(spans))]
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
        if span.only is not None and ordinal not in span.only:
            if ordinal + 1 >= span.stop:
                break
            continue
        codec.skip_frame = "DEFAULT" if ordinal in span.exact else "NONREF"
        packet.pts = packet.dts = ordinal  # the decoder passes it on to the frame, independent of the file's times
        yield from _decode_packet(codec, packet)
        if ordinal + 1 >= span.stop:
            break
    yield from _decode_packet(codec, None)


def _decode_packet(codec: Any, packet: Packet[Any] | None) -> Frames:
    import av

    try:
        frames = codec.decode(packet)
    except av.error.MemoryError:
        raise
    except av.FFmpegError:
        return
    for frame in frames:
        if frame.pts is not None:
            yield frame.pts, frame
