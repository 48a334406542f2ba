"""Choosing among the pictures that were stored: key frames for understanding, samples for reading."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from shared.media.looks import Picture
from shared.media.signature import Cells, difference, drifted
from shared.models.video import Shot

T = TypeVar("T")

_NEAR_CUT_SEC = 0.15
_TYPICAL = 1.5
_DUPLICATE = 2.5
_STILL = 1.0
_CAPTION_SHARE = 0.01
_BLANK = 4.0
# A caption is a few cells that differ clearly; noise and compression stay well below in every cell.
_CHANGED_CELL = 8
_CHANGED_CELLS = 2


def same_look(one: Cells, other: Cells) -> bool:
    """Whether nothing that could be read differs between two pictures, given as luma cells."""
    apart = np.abs(np.subtract(one, other, dtype=np.int16))
    return int(np.count_nonzero(apart > _CHANGED_CELL)) < _CHANGED_CELLS


def choose_samples(pictures: Sequence[Picture], most: int) -> list[Picture]:
    """Of the pictures, in order of time, two of each look that lasts, and every one where looks keep changing.

    When that is more than `most`, they are thinned out evenly.
    """
    kept: list[Picture] = []
    for picture in pictures:
        if not (len(kept) > 1 and all(same_look(picture.luma, before.luma) for before in kept[-2:])):
            kept.append(picture)
    if len(kept) <= most:
        return kept
    return [kept[index] for index in np.linspace(0, len(kept) - 1, most).round().astype(int)]


def choose_key_frames(pictures: Sequence[Picture], shots: Sequence[Shot], most: int) -> list[Picture]:
    """At most `most` pictures, by time, that stand for the video: typical of their shots, sharp, all different.

    Every shot proposes its sharpest typical picture, a long one several; of these the farthest-first traversal
    (Gonzalez, «Clustering to minimize the maximum intercluster distance», 1985) takes those least like each other.
    """
    if not pictures or not shots:
        return []
    piece = max(shots[-1].end / most, 1e-9)
    proposals = [
        _best_of(part)
        for shot in shots
        for part in _parts(_inside(pictures, shot), shot, max(1, round((shot.end - shot.start) / piece)))
        if part
    ]
    proposals = [picture for picture in proposals if picture.luma.std() >= _BLANK] or proposals[:1]
    sharp = float(np.median([picture.sharpness for picture in proposals])) or 1.0
    chosen = farthest_first(
        proposals,
        distance=apart,
        weight=lambda picture: min(1.0, 0.2 + 0.8 * picture.sharpness / sharp),
        least=_DUPLICATE,
        most=most,
    )
    return sorted(chosen, key=lambda picture: picture.time)


def farthest_first(
    items: Sequence[T],
    *,
    distance: Callable[[T, T], float],
    weight: Callable[[T], float],
    least: float,
    most: int,
) -> list[T]:
    """Take the weightiest item, then again and again the one whose nearest taken one is farthest, times its weight.

    Items nearer than `least` to a taken one are never taken; all others are, until there are `most`. Ties go to the
    earlier item.
    """
    weights = np.array([weight(item) for item in items])
    nearest = np.full(len(items), np.inf)
    chosen: list[int] = []
    while len(chosen) < min(most, len(items)):
        gain = np.where(nearest >= least, weights * np.minimum(nearest, 1e9), -1.0)
        best = int(gain.argmax())
        if gain[best] < 0:
            break
        chosen.append(best)
        nearest[best] = -1
        nearest = np.minimum(nearest, [distance(items[best], item) for item in items])
    return [items[index] for index in chosen]


def apart(one: Picture, other: Picture) -> float:
    """How different two pictures look, in luma levels; a shaking camera is forgiven, a caption on a still is not."""
    if one.luma.shape != other.luma.shape:
        return math.inf
    still = float(difference(one.luma.ravel(), other.luma.ravel()))
    if still < _STILL:
        changed = np.abs(np.subtract(one.luma, other.luma, dtype=np.int16)) > _CHANGED_CELL
        return max(still, _DUPLICATE * float(changed.mean()) / _CAPTION_SHARE)
    return drifted(one.signature, other.signature)


def _inside(pictures: Sequence[Picture], shot: Shot) -> list[Picture]:
    """The pictures of a shot, without those right at its cuts if there are others."""
    inside = [picture for picture in pictures if shot.start <= picture.time < shot.end]
    clear = [p for p in inside if shot.start + _NEAR_CUT_SEC <= p.time < shot.end - _NEAR_CUT_SEC]
    return clear or inside


def _parts(pictures: Sequence[Picture], shot: Shot, count: int) -> list[list[Picture]]:
    """The pictures of a shot by equal parts of its time."""
    parts: list[list[Picture]] = [[] for _ in range(count)]
    for picture in pictures:
        parts[min(count - 1, int((picture.time - shot.start) / (shot.end - shot.start) * count))].append(picture)
    return parts


def _best_of(pictures: Sequence[Picture]) -> Picture:
    """The sharpest of those that are about as close to all the others as most are."""
    rows = np.array([picture.signature for picture in pictures])
    distance = np.array([float(np.median(difference(rows, row))) for row in rows])
    typical = [
        picture for picture, far in zip(pictures, distance, strict=True) if far <= np.median(distance) + _TYPICAL
    ]
    return max(typical, key=lambda picture: picture.sharpness)
