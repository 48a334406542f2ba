"""Looking at decoded frames: measuring each, and storing those that may be chosen later.

Pictures are stored as JPEG the moment they are seen, so that no frame is decoded again for it or held in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.media import images
from shared.media.decode import Frames, Span
from shared.media.packets import Packets
from shared.media.signature import CHROMA_CELLS, CUT, Signature, difference, signature

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_CELL_SEC = 1.0
_SHORTEST_CELL_SEC = 0.2
_LUMA_SIDE = 64


@dataclass(frozen=True, eq=False)
class Look:
    """What is kept of every decoded frame: its time in seconds and its signature (see `scenes`)."""

    time: float
    signature: Signature


@dataclass(frozen=True, eq=False)
class Picture(Look):
    """What is kept of a frame that is stored.

    Attributes:
        ordinal: Of its packet.
        luma: The frame in cells, 64 on the long side, uint8: fine enough for a caption to show.
        sharpness: See `images.sharpness`.
        size: Width and height of the stored picture.
    """

    ordinal: int
    luma: NDArray[np.uint8]
    sharpness: float
    size: tuple[int, int]


@dataclass
class Sights:
    """What was seen in a span: all frames, the pictures stored as possible key frames, and those stored for reading."""

    looks: list[Look] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    samples: list[Picture] = field(default_factory=list)


class Watcher:
    """Looks at frames, from several threads at once, and stores pictures in `folder`.

    Attributes:
        sample_step: Seconds from one frame that is stored for reading text to the next; infinite for none.
        thumbnail_time: When the frame is shown that becomes the thumbnail, in seconds.
    """

    def __init__(self, packets: Packets, folder: Path, size: tuple[int, int], rotation: int, thumbnail: int) -> None:
        self._packets, self._folder, self._rotation, self._thumbnail = packets, folder, rotation, thumbnail
        self.thumbnail_time = max(0.0, float(packets.time[thumbnail]))
        width, height = images.fitted_size(*size, _LUMA_SIDE)
        self._cells = (height, width) if rotation in (90, 270) else (width, height)
        self.sample_step = np.inf

    def path(self, picture: Picture) -> Path:
        return self._folder / f"{picture.ordinal}.jpg"

    @property
    def thumbnail(self) -> Path:
        return self._folder / "thumbnail.jpg"

    def see_keys(self, span: Span, frames: Frames) -> Sights:
        """Store each frame, for either use."""
        stored = [self._store(self._measure(ordinal, frame), frame) for ordinal, frame in frames]
        return Sights(list(stored), stored, stored)

    def see_all(self, span: Span, frames: Frames) -> Sights:
        """Store the samples, and the sharpest frame of each second or part of it between two sudden changes."""
        sights = Sights()
        cell: _Cell | None = None
        next_sample = self._packets.time[span.start] + self.sample_step
        for ordinal, frame in frames:
            if self._packets.time[ordinal] < self._packets.time[span.start]:
                continue  # it refers to frames before the span
            picture = self._measure(ordinal, frame)
            sights.looks.append(Look(picture.time, picture.signature))
            if picture.time >= next_sample:
                sights.samples.append(self._store(picture, frame))
                next_sample += self.sample_step
            if cell and cell.holds(picture):
                cell.add(picture, frame)
            else:
                sights.pictures.extend(self._sharpest(cell))
                cell = _Cell(picture, frame)
        sights.pictures.extend(self._sharpest(cell))
        return sights

    def _measure(self, ordinal: int, frame: VideoFrame) -> Picture:
        upright = images.display_size(frame, self._packets.pixel_aspect, self._rotation)
        if ordinal == self._thumbnail:
            pixels = images.render(frame, images.thumbnail_size(*upright), self._rotation)
            images.write_jpeg(pixels, self.thumbnail)
        (luma, *chroma), bits = images.planes(frame)
        cells = images.shrink(luma, bits, *self._cells)
        return Picture(
            time=max(0.0, self._packets.time[ordinal]),
            signature=signature(cells, *(images.shrink(plane, bits, CHROMA_CELLS, CHROMA_CELLS) for plane in chroma)),
            ordinal=ordinal,
            luma=cells,
            sharpness=0.0 if frame.is_corrupt else images.sharpness(luma, bits),
            size=images.fitted_size(*upright),
        )

    def _store(self, picture: Picture, frame: VideoFrame) -> Picture:
        images.write_jpeg(images.render(frame, picture.size, self._rotation), self.path(picture))
        return picture

    def _sharpest(self, cell: _Cell | None) -> list[Picture]:
        if cell and cell.last.time - cell.first.time >= _SHORTEST_CELL_SEC:
            return [self._store(cell.sharpest, cell.frame)]
        return []


class _Cell:
    """A second of one shot, or what there is of it between two sudden changes; holds its sharpest frame."""

    def __init__(self, picture: Picture, frame: VideoFrame) -> None:
        self.first = self.last = self.sharpest = picture
        self.frame = frame

    def holds(self, picture: Picture) -> bool:
        jump = difference(picture.signature, self.last.signature) >= CUT
        return picture.time - self.first.time < _CELL_SEC and not jump

    def add(self, picture: Picture, frame: VideoFrame) -> None:
        self.last = picture
        if picture.sharpness > self.sharpest.sharpness:
            self.sharpest, self.frame = picture, frame
