"""Find the shots of a video by the differences of its frames' fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.media.video.decode_plan import DecodePlan
from shared.media.video.fingerprints import (
    CUT,
    STRONG,
    TimedFingerprint,
    difference,
    difference_after_shift,
    differences_between,
    fingerprint_rows,
    light_above_black,
    row_blocks,
)
from shared.media.video.slides import find_slide_changes
from shared.models.video import Shot

_TIMES_USUAL, _TIMES_BESIDE, _TIMES_STEP = 4.0, 2.0, 1.3
_WINDOW_SEC = 0.2
_MOST_FRAMES = 16
_USUAL_FRAMES = 8
_SHORTEST_SHOT_SEC = 0.1
# Dissolves are searched in frames 0.1 s apart: 0.2 to 0.4 s on both sides, and two calm frames beyond.
_TICKS, _HALVES, _CALM = 10, (2, 3, 4), 2
_MIXED_SHARE, _CALM_SHARE = 0.2, 0.5
_FADE_SEC = 0.7
_SOFT_SEC = 0.75
_DARK, _BLACK_SEC = 0.4, 1.0


def find_shots(
    groups: Sequence[range],
    keys: Mapping[int, TimedFingerprint],
    scan: Mapping[int, Sequence[TimedFingerprint]],
    group_frames: Mapping[int, Sequence[TimedFingerprint]],
    plan: DecodePlan,
    duration: float,
) -> list[Shot]:
    """Find the shots of a video, without gaps.

    Args:
        groups: The groups of pictures of the video.
        keys: The fingerprint of each group's key frame, by the number of the group.
        scan: The fingerprints of the frames of the groups that were scanned.
        group_frames: The fingerprints of the frames of the groups that were decoded further.
        plan: The plan by which they were decoded.
        duration: Duration of the video in seconds.
    """
    cuts = set(plan.cuts)
    for run, earlier, later in _frame_runs(groups, keys, scan, group_frames, plan):
        hard = hard_cuts(run, earlier, later)
        cuts.update(hard)
        cuts.update(run[index].time for index in find_slide_changes(run))
        known = [*hard, *plan.cuts]
        cuts.update(soft for soft in soft_cuts(run) if all(abs(soft - cut) > _SOFT_SEC for cut in known))
    cuts.update(
        keys[number].time
        for number, least in plan.shot_starts.items()
        if _difference_at_key(keys, {**scan, **group_frames}, number) >= least
    )
    edges = [0.0]
    for cut in sorted(cuts):
        if cut - edges[-1] >= _SHORTEST_SHOT_SEC and duration - cut >= _SHORTEST_SHOT_SEC:
            edges.append(cut)
    return [Shot(start=round(a, 3), end=round(b, 3)) for a, b in pairwise([*edges, max(duration, edges[-1])])]


def hard_cuts(
    frames: Sequence[TimedFingerprint], earlier: TimedFingerprint | None = None, later: TimedFingerprint | None = None
) -> list[float]:
    """Return the times at which a new shot starts in consecutive frames, in order of time.

    `earlier` and `later` are optional frames from some time before and after: they distinguish a flash at the very
    start or end from a cut.

    At a cut, every frame before differs from every frame after it, by much more than frames around it do. A flash
    differs from its neighbours, but these are alike; motion and fades last for more than one step.
    """
    if len(frames) < 2:
        return []
    time = np.array([frame.time for frame in frames])
    steps, seconds = differences_between(frames), np.maximum(np.diff(time), 1e-6)
    starts = [
        last + 1
        for last in np.flatnonzero(steps >= CUT).tolist()
        if _gap(time, frames, last, earlier, later) >= max(CUT, _least_cut(steps, seconds, last))
    ]
    return [frames[start].time for start in _merge_black_cuts(starts, frames)]


def soft_cuts(frames: Sequence[TimedFingerprint]) -> list[float]:
    """Return the times of dissolves and fades, at which the picture changes within a second.

    The cut of a fade is where the picture is darkest. In the middle of a dissolve, the picture is the mean of those
    before and after it, which no moving camera makes; and it changes faster than on both sides.
    """
    time = np.array([frame.time for frame in frames])
    ticks: list[int] = np.flatnonzero(np.diff(np.floor(time * _TICKS), prepend=-1)).tolist()
    if len(ticks) <= 2 * _HALVES[0] + 2 * _CALM:
        return []
    contrast = np.zeros(len(ticks))
    overlap, start = 2 * (max(_HALVES) + _CALM), 0
    for rows in row_blocks([frames[index] for index in ticks], overlap):
        block = slice(start, start + len(rows))
        contrast[block] = np.maximum(contrast[block], _dissolve_contrast(rows))
        start = block.stop - overlap
    cuts = [float(time[index]) for index in _fades(time, light_above_black(frames))]
    while contrast.any():
        best = int(contrast.argmax())
        at = float(time[ticks[best]])
        if all(abs(at - cut) > _SOFT_SEC for cut in cuts):
            cuts.append(at)
        contrast[max(0, best - _TICKS) : best + _TICKS + 1] = 0
    return sorted(cuts)


def _dissolve_contrast(rows: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how much changes in the dissolve around each of the rows, at equal distances in time; 0 without one."""
    contrast = np.zeros(len(rows))
    steps = difference(rows[1:], rows[:-1])
    for half in _HALVES:
        middle = np.arange(half + _CALM, len(rows) - half - _CALM)
        if not len(middle):
            break
        before, after = rows[middle - half], rows[middle + half]
        change = difference(before, after)
        mean = ((before.astype(np.uint16) + after) // 2).astype(np.uint8)
        unrest = np.max([steps[middle + side] for n in range(_CALM) for side in (half + n, -half - 1 - n)], axis=0)
        is_mixed = (difference(rows[middle], mean) <= _MIXED_SHARE * change) & (
            unrest <= _CALM_SHARE * change / (2 * half)
        )
        found = np.where(is_mixed & (change >= STRONG), change, 0)
        contrast[middle] = np.maximum(contrast[middle], found)
    return contrast


def _fades(time: NDArray[np.float64], light: NDArray[np.float64]) -> list[int]:
    """Return the indexes of the frames that are darkest between two brighter ones, into and out of which it fades."""
    fades = []
    for index in _local_minima(light):
        start, stop = (int(np.searchsorted(time, time[index] + side * _FADE_SEC)) for side in (-1, 1))
        sides = light[start : index + 1], light[index:stop]
        if light[index] >= _DARK * min(side.max() for side in sides):
            continue
        # A picture that is black for a moment has no frames between dark and bright.
        if all(np.count_nonzero((side > 1.2 * light[index] + 2) & (side < 0.85 * side.max())) >= 2 for side in sides):
            fades.append(index)
    return fades


def _local_minima(light: NDArray[np.float64]) -> list[int]:
    """Return the first index of every stretch that is darker than what is beside it."""
    changes = np.flatnonzero(np.diff(light, prepend=np.inf))
    levels = light[changes]
    is_lower = (levels < np.r_[np.inf, levels[:-1]]) & (levels < np.r_[levels[1:], np.inf])
    return [int(index) for index in changes[is_lower]]


def _gap(
    time: NDArray[np.float64],
    frames: Sequence[TimedFingerprint],
    last: int,
    earlier: TimedFingerprint | None,
    later: TimedFingerprint | None,
) -> float:
    """Return the least difference between a frame up to `last` and one after it, within the window."""
    start = int(np.searchsorted(time, time[last] - _WINDOW_SEC, side="right"))
    stop = int(np.searchsorted(time, time[last + 1] + _WINDOW_SEC, side="left"))
    before, after = (fingerprint_rows(_thin_out(side)) for side in (frames[start : last + 1], frames[last + 1 : stop]))
    if start == 0 and earlier is not None:
        before = np.vstack([before, earlier.fingerprint])
    if stop == len(frames) and later is not None:
        after = np.vstack([after, later.fingerprint])
    return float(difference(before[:, None], after[None]).min())


def _merge_black_cuts(starts: list[int], frames: Sequence[TimedFingerprint]) -> list[int]:
    """Merge the two cuts around a short black stretch into one, where it is darkest."""
    merged: list[int] = []
    for start in starts:
        before = merged[-1] if merged else start
        if before < start and frames[start].time - frames[before].time < _BLACK_SEC:
            light = light_above_black(frames[before - 1 : start + 1])
            darkest = 1 + int(light[1:-1].argmin())
            if light[darkest] < _DARK * min(light[0], light[-1]):
                merged[-1] = before - 1 + darkest
                continue
        merged.append(start)
    return merged


def _thin_out(frames: Sequence[TimedFingerprint]) -> Sequence[TimedFingerprint]:
    """Return the frames, or an even selection of them at very high frame rates."""
    return frames[:: 1 + len(frames) // _MOST_FRAMES]


def _least_cut(steps: NDArray[np.float64], seconds: NDArray[np.float64], index: int) -> float:
    """Return what a cut at a step must exceed: multiples of the median change around it and of the steps beside it.

    Steps of unequal length are compared by speed; but a quick turn of the camera changes a picture no more in a long
    step than in a short one, so a cut must exceed the steps beside it, too.
    """
    near = range(max(0, index - _USUAL_FRAMES), min(len(steps), index + 1 + _USUAL_FRAMES))
    around = [n for n in near if n != index]
    beside = [n for n in around if abs(n - index) == 1]
    if not around:
        return 0.0
    speed = steps / seconds
    least = max(_TIMES_USUAL * float(np.median(speed[around])), _TIMES_BESIDE * float(speed[beside].max()))
    return max(least * float(seconds[index]), _TIMES_STEP * float(steps[beside].max()))


def _frame_runs(
    groups: Sequence[range],
    keys: Mapping[int, TimedFingerprint],
    scan: Mapping[int, Sequence[TimedFingerprint]],
    group_frames: Mapping[int, Sequence[TimedFingerprint]],
    plan: DecodePlan,
) -> Iterator[tuple[list[TimedFingerprint], TimedFingerprint | None, TimedFingerprint | None]]:
    """Yield runs of consecutive decoded frames, each up to the key frame of the group after it.

    Each comes with the last frame that was scanned before it and, if it ends within a group, that of the next.
    """
    run: list[TimedFingerprint] = []
    earlier: TimedFingerprint | None = None
    for number, frames in group_frames.items():
        earlier = earlier if run else (scan[number - 1][-1] if scan.get(number - 1) else keys.get(number - 1))
        run.extend(frames)
        is_complete = plan.stops[number] == groups[number].stop
        if is_complete and number + 1 in group_frames:
            continue
        following = keys.get(number + 1)
        if is_complete and following:
            run.append(following)
        yield sorted(run, key=lambda frame: frame.time), earlier, None if is_complete else following
        run = []


def _difference_at_key(
    keys: Mapping[int, TimedFingerprint], group_frames: Mapping[int, Sequence[TimedFingerprint]], number: int
) -> float:
    """Return the least difference of the frames from a key frame on to the last one before it.

    It is small at a flash, and where the camera only moved before it.
    """
    earlier = [*group_frames.get(number - 1, ()), *([keys[number - 1]] if number - 1 in keys else [])]
    if number not in keys or not earlier:
        return 0.0
    before = max(earlier, key=lambda frame: frame.time).fingerprint
    start = keys[number].time
    behind = [frame.fingerprint for frame in group_frames.get(number, ()) if frame.time - start < _WINDOW_SEC]
    plain = float(difference(np.array([keys[number].fingerprint, *behind]), before).min())
    return min(plain, difference_after_shift(behind[-1], before)) if behind else plain
