"""Bringing HDR pictures (PQ or HLG, BT.2020 colours) to what a common screen shows (BT.709, 8 bits).

Sources: transfer functions and HLG's OOTF from ITU-R BT.2100; the roll-off of highlights is the EETF of ITU-R BT.2390,
on the largest channel so that hues stay; diffuse white is 203 cd/m² after ITU-R BT.2408.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
HIGH_RANGE = (PQ, HLG)

_PEAK, _WHITE = 1000.0, 203.0
_CODES = 65_536
# BT.2020 to BT.709, linear light, with the channels in the order R, G, B (ITU-R BT.2087).
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)

# Constants of the PQ function.
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128

Floats = NDArray[np.float32]


def to_standard_range(rgb: NDArray[Any], transfer: int) -> NDArray[np.uint8]:
    """Height × width × 3 RGB codes of 16 bits in the `transfer` function PQ or HLG, as BGR of 8 bits."""
    light = _to_light(transfer)[rgb]
    if transfer == HLG:
        light *= _PEAK * np.maximum(light @ np.array([0.2627, 0.678, 0.0593], np.float32), 1e-6)[..., None] ** 0.2
    brightest = light.max(axis=-1, keepdims=True)
    gain = _roll_off(brightest) / np.maximum(brightest, 1e-6)
    linear = np.clip((light * gain / _WHITE) @ _TO_709.T, 0, 1)
    codes = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.ascontiguousarray(np.round(codes * 255).astype(np.uint8)[..., ::-1])


@lru_cache(maxsize=2)
def _to_light(transfer: int) -> Floats:
    """For every code its light: in cd/m² for PQ, of the scene from 0 to 1 for HLG."""
    code = np.linspace(0, 1, _CODES)
    if transfer == PQ:
        return np.asarray(_pq_to_light(code), np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.asarray(np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12), np.float32)


def _roll_off(light: Floats) -> Floats:
    """Light of at most `_PEAK` cd/m² brought under `_WHITE`: untouched below a knee, a Hermite spline above it."""
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
