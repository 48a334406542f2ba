"""Listen to samples of a file's audio tracks, to learn which of them have sound at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.media.audio.levels import ABSOLUTE_GATE
from shared.media.container import open_media, read_packets
from shared.media.timeline import Timeline
from shared.models.video import AudioContent

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from av.packet import Packet

_PLACES, _SAMPLE_SEC = 12, 2.0
_MOST_PACKETS = 4_000
_STEADY_DB = 6.0
"""Speech and music vary by 15 dB and more from moment to moment; hum, hiss and test tones by less than 3."""


def sample_contents(path: Path, streams: Sequence[int], timeline: Timeline) -> dict[int, AudioContent]:
    """Return what each of the audio streams contains, from up to 24 seconds spread over the file."""
    levels: dict[int, list[float]] = {index: [] for index in streams}
    decoded: set[int] = set()
    step = max((timeline.end - _SAMPLE_SEC) / (_PLACES - 1), _SAMPLE_SEC)
    for number in range(_PLACES):
        if number and number * step >= timeline.end:
            break
        with open_media(path) as container:
            if number and not _seek(container, timeline.start + number * step):
                continue
            for index, frame in _sample_frames(container, streams):
                decoded.add(index)
                levels[index].extend(_power_levels(frame))
    return {index: _classify(levels[index]) if index in decoded else "unreadable" for index in streams}


def _seek(container: InputContainer, seconds: float) -> bool:
    import av

    try:
        container.seek(round(seconds * 1_000_000))
    except av.FFmpegError:
        return False
    return True


def _sample_frames(container: InputContainer, streams: Sequence[int]) -> Any:
    """Yield frames, with their stream's index, until each stream has `_SAMPLE_SEC` of sound."""
    chosen = [stream for stream in container.streams.audio if stream.index in streams and stream.codec_context]
    remaining = {stream.index: _SAMPLE_SEC for stream in chosen}
    for count, packet in enumerate(read_packets(container, *chosen)):
        if count >= _MOST_PACKETS or not remaining:
            return
        for frame in _decode(packet) if packet.stream_index in remaining else ():
            yield packet.stream_index, frame
            left = remaining.get(packet.stream_index, 0) - frame.samples / frame.sample_rate
            if left > 0:
                remaining[packet.stream_index] = left
            else:
                remaining.pop(packet.stream_index, None)


def _decode(packet: Packet[Any]) -> list[AudioFrame]:
    import av

    try:
        frames: list[Any] = list(packet.decode())
        return frames
    except av.error.MemoryError:
        raise
    except av.FFmpegError:
        return []


def _power_levels(frame: AudioFrame) -> list[float]:
    """Return the level of each 20 ms of a frame, in decibels of full scale, over its channels."""
    samples = frame.to_ndarray().astype(np.float64)
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if frame.format.name.startswith("u8"):
        samples -= 128
    if frame.format.name[0] in "us":
        samples /= 2.0 ** (8 * frame.format.bytes - 1)
    length = max(1, frame.sample_rate // 50)
    pieces = np.array_split(samples, max(1, round(samples.shape[1] / length)), axis=1)
    powers = [float(np.mean(piece.var(axis=1))) for piece in pieces if piece.size]
    return [10 * float(np.log10(max(power, 1e-12))) for power in powers]


def _classify(levels: Sequence[float]) -> AudioContent:
    audible = [level for level in levels if level > ABSOLUTE_GATE]
    if not audible:
        return "silent"
    low, high = np.percentile(audible, [5, 95])
    mostly = len(audible) > len(levels) / 2
    return "steady" if mostly and high - low < _STEADY_DB else "sound"
