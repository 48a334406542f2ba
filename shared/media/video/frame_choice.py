"""Choose among the stored pictures: key frames that represent the video, and samples for reading text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from shared.media.video.frames import CUT, Cells, Picture, difference, difference_after_shift
from shared.models.video import Shot

T = TypeVar("T")
_NEAR_CUT_SEC = 0.15
_BLURRED = 0.4
_DUPLICATE = 2.5
_BLANK = 4.0
_DARK_LUMA, _BRIGHT_PERCENT = 48, 98  # black is 16, and a night scene has lights
# Text changes a few cells clearly; noise and compression change every cell by much less.
_CHANGED_CELL, _CHANGED_CELLS = 8, 2
# On a still picture a caption is a patch that differs clearly; a slightly shaking camera makes smaller differences.
_STILL, _CAPTION_CELL, _CAPTION_SHARE = 0.5, 20, 0.008


def has_same_text(first: Cells, second: Cells) -> bool:
    """Return True if no legible text differs between two pictures, compared by their luma cells."""
    apart = np.abs(np.subtract(first, second, dtype=np.int16))
    return int(np.count_nonzero(apart > _CHANGED_CELL)) < _CHANGED_CELLS


def choose_samples(pictures: Sequence[Picture], most: int) -> list[Picture]:
    """Choose, in order of time, two pictures of each lasting text, and every picture while the text keeps changing.

    If these are more than `most`, every n-th is kept.
    """
    kept: list[Picture] = []
    for picture in pictures:
        if not (len(kept) > 1 and all(has_same_text(picture.luma, before.luma) for before in kept[-2:])):
            kept.append(picture)
    if len(kept) <= most:
        return kept
    return [kept[index] for index in np.linspace(0, len(kept) - 1, most).round().astype(int)]


def choose_key_frames(pictures: Sequence[Picture], shots: Sequence[Shot], most: int) -> list[Picture]:
    """Choose at most `most` pictures, by time, that represent the video: from its shots, sharp, all different.

    Every shot proposes its sharpest picture, a long shot several. Farthest-first traversal (Gonzalez, «Clustering to
    minimize the maximum intercluster distance», 1985) selects the least similar of these.
    """
    if not pictures or not shots:
        return []
    piece = max(shots[-1].end / most, 1e-9)
    proposals = [
        max(part, key=lambda picture: picture.sharpness)
        for shot in shots
        for part in _split_by_time(
            _presentable_pictures(pictures, shot), shot, max(1, round((shot.end - shot.start) / piece))
        )
        if part
    ]
    proposals = [picture for picture in proposals if picture.luma.std() >= _BLANK] or proposals[:1]
    sharp = float(np.median([picture.sharpness for picture in proposals])) or 1.0
    chosen = farthest_first(
        proposals,
        distance=picture_distance,
        weight=lambda picture: min(1.0, 0.2 + 0.8 * picture.sharpness / sharp),
        least=_DUPLICATE,
        most=most,
    )
    return sorted(chosen, key=lambda picture: picture.time)


def choose_thumbnail(wanted: Picture | None, pictures: Sequence[Picture], time: float) -> Picture | None:
    """Return the picture to show instead of the wanted frame, if that is dark or missing; None to keep it.

    It is the nearest in time to `time` among the bright ones that are not blurred, or if all are dark, among all.
    """
    if wanted is not None and not is_dark(wanted):
        return None
    bright = [picture for picture in pictures if not is_dark(picture)]
    if wanted is not None and not bright:
        return None
    sharp = float(np.median([picture.sharpness for picture in bright])) if bright else 0.0
    candidates = [picture for picture in bright if picture.sharpness >= _BLURRED * sharp] or pictures
    return min(candidates, key=lambda picture: abs(picture.time - time))


def is_dark(picture: Picture) -> bool:
    """Return True if a picture is black or nearly so: hardly anything in it is brighter than a dark grey."""
    return float(np.percentile(picture.luma, _BRIGHT_PERCENT)) < _DARK_LUMA


def farthest_first(
    items: Sequence[T],
    *,
    distance: Callable[[T, T], float],
    weight: Callable[[T], float],
    least: float,
    most: int,
) -> list[T]:
    """Select the heaviest item, then repeatedly the one with the largest distance to the selection times its weight.

    Items nearer than `least` to a selected one are never selected; all others are, up to `most`. Ties go to the earlier
    item.
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


def picture_distance(first: Picture, second: Picture) -> float:
    """Return the difference of two pictures in luma levels; ignores a shaking camera, but not a caption on a still."""
    still = float(difference(first.luma.ravel(), second.luma.ravel()))
    if still < _STILL:
        changed = np.abs(np.subtract(first.luma, second.luma, dtype=np.int16)) > _CAPTION_CELL
        return max(still, _DUPLICATE * float(changed.mean()) / _CAPTION_SHARE)
    return difference_after_shift(first.fingerprint, second.fingerprint)


def _presentable_pictures(pictures: Sequence[Picture], shot: Shot) -> list[Picture]:
    """Return the pictures of a shot except those at its cuts, strays and blurred ones, if any remain."""
    inside = [picture for picture in pictures if shot.start <= picture.time < shot.end]
    clear = [p for p in inside if shot.start + _NEAR_CUT_SEC <= p.time < shot.end - _NEAR_CUT_SEC] or inside
    steady = [picture for index, picture in enumerate(clear) if not _is_stray(clear, index)] or clear
    sharpest = max((picture.sharpness for picture in steady), default=0.0)
    return [picture for picture in steady if picture.sharpness >= _BLURRED * sharpest]


def _is_stray(pictures: list[Picture], index: int) -> bool:
    """Return True if a picture, such as a flash, differs from both neighbours far more than they from each other."""
    if len(pictures) < 3:
        return False
    first = min(max(index - 1, 0), len(pictures) - 3)
    neighbour, other_neighbour = (p.fingerprint for p in pictures[first : first + 3] if p is not pictures[index])
    own = pictures[index].fingerprint
    nearest = min(float(difference(own, neighbour)), float(difference(own, other_neighbour)))
    return nearest > CUT + 2 * float(difference(neighbour, other_neighbour))


def _split_by_time(pictures: Sequence[Picture], shot: Shot, count: int) -> list[list[Picture]]:
    """Split the pictures of a shot into `count` equal parts of its time."""
    parts: list[list[Picture]] = [[] for _ in range(count)]
    for picture in pictures:
        parts[min(count - 1, int((picture.time - shot.start) / (shot.end - shot.start) * count))].append(picture)
    return parts
