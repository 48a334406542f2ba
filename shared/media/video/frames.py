"""Sample decoded frames: fingerprints that compare frames, and the pictures stored for later choice.

A fingerprint has 24 × 24 cells of luma and 12 × 12 of each chroma channel, uint8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.media import images
from shared.media.display import Display
from shared.media.video.packets import Frames, PacketIndex, PacketSpan
from shared.models.media import MediaInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.video.frame import VideoFrame

Cells = NDArray[np.uint8]
Fingerprint = NDArray[np.uint8]
"""One row; chroma is doubled around its middle, so that it counts as much as luma."""
LUMA_CELLS, CHROMA_CELLS = 24, 12
# By `difference`. Cuts measured 6 and more; captions, flashes' edges and motion between frames mostly below 4.
CUT = 5.5
STRONG = 22.0
"""Two pictures with this difference are hardly of one shot, unless it moves a lot."""
_UNCHANGED_CELLS = 0.82
_REACH = 3
_NO_CELL = 1000
"""Above any difference."""
_DOUBLED = np.clip(np.arange(256) * 2 - 128, 0, 255).astype(np.uint8)
_THUMBNAIL_AT = 0.1
_LUMA_SIDE = 64


def compute_fingerprint(luma: Cells, *chroma: Cells) -> Fingerprint:
    """Compute a fingerprint from a frame's luma in any number of cells, and its chroma in 12 × 12."""
    grid = cv2.resize(luma, (LUMA_CELLS, LUMA_CELLS), interpolation=cv2.INTER_AREA)
    return np.concatenate([grid.ravel(), *(_DOUBLED[plane].ravel() for plane in chroma)])


def difference(first: Fingerprint, second: Fingerprint) -> NDArray[np.float64]:
    """Return the difference that 18 % of the cells exceed, over the last axis, of luma or chroma, whichever is greater.

    So a caption, or a hand that covers a little of the picture, counts nothing; a person who jumps to another place
    counts as much as a picture that changes everywhere.
    """
    apart = np.abs(np.subtract(first, second, dtype=np.int16))
    parts = apart[..., : LUMA_CELLS**2], apart[..., LUMA_CELLS**2 :]
    return np.asarray(np.max([_changed_by(part) for part in parts if part.shape[-1]], axis=0), np.float64)


def difference_after_shift(first: Fingerprint, second: Fingerprint) -> float:
    """Return the least difference of the luma when one picture is shifted by up to an eighth against the other.

    It is small for a panning or shaking camera that shows the same scene.
    """
    apart, counts = shifted_differences(first, second)
    return float(apart[np.arange(len(counts)), (counts * _UNCHANGED_CELLS).astype(int)].min())


def shifted_differences(first: Fingerprint, second: Fingerprint) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return how much the luma cells differ at each shift by up to an eighth, ascending, and how many overlap there.

    What follows in a row after that many differences has no meaning.
    """
    own, other, counts = _shifts()
    lumas = np.empty((2, LUMA_CELLS**2 + 1), np.int16)
    lumas[:, :-1] = first[: LUMA_CELLS**2], second[: LUMA_CELLS**2]
    lumas[:, -1] = _NO_CELL, 0
    apart = np.abs(lumas[0, own] - lumas[1, other])
    apart.sort(axis=-1)
    return apart, counts


@lru_cache(maxsize=1)
def _shifts() -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Return, for each shift, the cells of both pictures that overlap, and their number; others have the last index."""
    cells = np.arange(LUMA_CELLS**2).reshape(LUMA_CELLS, LUMA_CELLS)
    steps = range(-_REACH, _REACH + 1)
    pairs = [
        (cells[_overlap_cells(dy), _overlap_cells(dx)].ravel(), cells[_overlap_cells(-dy), _overlap_cells(-dx)].ravel())
        for dy in steps
        for dx in steps
    ]
    own, other = (np.full((len(pairs), LUMA_CELLS**2), LUMA_CELLS**2) for _ in range(2))
    for number, (one, shifted) in enumerate(pairs):
        own[number, : len(one)], other[number, : len(one)] = one, shifted
    return own, other, np.array([len(one) for one, _ in pairs])


def _changed_by(apart: NDArray[np.int16]) -> NDArray[np.int16]:
    place = int(apart.shape[-1] * _UNCHANGED_CELLS)
    return np.asarray(np.partition(apart, place, axis=-1)[..., place])


def _overlap_cells(shift: int) -> slice:
    """Return the cells along one side that remain when the picture is shifted by `shift`."""
    return slice(max(0, shift), LUMA_CELLS + min(0, shift))


@dataclass(frozen=True, eq=False)
class TimedFingerprint:
    """The time of a decoded frame in seconds, and its fingerprint (see `compute_fingerprint`)."""

    time: float
    fingerprint: Fingerprint


def brightness(frame: TimedFingerprint) -> float:
    """Return the mean luma of a frame."""
    return float(frame.fingerprint[: LUMA_CELLS**2].mean())


@dataclass(frozen=True, eq=False)
class MeasuredFrame(TimedFingerprint):
    """A decoded frame.

    Attributes:
        ordinal: The ordinal of its packet.
        sharpness: See `images.sharpness`.
    """

    ordinal: int
    sharpness: float


