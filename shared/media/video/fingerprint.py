"""Tiny pictures by which frames are compared: 24 × 24 cells of luma and 12 × 12 of each chroma channel, uint8."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LUMA_CELLS, CHROMA_CELLS = 24, 12
_KEPT_CELLS = 0.85
_REACH = 3

# By `difference`, chosen on synthetic films: cuts were 6 and more, captions and motion from frame to frame below 4.
CUT = 4.0
STRONG = 10.0
"""Two pictures this far apart are hardly of one shot, unless it moves a lot."""

Cells = NDArray[np.uint8]
Fingerprint = NDArray[np.uint8]
"""One row; chroma is doubled around its middle, so that it counts as much as luma does."""


def compute_fingerprint(luma: Cells, *chroma: Cells) -> Fingerprint:
    """Of a frame's luma in any number of cells, and its chroma in 12 × 12."""
    grid = cv2.resize(luma, (LUMA_CELLS, LUMA_CELLS), interpolation=cv2.INTER_AREA)
    doubled = [np.clip(plane.astype(np.int16) * 2 - 128, 0, 255).astype(np.uint8).ravel() for plane in chroma]
    return np.concatenate([grid.ravel(), *doubled])


def difference(first: Cells, second: Cells) -> NDArray[np.float64]:
    """Mean absolute difference over the last axis, leaving out the 15 % of cells that differ most.

    So a caption, or a hand that covers a part of the picture, makes no other picture of it; a cut changes all of it.
    """
    apart = np.abs(np.subtract(first, second, dtype=np.int16))
    kept = max(1, int(apart.shape[-1] * _KEPT_CELLS))
    return np.asarray(np.partition(apart, kept - 1, axis=-1)[..., :kept].mean(axis=-1))


def difference_after_shift(fingerprint: Fingerprint, other_fingerprint: Fingerprint) -> float:
    """The least difference of the luma when one picture is moved by up to an eighth against the other.

    Small for a panning or shaking camera, as long as it shows the same things.
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
    """The cells along one side that are left when the picture is moved by `shift`."""
    return slice(max(0, shift), LUMA_CELLS + min(0, shift))
