"""Measuring and storing single pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.media.tonemap import HIGH_RANGE, to_standard_range

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Plane = NDArray[Any]
"""One channel, height × width, uint8 or (above 8 bits) uint16."""
Pixels = NDArray[np.uint8]
"""Height × width × 3, BGR."""

THUMBNAIL_WIDTH = 320
LONG_SIDE = 1024
_MIDDLE = 512
_QUALITY = 90
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

cv2.setNumThreads(1)  # the threads that decode are all there are


def planes(frame: VideoFrame) -> tuple[list[Plane], int]:
    """Y, U and V as they lie in the decoded frame, without a copy where its format allows; and the bits per sample."""
    bits = frame.format.components[0].bits
    wide = frame.format.name.endswith(f"{bits}le")
    plain = frame.format.name.startswith(("yuv420p", "yuv422p", "yuv444p", "yuvj4")) and (bits == 8 or wide)
    if not plain or frame.planes[0].line_size < 0:
        frame, bits = frame.reformat(format="yuv420p"), 8
    kind = np.uint8 if bits == 8 else np.uint16
    views = [
        np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes[:3]
    ]
    return views, bits


def shrink(plane: Plane, bits: int, width: int, height: int) -> NDArray[np.uint8]:
    """The plane as 8 bits in `height` × `width` cells, each the mean of 4 × 4 pixels spread over it."""
    points = cv2.resize(plane, (4 * width, 4 * height), interpolation=cv2.INTER_NEAREST)
    return _eight_bits(cv2.resize(points, (width, height), interpolation=cv2.INTER_AREA), bits)


def sharpness(luma: Plane, bits: int) -> float:
    """Variance of the Laplacian of the middle of the luma, after Pech-Pacheco et al., «Diatom autofocusing» (2000)."""
    top, left = (max(0, side - _MIDDLE) // 2 for side in luma.shape)
    middle = _eight_bits(luma[top : top + _MIDDLE, left : left + _MIDDLE], bits)
    edges = cv2.Laplacian(middle, cv2.CV_16S)
    return float(cv2.norm(edges, cv2.NORM_L2SQR) / edges.size - (cv2.sumElems(edges)[0] / edges.size) ** 2)


def _eight_bits(plane: Plane, bits: int) -> NDArray[np.uint8]:
    return (plane >> (bits - 8)).astype(np.uint8) if bits > 8 else plane


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """320 wide whatever the source is; as high as the aspect wants, but no more than ten times the width."""
    return THUMBNAIL_WIDTH, min(10 * THUMBNAIL_WIDTH, max(1, round(THUMBNAIL_WIDTH * height / width)))


def fit_size(width: int, height: int, long_side: int = LONG_SIDE) -> tuple[int, int]:
    """The size with the same aspect and sides of at most `long_side`; never larger than the source."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def display_size(frame: VideoFrame, pixel_aspect: float, rotation: int) -> tuple[int, int]:
    """Width and height in square pixels once the frame stands upright."""
    width, height = max(1, round(frame.width * pixel_aspect)), frame.height
    return (height, width) if rotation in (90, 270) else (width, height)


def render(frame: VideoFrame, size: tuple[int, int], rotation: int) -> Pixels:
    """The frame upright, in `size` (width, height) after rotation, for a common screen (BT.709 colours, SDR)."""
    width, height = size[::-1] if rotation in (90, 270) else size
    high_range = frame.color_trc in HIGH_RANGE
    scaled = frame.reformat(
        width,
        height,
        format="rgb48le" if high_range else "bgr24",
        src_colorspace=_color_matrix(frame),
        interpolation="AREA" if width < frame.width else "BICUBIC",
        threads=1,
    )
    pixels = scaled.to_ndarray()
    bgr = to_standard_range(pixels, frame.color_trc) if high_range else pixels.astype(np.uint8, copy=False)
    return _to_pixels(cv2.rotate(bgr, _TURNS[rotation])) if rotation else bgr


def write_jpeg(pixels: Pixels, path: Path) -> None:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"no JPEG can be made of an array of shape {pixels.shape}")
    path.write_bytes(data.tobytes())


def read_jpeg(path: Path) -> Pixels:
    """Of a file that we wrote."""
    return _to_pixels(cv2.imread(str(path), cv2.IMREAD_COLOR))


def resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return _to_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _to_pixels(array: object) -> Pixels:
    return np.asarray(array, np.uint8)


def _color_matrix(frame: VideoFrame) -> int | None:
    """Most phones and sites leave the matrix of HD video out; as players do, take BT.709 for it then."""
    return 1 if frame.colorspace == 2 and min(frame.width, frame.height) >= 720 else None
