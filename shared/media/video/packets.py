"""What the packets of a video tell before any of them is decoded: when each is shown, and where something happens.

A packet is named by its ordinal: its position among the packets of the video stream, in the order of the file.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.media.file.container import (
    MAX_PACKETS,
    open_media,
    packet_time,
    pixel_aspect,
    presentation_start,
    read_packets,
    video_stream,
)

_NEIGHBOURS = 30
_SHORTEST_GROUP_SEC = 0.35
_FRAME_SEC = 0.04


@dataclass(frozen=True)
class PacketIndex:
    """The video packets of a file; each array has one element per ordinal.

    Attributes:
        time: When it is shown, in seconds from the start of the file.
        size: Bytes.
        key: Whether decoding can start there.
        pixel_aspect: Width of a pixel over its height.
    """

    time: NDArray[np.float64]
    size: NDArray[np.float64]
    key: NDArray[np.bool_]
    pixel_aspect: float

    @cached_property
    def groups(self) -> list[range]:
        """Groups of pictures: ordinals that can be decoded by themselves; none but the last is shorter than 0.35 s."""
        starts = [0] if len(self.time) else []
        for ordinal in np.flatnonzero(self.key).tolist():
            if self.time[ordinal] - self.time[starts[-1]] >= _SHORTEST_GROUP_SEC:
                starts.append(ordinal)
        return [range(start, stop) for start, stop in zip(starts, [*starts[1:], len(self.time)], strict=True)]

    @cached_property
    def surge(self) -> NDArray[np.float64]:
        """How many times larger a packet is than the larger ones around it; 0 for key packets.

        Predicted frames stay small until a picture comes that the ones before do not foretell: behind a cut, or where
        a caption appears. The 85th percentile stands for the neighbours, so that small B-frames do not count.
        """
        surge = np.zeros(len(self.time))
        predicted = np.flatnonzero(~self.key)
        if len(predicted) < 2:
            return surge
        size = self.size[predicted]
        reach = min(_NEIGHBOURS, len(size) - 1)
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(size, reach, mode="reflect"), 2 * reach + 1)
        parts = np.array_split(windows, len(size) // 10_000 + 1)  # a percentile copies its input
        surge[predicted] = size / np.concatenate([np.percentile(part, 85, axis=1) for part in parts])
        return surge

    def frame_at(self, time: float) -> int:
        """The ordinal of the frame on screen at `time`."""
        earlier = np.flatnonzero(self.time <= time + 0.001)  # containers round to milliseconds
        return int(earlier[self.time[earlier].argmax()]) if len(earlier) else int(self.time.argmin())


def read_packet_index(path: Path) -> PacketIndex:
    """The video packets of a file, at most `MAX_PACKETS`; none when it has no pictures. Nothing is decoded."""
    time, size, key = array("d"), array("d"), array("b")
    aspect = 1.0
    with open_media(path) as container:
        stream = video_stream(container)
        if stream is not None:
            aspect = pixel_aspect(stream)
            start = presentation_start(container)
            step = float(1 / stream.average_rate) if stream.average_rate else _FRAME_SEC
            for packet in read_packets(container, stream):
                begin = packet_time(packet)
                time.append(begin - start if begin is not None else time[-1] + step if time else 0.0)
                size.append(packet.size)
                key.append(packet.is_keyframe)
                if len(time) == MAX_PACKETS:
                    break
    return PacketIndex(np.array(time), np.array(size), np.array(key, dtype=np.bool_), aspect)
