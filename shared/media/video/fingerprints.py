"""Fingerprints by which frames are compared: 24 × 24 cells of luma and 12 × 12 of each chroma channel, uint8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.media.video.cell_file import Cells, StoredCells, read_cells

C = TypeVar("C", bound=np.generic)
Fingerprint = NDArray[np.uint8]
"""One row; chroma is doubled around its middle, so that it counts as much as luma."""
LUMA_CELLS, CHROMA_CELLS = 24, 12
# By `difference`. Cuts measured 6 and more; captions, flashes' edges and motion between frames mostly below 4.
CUT = 5.5
STRONG = 22.0
"""Two pictures with this difference are hardly of one shot, unless it moves a lot."""
_UNCHANGED_CELLS = 0.82
_REACH = 3
_BLACK = 16
# In pictures darker than this, on average above black, differences count more, up to so many times.
_DIM, _MOST_GAIN = 32.0, 4.0
_BLOCK = 256
_NO_CELL = 1000
"""Above any difference."""
_DOUBLED = np.clip(np.arange(256) * 2 - 128, 0, 255).astype(np.uint8)


def compute_fingerprint(luma: Cells, *chroma: Cells) -> Fingerprint:
    """Compute a fingerprint from a frame's luma in any number of cells, and its chroma in 12 × 12."""
    grid = cv2.resize(luma, (LUMA_CELLS, LUMA_CELLS), interpolation=cv2.INTER_AREA)
    return np.concatenate([grid.ravel(), *(_DOUBLED[plane].ravel() for plane in chroma)])


def luma_part(fingerprints: NDArray[C]) -> NDArray[C]:
    """Return the luma of one or more fingerprints, in cells along the last axis."""
    return fingerprints[..., : LUMA_CELLS**2]


def difference(first: Fingerprint, second: Fingerprint) -> NDArray[np.float64]:
    """Return the difference that 18 % of the cells exceed, over the last axis, of luma or chroma, whichever is greater.

    So a caption, or a hand that covers a little of the picture, counts nothing; a person who jumps to another place
    counts as much as a picture that changes everywhere. It counts more in dark pictures (see `dark_gain`).
    """
    apart = np.abs(np.subtract(first, second, dtype=np.int16))
    parts = luma_part(apart), apart[..., LUMA_CELLS**2 :]
    changed = np.max([_changed_by(part) for part in parts if part.shape[-1]], axis=0)
    return np.asarray(changed * dark_gain(first, second))


def dark_gain(first: Fingerprint, second: Fingerprint) -> NDArray[np.float64]:
    """Return by how much a difference of two pictures counts more if both are dark, over the last axis: 1 to 4.

    A difference is noticed in proportion to the light around it (Weber's law): a room at night has a tenth of the
    levels of one by day, and so have the differences between its shots.
    """
    light = [np.asarray(luma_part(side).mean(axis=-1)) - _BLACK for side in (first, second)]
    return np.asarray(np.clip(_DIM / np.maximum(np.maximum(*light), 1.0), 1.0, _MOST_GAIN))


def difference_after_shift(first: Fingerprint, second: Fingerprint) -> float:
    """Return the least difference of the luma when one picture is shifted by up to an eighth against the other.

    It is small for a panning or shaking camera that shows the same scene.
    """
    apart, counts = shifted_differences(first, second)
    least = apart[np.arange(len(counts)), (counts * _UNCHANGED_CELLS).astype(int)].min()
    return float(least * dark_gain(first, second))


def shifted_differences(first: Fingerprint, second: Fingerprint) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return how much the luma cells differ at each shift by up to an eighth, ascending, and how many overlap there.

    What follows in a row after that many differences has no meaning.
    """
    own, other, counts = _shifts()
    lumas = np.empty((2, LUMA_CELLS**2 + 1), np.int16)
    lumas[:, :-1] = luma_part(first), luma_part(second)
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


@dataclass(frozen=True, eq=False, slots=True)
class TimedFingerprint:
    """The time of a decoded frame in seconds, and its fingerprint (see `compute_fingerprint`)."""

    time: float
    fingerprint_cells: Fingerprint | StoredCells

    @property
    def fingerprint(self) -> Fingerprint:
        return read_cells(self.fingerprint_cells)


def brightness(frame: TimedFingerprint) -> float:
    """Return the mean luma of a frame."""
    return float(luma_part(frame.fingerprint).mean())


def fingerprint_rows(frames: Sequence[TimedFingerprint]) -> NDArray[np.uint8]:
    """Return the fingerprints of a few frames as rows."""
    return np.array([frame.fingerprint for frame in frames])


def row_blocks(frames: Sequence[TimedFingerprint], overlap: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield the fingerprints of frames in blocks, so that those of a long video are never in memory together.

    Each block but the first begins with the last `overlap` rows of the one before it.
    """
    for start in range(0, len(frames) and max(1, len(frames) - overlap), _BLOCK):
        yield fingerprint_rows(frames[start : start + _BLOCK + overlap])


def differences_between(frames: Sequence[TimedFingerprint]) -> NDArray[np.float64]:
    """Return the difference of each of any number of frames, but the first, from the one before it."""
    steps = [difference(rows[1:], rows[:-1]) for rows in row_blocks(frames, overlap=1)]
    return np.concatenate([np.zeros(0), *steps])


def light_above_black(frames: Sequence[TimedFingerprint]) -> NDArray[np.float64]:
    """Return the mean luma above black of any number of frames."""
    lumas = [luma_part(rows).mean(axis=-1) for rows in row_blocks(frames)]
    return np.asarray(np.maximum(np.concatenate([np.zeros(0), *lumas]) - _BLACK, 0))
