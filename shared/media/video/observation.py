"""Looking at decoded frames: measuring each, and storing those that may be chosen later.

Pictures are stored as JPEG the moment they are seen, so that no frame is decoded again for it or held in memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.media import images
from shared.media.video.decoding import Frames, PacketSpan
from shared.media.video.fingerprint import CHROMA_CELLS, CUT, Fingerprint, compute_fingerprint, difference
from shared.media.video.packets import PacketIndex
from shared.models.video import MediaInfo

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_THUMBNAIL_AT = 0.1
_MOST_STORED = 400
_CELL_SEC = 1.0
_SHORTEST_CELL_SEC = 0.2
_LUMA_SIDE = 64


@dataclass(frozen=True, eq=False)
class TimedFingerprint:
    """What is kept of every decoded frame: its time in seconds and its signature (see `signature`)."""

    time: float
    fingerprint: Fingerprint


@dataclass(frozen=True, eq=False)
class Picture(TimedFingerprint):
    """What is known of a frame that may be stored.

    Attributes:
        ordinal: Of its packet.
        luma: The frame in cells, 64 on the long side, uint8: fine enough for a caption to show.
        sharpness: See `images.sharpness`.
        size: Width and height of the picture when it is stored.
    """

    ordinal: int
    luma: NDArray[np.uint8]
    sharpness: float
    size: tuple[int, int]


@dataclass
class SpanFrames:
    """What was seen in a span: all frames, the pictures stored as possible key frames, and those stored for reading."""

    fingerprints: list[TimedFingerprint] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    samples: list[Picture] = field(default_factory=list)


class FrameSampler:
    """Looks at frames, from several threads at once, and stores some hundreds of them in `folder`.

    Attributes:
        thumbnail_ordinal: Of the frame that becomes the thumbnail.
        thumbnail_time: When it is shown, in seconds.
        sample_step: Seconds from one frame that is stored for reading text to the next; infinite for none.
    """

    def __init__(self, packets: PacketIndex, info: MediaInfo, folder: Path) -> None:
        self._packets, self._folder, self._rotation = packets, folder, info.rotation
        self.thumbnail_ordinal = packets.frame_at(_THUMBNAIL_AT * info.duration_sec)
        self.thumbnail_time = max(0.0, float(packets.time[self.thumbnail_ordinal]))
        width, height = images.fit_size(info.width, info.height, _LUMA_SIDE)
        self._cells = (height, width) if info.rotation in (90, 270) else (width, height)
        every = 1 + len(packets.groups) // _MOST_STORED
        self._stored_keys = {group.start for group in packets.groups[::every]}
        self._cell_sec = max(_CELL_SEC, info.duration_sec / _MOST_STORED)
        self.sample_step = math.inf

    def picture_path(self, picture: Picture) -> Path:
        return self._folder / f"{picture.ordinal}.jpg"

    @property
    def thumbnail_path(self) -> Path:
        return self._folder / "thumbnail.jpg"

    def sample_key_frame(self, span: PacketSpan, frames: Frames) -> Picture | None:
        """The key frame of the span, stored unless there are too many; None when it cannot be decoded."""
        picture = None
        for ordinal, frame in frames:
            picture = self._measure_frame(ordinal, frame)
            if self.is_stored(picture):
                self._store_frame(picture, frame)
        return picture

    def is_stored(self, key: Picture) -> bool:
        return key.ordinal in self._stored_keys

    def sample_span(self, span: PacketSpan, frames: Frames) -> SpanFrames:
        """All frames of the span; stored are the samples and the sharpest of each second without sudden changes."""
        span_frames = SpanFrames()
        cell: _SharpestFrame | None = None
        next_sample = self._packets.time[span.start] + self.sample_step
        for ordinal, frame in frames:
            if self._packets.time[ordinal] < self._packets.time[span.start]:
                continue  # it refers to frames before the span
            picture = self._measure_frame(ordinal, frame)
            span_frames.fingerprints.append(TimedFingerprint(picture.time, picture.fingerprint))
            if picture.time >= next_sample:
                span_frames.samples.append(self._store_frame(picture, frame))
                next_sample += self.sample_step
            if cell and cell.can_add(picture, self._cell_sec):
                cell.add(picture, frame)
            else:
                span_frames.pictures.extend(self._store_sharpest(cell))
                cell = _SharpestFrame(picture, frame)
        span_frames.pictures.extend(self._store_sharpest(cell))
        return span_frames

    def _measure_frame(self, ordinal: int, frame: VideoFrame) -> Picture:
        upright = images.display_size(frame, self._packets.pixel_aspect, self._rotation)
        if ordinal == self.thumbnail_ordinal:
            pixels = images.render(frame, images.thumbnail_size(*upright), self._rotation)
            images.write_jpeg(pixels, self.thumbnail_path)
        (luma, *chroma), bits = images.planes(frame)
        cells = images.shrink(luma, bits, *self._cells)
        return Picture(
            time=max(0.0, self._packets.time[ordinal]),
            fingerprint=compute_fingerprint(
                cells, *(images.shrink(plane, bits, CHROMA_CELLS, CHROMA_CELLS) for plane in chroma)
            ),
            ordinal=ordinal,
            luma=cells,
            sharpness=0.0 if frame.is_corrupt else images.sharpness(luma, bits),
            size=images.fit_size(*upright),
        )

    def _store_frame(self, picture: Picture, frame: VideoFrame) -> Picture:
        images.write_jpeg(images.render(frame, picture.size, self._rotation), self.picture_path(picture))
        return picture

    def _store_sharpest(self, cell: _SharpestFrame | None) -> list[Picture]:
        if cell and cell.last.time - cell.first.time >= _SHORTEST_CELL_SEC:
            return [self._store_frame(cell.sharpest, cell.frame)]
        return []


class _SharpestFrame:
    """A second of video, or what there is of it between two sudden changes; holds its sharpest frame."""

    def __init__(self, picture: Picture, frame: VideoFrame) -> None:
        self.first = self.last = self.sharpest = picture
        self.frame = frame

    def can_add(self, picture: Picture, seconds: float) -> bool:
        jump = difference(picture.fingerprint, self.last.fingerprint) >= CUT
        return picture.time - self.first.time < seconds and not jump

    def add(self, picture: Picture, frame: VideoFrame) -> None:
        self.last = picture
        if picture.sharpness > self.sharpest.sharpness:
            self.sharpest, self.frame = picture, frame
