"""Sample decoded frames: measure them, and store the pictures for later choice."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shared.media import images
from shared.media.display import Display
from shared.media.video.cell_file import CellFile, Cells, StoredCells, read_cells
from shared.media.video.fingerprints import CHROMA_CELLS, TimedFingerprint, compute_fingerprint
from shared.media.video.packets import Frames, PacketIndex, PacketSpan
from shared.models.media import MediaInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.video.frame import VideoFrame

_THUMBNAIL_AT = 0.1
_LUMA_SIDE = 64


@dataclass(frozen=True, eq=False, slots=True)
class MeasuredFrame(TimedFingerprint):
    """A decoded frame.

    Attributes:
        ordinal: The ordinal of its packet.
        sharpness: See `images.sharpness`.
    """

    ordinal: int
    sharpness: float


@dataclass(frozen=True, eq=False, slots=True)
class Picture(MeasuredFrame):
    """A frame that may be stored.

    Attributes:
        luma: The frame in cells, 64 on the long side, uint8: fine enough for captions.
        size: Width and height of the stored picture.
    """

    luma_cells: Cells | StoredCells
    size: tuple[int, int]

    @property
    def luma(self) -> Cells:
        return read_cells(self.luma_cells)


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
    """Measures frames, from several threads at once, and stores some of them in `folder`, their cells in `cells`.

    Attributes:
        thumbnail_ordinal: The ordinal of the thumbnail's frame.
        thumbnail_time: Its time in seconds.
        thumbnail_picture: What was measured of it; None as long as it was not decoded.
        sample_step: Seconds between frames that are stored for reading text; infinite for none.
    """

    def __init__(self, packets: PacketIndex, info: MediaInfo, folder: Path, cells: CellFile) -> None:
        self._packets, self._folder, self._cells, self._display = packets, folder, cells, Display.of(info)
        self.thumbnail_ordinal = packets.frame_at(_THUMBNAIL_AT * info.duration_sec)
        self.thumbnail_picture: Picture | None = None
        self.thumbnail_time = max(0.0, float(packets.time[self.thumbnail_ordinal]))
        width, height = images.fit_size(info.width, info.height, _LUMA_SIDE)
        self._luma_size = (height, width) if info.rotation in (90, 270) else (width, height)
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
            kept = self._store_fingerprint(picture)
            measured.append(kept)
            if ordinal == span.start:
                luma = self._cells.store(picture.luma)
                key = replace(picture, fingerprint_cells=kept.fingerprint_cells, luma_cells=luma)
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
            span_frames.frames.append(self._store_fingerprint(picture))
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
        cells = images.shrink(luma, bits, *self._luma_size)
        return Picture(
            time=max(0.0, self._packets.time[ordinal]),
            fingerprint_cells=compute_fingerprint(
                cells, *(images.shrink(plane, bits, CHROMA_CELLS, CHROMA_CELLS) for plane in chroma)
            ),
            ordinal=ordinal,
            sharpness=_sharpness(frame, luma, bits) if sharpness is None else sharpness,
            luma_cells=cells,
            size=images.fit_size(*upright),
        )

    def _store_fingerprint(self, picture: Picture) -> MeasuredFrame:
        """Return what is kept of a frame that is only measured."""
        stored = self._cells.store(picture.fingerprint)
        return MeasuredFrame(picture.time, stored, picture.ordinal, picture.sharpness)

    def _store_frame(self, picture: Picture, frame: VideoFrame) -> Picture:
        images.write_jpeg(self._display.render(frame, picture.size), self.picture_path(picture))
        return picture

    def _store_thumbnail(self, picture: Picture, frame: VideoFrame) -> None:
        size = images.thumbnail_size(*self._display.size(frame))
        images.write_jpeg(self._display.render(frame, size), self.thumbnail_path)
        self.thumbnail_picture = picture


def _sharpness(frame: VideoFrame, luma: images.Plane, bits: int) -> float:
    return 0.0 if frame.is_corrupt else images.sharpness(luma, bits)
