"""Choose among the stored pictures: key frames that represent the video, and samples for reading text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.media.video.cell_file import Cells
from shared.media.video.fingerprints import CUT, dark_gain, difference, shifted_differences
from shared.media.video.frames import MeasuredFrame, Picture
from shared.media.video.slides import is_other_slide
from shared.models.video import Shot

T = TypeVar("T")
F = TypeVar("F", bound=MeasuredFrame)
NEAR_CUT_SEC, ROUNDING_SEC = 0.15, 0.001
_BLURRED = 0.4
_DUPLICATE = 2.5
_KEPT_CELLS = 0.85
_LONG_SEC = 2.0
_MOST_PROPOSALS = 300
_BLANK = 1.5
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
    """Choose at most `most` pictures, by time, that represent the video: from its shots, sharp, all different."""
    chosen = choose_frames(pictures, shots, most, distance=picture_distance, least=_DUPLICATE)
    if any(picture.luma.std() >= _BLANK for picture in pictures):
        chosen = [picture for picture in chosen if picture.luma.std() >= _BLANK]
    return sorted(chosen, key=lambda picture: picture.time)


def add_missing_shots(
    frames: Sequence[MeasuredFrame], scanned: Sequence[MeasuredFrame], shots: Sequence[Shot]
) -> list[MeasuredFrame]:
    """Return frames and, of each shot that none of them shows, the scanned ones, in order of time.

    Both have to be in order of time. A cut that only the scan shows may begin a shot of which nothing else is decoded.
    """
    edges = np.array([shot.start - ROUNDING_SEC for shot in shots])
    known, of_scan = (np.searchsorted(edges, [frame.time for frame in of], side="right") for of in (frames, scanned))
    missing = [frame for frame, is_known in zip(scanned, np.isin(of_scan, known), strict=True) if not is_known]
    return sorted([*frames, *missing], key=lambda frame: frame.time)


def choose_frames(
    frames: Sequence[F], shots: Sequence[Shot], most: int, *, distance: Callable[[F, F], float], least: float = 0.0
) -> list[F]:
    """Choose at most `most` frames, the most important first, none nearer to another than `least`.

    Every shot proposes its sharpest frame, a long shot several. The longest shots above 2 s come first. The places that
    they leave go to the proposals that are the least similar to those chosen before.
    """
    if not shots:
        return []
    piece = max(shots[-1].end / most, 1e-9)
    times = np.array([frame.time for frame in frames])
    proposals: list[tuple[float, F]] = []
    for shot in shots:
        first, last = (int(np.searchsorted(times, edge - ROUNDING_SEC)) for edge in (shot.start, shot.end))
        count = max(1, round((shot.end - shot.start) / piece))
        sharpest = _sharpest_frames(frames[first:last], shot, count)
        length = shot.end - shot.start
        proposals.extend((length if number == 0 else 0.0, frame) for number, frame in enumerate(sharpest))
    proposals.sort(key=lambda proposal: -proposal[0])
    sharp = float(np.median([frame.sharpness for _, frame in proposals] or [0])) or 1.0
    return farthest_first(
        [frame for _, frame in proposals[:_MOST_PROPOSALS]],
        distance=distance,
        weight=lambda frame: min(1.0, 0.2 + 0.8 * frame.sharpness / sharp),
        least=least,
        most=most,
        leading=sum(length > _LONG_SEC for length, _ in proposals),
    )


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
    leading: int = 0,
) -> list[T]:
    """Select the heaviest item, then repeatedly the one with the largest distance to the selection times its weight.

    That is farthest-first traversal (Gonzalez, «Clustering to minimize the maximum intercluster distance», 1985). Items
    nearer than `least` to a selected one are never selected; all others are, up to `most`. Ties go to the earlier item.
    The first `leading` items are selected before all others, in their order.
    """
    weights = np.array([weight(item) for item in items])
    nearest = np.full(len(items), np.inf)
    chosen: list[int] = []
    while len(chosen) < min(most, len(items)):
        gain = np.where(nearest >= least, weights * np.minimum(nearest, 1e9), -1.0)
        ahead = np.flatnonzero(gain[:leading] >= 0)
        best = int(ahead[0]) if len(ahead) else int(gain.argmax())
        if gain[best] < 0:
            break
        chosen.append(best)
        nearest[chosen] = -1
        # Those nearer than `least` are never selected.
        for index in np.flatnonzero(nearest >= max(0.0, least)).tolist():
            nearest[index] = min(nearest[index], distance(items[best], items[index]))
    return [items[index] for index in chosen]


def frame_distance(first: MeasuredFrame, second: MeasuredFrame) -> float:
    """Return the mean difference of two frames in luma and chroma levels; it counts more in dark ones."""
    own, other = first.fingerprint, second.fingerprint
    return float(np.abs(np.subtract(own, other, dtype=np.int16)).mean() * dark_gain(own, other))


def picture_distance(first: Picture, second: Picture) -> float:
    """Return the difference of two pictures in luma levels, which counts more in dark ones.

    It ignores a shaking camera, but not a caption on a still picture, or another slide on the same paper.
    """
    still = float(_trimmed_mean(first.luma.ravel(), second.luma.ravel()))
    if still < _STILL:
        changed = np.abs(np.subtract(first.luma, second.luma, dtype=np.int16)) > _CAPTION_CELL
        return max(still, _DUPLICATE * float(changed.mean()) / _CAPTION_SHARE)
    own, other = first.fingerprint, second.fingerprint
    apart, counts = shifted_differences(own, other)
    kept = (counts * _KEPT_CELLS).astype(int)
    sums = np.cumsum(apart, axis=-1, dtype=np.int64)[np.arange(len(counts)), kept - 1]
    distance = float((sums / kept).min() * dark_gain(own, other))
    return max(distance, _DUPLICATE) if is_other_slide(own, other) else distance


def _trimmed_mean(first: Cells, second: Cells) -> NDArray[np.float64]:
    """Return the mean difference of cells, without the 15 % that differ most."""
    apart = np.abs(np.subtract(first, second, dtype=np.int16))
    kept = max(1, int(apart.shape[-1] * _KEPT_CELLS))
    return np.asarray(np.partition(apart, kept - 1, axis=-1)[..., :kept].mean(axis=-1))


def _sharpest_frames(frames: Sequence[F], shot: Shot, count: int) -> list[F]:
    """Return the sharpest frame of each of `count` equal parts of a shot, the sharpest of the shot first.

    Frames at the cuts and strays are left out where there are others, and so are blurred ones.
    """
    clear = [f for f in frames if shot.start + NEAR_CUT_SEC <= f.time < shot.end - NEAR_CUT_SEC] or frames
    times = np.array([frame.time for frame in clear])
    best: dict[int, F] = {}
    for index in sorted(range(len(clear)), key=lambda index: -clear[index].sharpness):
        frame = clear[index]
        part = min(count - 1, int((frame.time - shot.start) / (shot.end - shot.start) * count))
        if best and frame.sharpness < _BLURRED * next(iter(best.values())).sharpness:
            break
        if part not in best and not _is_stray(clear, times, index):
            best[part] = frame
            if len(best) == count:
                break
    return [*best.values()] or list(clear[:1])


def _is_stray(frames: Sequence[MeasuredFrame], times: NDArray[np.float64], index: int) -> bool:
    """Return True if a frame, such as a flash, differs from those before and after far more than they from each other.

    At the start or end of a shot, it is compared with the two nearest on one side.
    """
    before = int(np.searchsorted(times, times[index] - NEAR_CUT_SEC, side="right")) - 1
    after = int(np.searchsorted(times, times[index] + NEAR_CUT_SEC))
    if before < 0:
        before = after + 1
    elif after == len(frames):
        after = before - 1
    if not (0 <= before < len(frames) and 0 <= after < len(frames)):
        return False
    own, earlier, later = (frames[n].fingerprint for n in (index, before, after))
    nearest = min(float(difference(own, earlier)), float(difference(own, later)))
    return nearest > CUT + 2 * float(difference(earlier, later))
