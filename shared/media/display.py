"""Turn decoded frames into the pictures that a player shows: cropped, deinterlaced, opaque and upright."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.media.images import HIGH_RANGE, Pixels, Plane, dolby_to_standard_range, planes, to_standard_range

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from shared.models.video import MediaInfo

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_GROUND = 128
"""Grey, on which both light and dark drawings with a transparent ground can be seen."""
_COMB, _COMB_SHARE = 15, 0.002
DOLBY_IPT = 5  # the profile of Dolby Vision whose frames no other decoder understands


def orientation(frame: VideoFrame) -> tuple[int, bool]:
    """Return the clockwise rotation in degrees, a multiple of 90, and whether the frame is mirrored before it.

    They come from the display matrix (ISO/IEC 14496-12, 8.3.2; Exif orientations have the same eight cases).
    """
    sides: Any = frame.side_data
    data = next((bytes(side) for side in sides if side.type.name == "DISPLAYMATRIX"), None)
    if data is None:
        return 0, False
    a, b, _, c, d = struct.unpack("=5i", data[:20])
    mirrored = a * d - b * c < 0
    angle = math.degrees(math.atan2(-b, -a) if mirrored else math.atan2(b, a))
    return round(angle / 90) * 90 % 360, mirrored


@dataclass(frozen=True)
class Display:
    """How the frames of a video are shown; see the fields of `MediaInfo`."""

    rotation: int
    mirrored: bool
    pixel_aspect: float
    crop: tuple[int, int, int, int]
    dolby_profile: int | None = None

    @classmethod
    def of(cls, info: MediaInfo) -> Display:
        return cls(info.rotation, info.mirrored, info.pixel_aspect, info.crop, info.dolby_vision_profile)

    def size(self, frame: VideoFrame) -> tuple[int, int]:
        """Return width and height of the picture in square pixels."""
        left, top, right, bottom = self._crop(frame)
        width, height = max(1, round((frame.width - left - right) * self.pixel_aspect)), frame.height - top - bottom
        return (height, width) if self.rotation in (90, 270) else (width, height)

    def planes(self, frame: VideoFrame) -> tuple[list[Plane], int]:
        """Return the visible part of the Y, U and V planes, not yet turned, and the bits per sample.

        Of an interlaced frame, one field: the other is of another moment.
        """
        views, bits = planes(flatten(frame))
        left, top, right, bottom = self._crop(frame)
        parts = []
        for view in views:
            down, across = views[0].shape[0] // view.shape[0], views[0].shape[1] // view.shape[1]
            part = view[top // down : view.shape[0] - bottom // down, left // across : view.shape[1] - right // across]
            parts.append(part[::2] if frame.interlaced_frame and len(part) > 1 else part)
        return parts, bits

    def render(self, frame: VideoFrame, size: tuple[int, int]) -> Pixels:
        """Render a frame in `size` (width, height, after rotation), in BT.709 colours and standard range."""
        width, height = size[::-1] if self.rotation in (90, 270) else size
        left, top, right, bottom = self._crop(frame)
        across, down = width / (frame.width - left - right), height / (frame.height - top - bottom)
        shown = flatten(deinterlace(frame))
        if self.dolby_profile == DOLBY_IPT:
            return self._turn(_render_dolby(shown, self._crop(frame), (width, height)))
        high_range = shown.color_trc in HIGH_RANGE
        scaled = shown.reformat(
            max(width, round(frame.width * across)),
            max(height, round(frame.height * down)),
            format="rgb48le" if high_range else "bgr24",
            src_colorspace=_color_matrix(shown),
            interpolation="AREA" if across < 1 else "BICUBIC",
            threads=1,
        )
        y, x = round(top * down), round(left * across)
        pixels = np.ascontiguousarray(scaled.to_ndarray()[y : y + height, x : x + width])
        return self._turn(to_standard_range(pixels, shown.color_trc) if high_range else pixels)

    def _turn(self, bgr: NDArray[Any]) -> Pixels:
        upright: Any = cv2.flip(bgr, 1) if self.mirrored else bgr
        return np.asarray(cv2.rotate(upright, _TURNS[self.rotation]) if self.rotation else upright, np.uint8)

    def _crop(self, frame: VideoFrame) -> tuple[int, int, int, int]:
        """Return the crop, or none for a frame that is too small for it."""
        left, top, right, bottom = self.crop
        return self.crop if left + right < frame.width and top + bottom < frame.height else (0, 0, 0, 0)


def _render_dolby(frame: VideoFrame, crop: tuple[int, int, int, int], size: tuple[int, int]) -> Pixels:
    """Render a frame of Dolby Vision profile 5, whose planes are not Y, U and V."""
    views, bits = planes(frame)
    left, top, right, bottom = crop
    whole = views[0].shape
    cells = []
    for view in views:
        full: Any = cv2.resize(view.astype(np.float32), whole[::-1], interpolation=cv2.INTER_LINEAR)
        shown = full[top : whole[0] - bottom, left : whole[1] - right]
        cells.append(cv2.resize(shown, size, interpolation=cv2.INTER_AREA))
    codes = np.asarray(np.stack(cells, -1), np.float32)
    return dolby_to_standard_range(codes / np.float32(2**bits - 1))


def flatten(frame: VideoFrame) -> VideoFrame:
    """Return a frame with alpha as an opaque one on grey, any other as it is."""
    if not any(component.is_alpha for component in frame.format.components):
        return frame
    from av.video.frame import VideoFrame

    rgba = frame.reformat(format="rgba", threads=1).to_ndarray().astype(np.uint16)
    alpha = rgba[..., 3:]
    opaque = (rgba[..., :3] * alpha + _GROUND * (255 - alpha) + 127) // 255
    return VideoFrame.from_ndarray(np.ascontiguousarray(opaque.astype(np.uint8)), format="rgb24")


def deinterlace(frame: VideoFrame) -> VideoFrame:
    """Return an interlaced frame without combs: one field, with its missing lines traced along edges.

    A frame whose fields are of one moment, as in films on television, is returned as it is.
    """
    if not frame.interlaced_frame or frame.height < 8 or not _is_combed(planes(frame)[0][0]):
        return frame
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1))
    graph.link_nodes(source, graph.add("estdif", mode="frame"), graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    graph.push(None)
    clean: Any = graph.pull()
    return clean if clean is not None else frame


def _is_combed(luma: Plane) -> bool:
    """Return True if over 0.2 % of the pixels differ clearly, and alike, from those above and below, which agree."""
    rows: NDArray[np.int32] = luma[: luma.shape[0] // 2 * 2].astype(np.int32)
    if luma.dtype == np.uint16:
        rows >>= 2
    above, middle, below = rows[:-2], rows[1:-1], rows[2:]
    combed = (np.abs(above - below) < _COMB) & (np.minimum(np.abs(middle - above), np.abs(middle - below)) > _COMB)
    return bool(combed.mean() > _COMB_SHARE)


def _color_matrix(frame: VideoFrame) -> int | None:
    """Return BT.709 for HD video that states no matrix, as players do; None otherwise."""
    return 1 if frame.colorspace == 2 and min(frame.width, frame.height) >= 720 else None
