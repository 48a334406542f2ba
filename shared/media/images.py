"""Measure and store single pictures; tone-map HDR (PQ or HLG, BT.2020) to BT.709 with 8 bits."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Floats = NDArray[np.float32]
Plane = NDArray[Any]
"""One channel, height × width, uint8 or (above 8 bits) uint16."""
Pixels = NDArray[np.uint8]
"""Height × width × 3, BGR."""
THUMBNAIL_WIDTH = 320
LONG_SIDE = 1024
_MIDDLE = 512
_QUALITY = 90
PQ, HLG = 16, 18
HIGH_RANGE = (PQ, HLG)
_PEAK, _WHITE = 1000.0, 203.0
_CODES = 65_536
# BT.2020 to BT.709, linear light, with the channels in the order R, G, B (ITU-R BT.2087).
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
# Dolby Vision profile 5: IPT to cone responses (Ebner and Fairchild, 1998), crosstalk removed, and to BT.2020.
_IPT_TO_CONES = np.array([[1, 0.09757, 0.20523], [1, -0.11388, 0.13322], [1, 0.03262, -0.67689]], np.float32)
_WITHOUT_CROSSTALK = np.full((3, 3), -0.0213, np.float32) + np.eye(3, dtype=np.float32) * 1.0639
_CONES_TO_2020 = np.array(
    [[3.06442, -2.16598, 0.10156], [-0.65612, 1.78554, -0.12942], [0.01736, -0.04725, 1.02989]], np.float32
)
# Constants of the PQ function.
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
cv2.setNumThreads(1)  # the decoding threads already use the cores


def planes(frame: VideoFrame) -> tuple[list[Plane], int]:
    """Return the Y, U and V planes, without a copy if the frame's format allows it, and the bits per sample."""
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
    """Reduce a plane to `height` × `width` cells of 8 bits, each the mean of 4 × 4 pixels spread over it."""
    points = cv2.resize(plane, (4 * width, 4 * height), interpolation=cv2.INTER_NEAREST)
    return _eight_bits(cv2.resize(points, (width, height), interpolation=cv2.INTER_AREA), bits)


def sharpness(luma: Plane, bits: int) -> float:
    """Return the variance of the Laplacian of the luma's middle (Pech-Pacheco et al., «Diatom autofocusing», 2000)."""
    top, left = (max(0, side - _MIDDLE) // 2 for side in luma.shape)
    middle = _eight_bits(luma[top : top + _MIDDLE, left : left + _MIDDLE], bits)
    edges = cv2.Laplacian(middle, cv2.CV_16S)
    return float(cv2.norm(edges, cv2.NORM_L2SQR) / edges.size - (cv2.sumElems(edges)[0] / edges.size) ** 2)


def _eight_bits(plane: Plane, bits: int) -> NDArray[np.uint8]:
    return (plane >> (bits - 8)).astype(np.uint8) if bits > 8 else plane


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """Return a size 320 wide with the source's aspect, at most ten times as high as wide."""
    return THUMBNAIL_WIDTH, min(10 * THUMBNAIL_WIDTH, max(1, round(THUMBNAIL_WIDTH * height / width)))


def fit_size(width: int, height: int, long_side: int = LONG_SIDE) -> tuple[int, int]:
    """Return a size with the same aspect and sides of at most `long_side`; never larger than the source."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def write_jpeg(pixels: Pixels, path: Path) -> None:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"no JPEG can be made of an array of shape {pixels.shape}")
    path.write_bytes(data.tobytes())


def read_jpeg(path: Path) -> Pixels:
    """Read a JPEG that `write_jpeg` wrote."""
    return _to_pixels(cv2.imread(str(path), cv2.IMREAD_COLOR))


def resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return _to_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _to_pixels(array: object) -> Pixels:
    return np.asarray(array, np.uint8)


def to_standard_range(rgb: NDArray[Any], transfer: int) -> NDArray[np.uint8]:
    """Convert 16-bit RGB codes (height × width × 3) of the `transfer` function PQ or HLG to 8-bit BGR."""
    light = _to_light(transfer)[rgb]
    if transfer == HLG:
        light *= _PEAK * np.maximum(light @ np.array([0.2627, 0.678, 0.0593], np.float32), 1e-6)[..., None] ** 0.2
    return _tone_map(light)


def dolby_to_standard_range(ipt: Floats) -> NDArray[np.uint8]:
    """Convert codes of Dolby Vision profile 5 (height × width × 3: I, P, T from 0 to 1) to 8-bit BGR.

    They are IPT of PQ-coded cone responses with 2 % crosstalk. The matrices are those that all such streams carry; the
    curves and limits that each scene carries as well are not applied.
    """
    cones = np.clip((ipt - np.array([0, 0.5, 0.5], np.float32)) @ _IPT_TO_CONES.T, 0, 1)
    light = np.asarray(_pq_to_light(cones), np.float32) @ _WITHOUT_CROSSTALK.T @ _CONES_TO_2020.T
    return _tone_map(np.maximum(light, 0))


def _tone_map(light: Floats) -> NDArray[np.uint8]:
    """Convert linear BT.2020 light in cd/m², RGB, to 8-bit BGR in BT.709."""
    brightest = light.max(axis=-1, keepdims=True)
    gain = _roll_off(brightest) / np.maximum(brightest, 1e-6)
    linear = np.clip((light * gain / _WHITE) @ _TO_709.T, 0, 1)
    codes = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.ascontiguousarray(np.round(codes * 255).astype(np.uint8)[..., ::-1])


@lru_cache(maxsize=2)
def _to_light(transfer: int) -> Floats:
    """Return the light of every code: in cd/m² for PQ, scene light from 0 to 1 for HLG."""
    code = np.linspace(0, 1, _CODES)
    if transfer == PQ:
        return np.asarray(_pq_to_light(code), np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.asarray(np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12), np.float32)


def _roll_off(light: Floats) -> Floats:
    """Compress light of at most `_PEAK` cd/m² below `_WHITE`: unchanged below a knee, a Hermite spline above it."""
    top = _light_to_pq(np.float32(_PEAK))
    ceiling = _light_to_pq(np.float32(_WHITE)) / top
    knee = 1.5 * ceiling - 0.5
    code = np.minimum(_light_to_pq(light) / top, 1)
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * ceiling
    return np.asarray(_pq_to_light(np.where(code < knee, code, spline) * top), np.float32)


def _pq_to_light(code: Any) -> Any:
    power = np.power(code, 1 / _M2)
    return 10_000 * np.power(np.maximum(power - _C1, 0) / (_C2 - _C3 * power), 1 / _M1)


def _light_to_pq(light: Any) -> Any:
    power = np.power(light / 10_000, _M1)
    return np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2)