@dataclass(frozen=True, eq=False)
class Picture(MeasuredFrame):
    """A frame that may be stored.

    Attributes:
        luma: The frame in cells, 64 on the long side, uint8: fine enough for captions.
        size: Width and height of the stored picture.
    """

    luma: NDArray[np.uint8]
    size: tuple[int, int]

    def without_cells(self) -> MeasuredFrame:
        return MeasuredFrame(self.time, self.fingerprint, self.ordinal, self.sharpness)


@dataclass
class ScannedGroup:
    """What a scan decodes of a group of pictures.

    Attributes:
        key: The key frame; None if it cannot be decoded.
        frames: All scanned frames in order of time; none if some of them cannot be decoded.
    """

    key: Picture | None
    frames: list[MeasuredFrame]


@dataclass
class SpanFrames:
    """All frames of a span, and those of them that are stored as samples."""

    frames: list[MeasuredFrame] = field(default_factory=list)
    samples: list[Picture] = field(default_factory=list)


class FrameSampler:
    """Measures frames, from several threads at once, and stores some of them in `folder`.

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
        self.sample_step = math.inf

    def picture_path(self, picture: Picture) -> Path:
        return self._folder / f"{picture.ordinal}.jpg"

    @property
    def thumbnail_path(self) -> Path:
        return self._folder / "thumbnail.jpg"

    def scan_span(self, span: PacketSpan, frames: Frames) -> ScannedGroup:
        """Measure the key frame of a span, and the other frames that are scanned."""
        key: Picture | None = None
        measured: list[MeasuredFrame] = []
        for ordinal, frame in frames:
            picture = self._measure_frame(ordinal, frame)
            if ordinal == span.start:
                key = picture
            measured.append(picture.without_cells())
        is_complete = span.only is not None and len(measured) == len(span.only)
        return ScannedGroup(key, sorted(measured, key=lambda frame: frame.time) if is_complete else [])

    def measure_span(self, span: PacketSpan, frames: Frames) -> SpanFrames:
        """Measure all frames of a span, and store samples."""
        span_frames = SpanFrames()
        next_sample = self._packets.time[span.start] + self.sample_step
        for ordinal, frame in frames:
            if self._packets.time[ordinal] < self._packets.time[span.start]:
                continue  # it refers to frames before the span
            picture = self._measure_frame(ordinal, frame)
            span_frames.frames.append(picture.without_cells())
            if picture.time >= next_sample:
                span_frames.samples.append(self._store_frame(picture, frame))
                next_sample += self.sample_step
        return span_frames

    def store_sharpest(self, targets: Sequence[frozenset[int]], span: PacketSpan, frames: Frames) -> list[Picture]:
        """Store the sharpest frame of each set of ordinals in a span, and the thumbnail if its frame is among them."""
        last = [max(self._packets.time[ordinal] for ordinal in target) for target in targets]
        sharpest: dict[int, tuple[float, int, VideoFrame]] = {}
        stored: list[Picture] = []
        for ordinal, frame in frames:
            of = [number for number, target in enumerate(targets) if ordinal in target]
            if not of:
                continue
            (luma, *_), bits = self._display.planes(frame)
            sharpness = _sharpness(frame, luma, bits)
            if ordinal == self.thumbnail_ordinal:
                self._store_thumbnail(self._measure_frame(ordinal, frame, sharpness), frame)
            for number in of:
                if number not in sharpest or sharpness >= sharpest[number][0]:
                    sharpest[number] = sharpness, ordinal, frame
            time = max(0.0, self._packets.time[ordinal])
            for number in [number for number in sharpest if time >= last[number]]:
                stored.append(self._store_sharp(*sharpest.pop(number)))  # frames are large: none is kept for longer
        return [*stored, *(self._store_sharp(*best) for best in sharpest.values())]

    def _store_sharp(self, sharpness: float, ordinal: int, frame: VideoFrame) -> Picture:
        return self._store_frame(self._measure_frame(ordinal, frame, sharpness), frame)

    def _measure_frame(self, ordinal: int, frame: VideoFrame, sharpness: float | None = None) -> Picture:
        upright = self._display.size(frame)
        (luma, *chroma), bits = self._display.planes(frame)
        cells = images.shrink(luma, bits, *self._cells)
        return Picture(
            time=max(0.0, self._packets.time[ordinal]),
            fingerprint=compute_fingerprint(
                cells, *(images.shrink(plane, bits, CHROMA_CELLS, CHROMA_CELLS) for plane in chroma)
            ),
            ordinal=ordinal,
            sharpness=_sharpness(frame, luma, bits) if sharpness is None else sharpness,
            luma=cells,
            size=images.fit_size(*upright),
        )

    def _store_frame(self, picture: Picture, frame: VideoFrame) -> Picture:
        images.write_jpeg(self._display.render(frame, picture.size), self.picture_path(picture))
        return picture

    def _store_thumbnail(self, picture: Picture, frame: VideoFrame) -> None:
        size = images.thumbnail_size(*self._display.size(frame))
        images.write_jpeg(self._display.render(frame, size), self.thumbnail_path)
        self.thumbnail_picture = picture


def _sharpness(frame: VideoFrame, luma: images.Plane, bits: int) -> float:
    return 0.0 if frame.is_corrupt else images.sharpness(luma, bits)
