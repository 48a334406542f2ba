"""Find dissolves and fades among scanned frames, so that what leads to them need not be decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.media.video.fingerprints import (
    CUT,
    STRONG,
    TimedFingerprint,
    difference,
    differences_between,
    fingerprint_rows,
    light_above_black,
)

_STEP, _APART_SEC = 2.5, 0.15
_FEWEST_STEPS, _LONGEST_SEC = 4, 1.0
_STRAY_SHARE, _BACK, _LARGEST_PART = 0.25, 0.08, 0.6
_DARK, _BETWEEN = 0.4, 2


@dataclass(frozen=True)
class Dissolve:
    """A dissolve or a fade: the times of its first and last frames in seconds, and of its middle."""

    first: float
    middle: float
    last: float


def find_dissolves(frames: Sequence[TimedFingerprint]) -> list[Dissolve]:
    """Return the dissolves and fades among frames, in order of time, that follow each other closely while they change.

    In a dissolve, every frame is a mixture of those before and after it, with an ever larger part of the latter; in a
    fade, it becomes dark and bright again. Neither a moving camera nor a cut does that.
    """
    if len(frames) <= _FEWEST_STEPS:
        return []
    time = np.array([frame.time for frame in frames])
    is_moving = (differences_between(frames) >= _STEP) & (np.diff(time) <= _APART_SEC)
    edges = np.flatnonzero(np.diff(np.r_[False, is_moving, False])).reshape(-1, 2)
    found = []
    for first, last in edges.tolist():
        if last - first < _FEWEST_STEPS or time[last] - time[first] > _LONGEST_SEC:
            continue
        run = frames[first : last + 1]
        light = light_above_black(run)
        middle = _middle_of_dissolve(fingerprint_rows(run), light) or _middle_of_fade(light)
        if middle:
            found.append(Dissolve(float(time[first]), float(time[first + middle]), float(time[last])))
    return found


def _middle_of_dissolve(rows: NDArray[np.uint8], light: NDArray[np.float64]) -> int:
    """Return the index of the frame from which on the later picture prevails; 0 if it is no dissolve."""
    change = float(difference(rows[-1], rows[0]))
    ends = light[[0, -1]]
    if change < STRONG or ends.min() < _DARK * ends.max():  # half of a fade is a mixture, too
        return 0
    start = rows[0].astype(np.float32)
    way = rows[-1] - start
    parts = (rows - start) @ way / float(way @ way)
    mixtures = np.clip(np.rint(start + parts[:, None] * way), 0, 255).astype(np.uint8)
    steps = np.diff(parts)
    is_mixed = bool(np.all(difference(rows, mixtures) <= max(CUT, _STRAY_SHARE * change)))
    return int(np.argmax(parts >= 0.5)) if is_mixed and steps.min() >= -_BACK and steps.max() <= _LARGEST_PART else 0


def _middle_of_fade(light: NDArray[np.float64]) -> int:
    """Return the index of the darkest frame; 0 if it is no fade."""
    middle = int(light.argmin())
    sides = light[: middle + 1], light[middle:][::-1]
    for side in sides:
        between = np.count_nonzero((side > 1.2 * light[middle] + 2) & (side < 0.85 * side[0]))
        if light[middle] >= _DARK * side[0] or between < _BETWEEN or np.any(np.diff(side) > 2):
            return 0
    return middle
