"""Sample decoded frames: fingerprints that compare frames, and the pictures stored for later choice.

A fingerprint has 24 × 24 cells of luma and 12 × 12 of each chroma channel, uint8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.media import images
from shared.media.display import Display
from shared.media.video.packets import Frames, PacketIndex, PacketSpan
from shared.models.video import MediaInfo

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Cells = NDArray[np.uint8]
Fingerprint = NDArray[np.uint8]
"""One row; chroma is doubled around its middle, so that it counts as much as luma."""
LUMA_CELLS, CHROMA_CELLS = 24, 12
# By `difference`, chosen on synthetic films: cuts measured 6 and more, captions and motion between frames below 4.
CUT = 4.0
STRONG = 10.0
"""Two pictures with this difference are hardly of one shot, unless it moves a lot."""
_KEPT_CELLS = 0.85
_REACH = 3
_THUMBNAIL_AT = 0.1
_MOST_STORED = 400
_CELL_SEC = 1.0
_SHORTEST_CELL_SEC = 0.2
_LUMA_SIDE = 64


def compute_fingerprint(luma: Cells, *chroma: Cells) -> Fingerprint:
    """Compute a fingerprint from a frame's luma in any number of cells, and its chroma in 12 × 12."""
    grid = cv2.resize(luma, (LUMA_CELLS, LUMA_CELLS), interpolation=cv2.INTER_AREA)
    doubled = [np.clip(plane.astype(np.int16) * 2 - 128, 0, 255).astype(np.uint8).ravel() for plane in chroma]
    return np.concatenate([grid.ravel(), *doubled])


def difference(first: Cells, second: Cells) -> NDArray[np.float64]:
    """Return the mean absolute difference over the last axis, without the 15 % of cells that differ most.

    So a caption, or a hand that covers a part of the picture, counts little; a cut changes all of it.
    """
    apart = np.abs(np.subtract(first, second, dtype=np.int16))
    kept = max(1, int(apart.shape[-1] * _KEPT_CELLS))
    return np.asarray(np.partition(apart, kept - 1, axis=-1)[..., :kept].mean(axis=-1))


def difference_after_shift(fingerprint: Fingerprint, other_fingerprint: Fingerprint) -> float:
    """Return the least difference of the luma when one picture is shifted by up to an eighth against the other.

    It is small for a panning or shaking camera that shows the same scene.
    """
    first, second = (row[: LUMA_CELLS**2].reshape(LUMA_CELLS, LUMA_CELLS) for row in (fingerprint, other_fingerprint))
    return min(
        float(
            difference(
                first[_overlap_cells(dy), _overlap_cells(dx)].ravel(),
                second[_overlap_cells(-dy), _overlap_cells(-dx)].ravel(),
            )
        )
        for dy in range(-_REACH, _REACH + 1)
        for dx in range(-_REACH, _REACH + 1)
    )


def _overlap_cells(shift: int) -> slice:
    """Return the cells along one side that remain when the picture is shifted by `shift`."""
    return slice(max(0, shift), LUMA_CELLS + min(0, shift))


@dataclass(frozen=True, eq=False)
class TimedFingerprint:
    """The time of a decoded frame in seconds, and its fingerprint (see `compute_fingerprint`)."""

    time: float
    fingerprint: Fingerprint


@dataclass(frozen=True, eq=False)
class Picture(TimedFingerprint):
    """A frame that may be stored.

    Attributes:
        ordinal: The ordinal of its packet.
        luma: The frame in cells, 64 on the long side, uint8: fine enough for captions.
        sharpness: See `images.sharpness`.
        size: Width and height of the stored picture.
    """

    ordinal: int
    luma: NDArray[np.uint8]
    sharpness: float
    size: tuple[int, int]


@dataclass
class SpanFrames:
    """The frames of a span: all fingerprints, the pictures stored as possible key frames, and the stored samples."""

    fingerprints: list[TimedFingerprint] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    samples: list[Picture] = field(default_factory=list)


class FrameSampler:
    """Measures frames, from several threads at once, and stores some hundreds of them in `folder`.

    Attributes:
        thumbnail_ordinal: The ordinal of the thumbnail's frame.
        thumbnail_time: Its time in seconds.
        thumbnail_picture: What was measured of it; None as long as it was not decoded.
        sample_step: Seconds between frames that are stored for reading text; infinite for none.
    """

    def __init__(self, packets: PacketIndex, info: MediaInfo, folder: Path) -> None:
        self._packets, self._folder, self._display = packets, folder, Display.of(info)
        self.thumbnail_ordinal = packets.frame_at(_THUMBNAIL_AT * info.duration_sec)
        self.thumbnail_picture: Picture | None = None
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
        """Measure the key frame of a span, and store it unless there are too many; None if it cannot be decoded."""
        picture = None
        for ordinal, frame in frames:
            picture = self._measure_frame(ordinal, frame)
            if self.is_stored(picture):
                self._store_frame(picture, frame)
        return picture

    def is_stored(self, key: Picture) -> bool:
        return key.ordinal in self._stored_keys

    def sample_span(self, span: PacketSpan, frames: Frames) -> SpanFrames:
        """Measure all frames of a span; store samples, and the sharpest frame of each second without sudden change."""
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
        upright = self._display.size(frame)
        (luma, *chroma), bits = self._display.planes(frame)
        cells = images.shrink(luma, bits, *self._cells)
        picture = Picture(
            time=max(0.0, self._packets.time[ordinal]),
            fingerprint=compute_fingerprint(
                cells, *(images.shrink(plane, bits, CHROMA_CELLS, CHROMA_CELLS) for plane in chroma)
            ),
            ordinal=ordinal,
            luma=cells,
            sharpness=0.0 if frame.is_corrupt else images.sharpness(luma, bits),
            size=images.fit_size(*upright),
        )
        if ordinal == self.thumbnail_ordinal:
            images.write_jpeg(self._display.render(frame, images.thumbnail_size(*upright)), self.thumbnail_path)
            self.thumbnail_picture = picture
        return picture

    def _store_frame(self, picture: Picture, frame: VideoFrame) -> Picture:
        images.write_jpeg(self._display.render(frame, picture.size), self.picture_path(picture))
        return picture

    def _store_sharpest(self, cell: _SharpestFrame | None) -> list[Picture]:
        if cell and cell.last.time - cell.first.time >= _SHORTEST_CELL_SEC:
            return [self._store_frame(cell.sharpest, cell.frame)]
        return []


class _SharpestFrame:
    """The sharpest frame of up to a second of video without a sudden change."""

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
