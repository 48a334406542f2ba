"""Find the shots of a video by the differences of its frames' fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.media.video.decode_plan import DecodePlan
from shared.media.video.frames import CUT, LUMA_CELLS, STRONG, TimedFingerprint, difference
from shared.models.video import Shot

_TIMES_USUAL, _TIMES_BESIDE = 3.0, 2.0
_WINDOW_SEC = 0.2
_MOST_ROWS = 16
_USUAL_FRAMES = 8
_SHORTEST_SHOT_SEC = 0.1
# Transitions are searched in frames 0.1 s apart: 0.5 s on both sides, and 0.3 s without change beyond.
_TICKS, _HALF, _CALM = 10, 5, 8
_TIMES_UNREST = 4.0
_SOFT_SEC = 0.75
_BLACK, _DARK, _BLACK_SEC = 16, 0.4, 1.0


def find_shots(
    groups: Sequence[range],
    keys: Mapping[int, TimedFingerprint],
    group_frames: Mapping[int, Sequence[TimedFingerprint]],
    plan: DecodePlan,
    duration: float,
) -> list[Shot]:
    """Find the shots of a video, without gaps.

    Args:
        groups: The groups of pictures of the video.
        keys: The fingerprint of each group's key frame, by the number of the group.
        group_frames: The fingerprints of the frames of the groups that were decoded further.
        plan: The plan by which they were decoded.
        duration: Duration of the video in seconds.
    """
    cuts: set[float] = set()
    for run, earlier, later in _frame_runs(groups, keys, group_frames, plan):
        hard = hard_cuts(run, earlier, later)
        cuts.update(hard)
        cuts.update(soft for soft in soft_cuts(run) if all(abs(soft - cut) > _SOFT_SEC for cut in hard))
    cuts.update(keys[number].time for number in plan.shot_starts if _is_cut_confirmed(keys, group_frames, number))
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
    rows = np.array([frame.fingerprint for frame in frames])
    steps, seconds = difference(rows[1:], rows[:-1]), np.maximum(np.diff(time), 1e-6)
    starts = [
        last + 1
        for last in np.flatnonzero(steps >= CUT).tolist()
        if _gap(time, rows, last, earlier, later) >= max(CUT, _least_cut_speed(steps / seconds, last) * seconds[last])
    ]
    return [frames[start].time for start in _merge_black_cuts(starts, time, rows)]


def soft_cuts(frames: Sequence[TimedFingerprint]) -> list[float]:
    """Return the times of dissolves and fades: the picture changes within a second, and is stable before and after.

    The cut of a fade is where the picture is darkest; of a dissolve, where it differs equally from both sides.
    """
    time = np.array([frame.time for frame in frames])
    ticks: list[int] = np.flatnonzero(np.diff(np.floor(time * _TICKS), prepend=-1)).tolist()
    if len(ticks) <= 2 * _CALM:
        return []
    rows = np.array([frames[index].fingerprint for index in ticks])
    middle = np.arange(_CALM, len(ticks) - _CALM)
    change = difference(rows[middle - _HALF], rows[middle + _HALF])
    unrest = np.max(
        [
            difference(rows[middle + side * _HALF], rows[middle + side * further])
            for side in (-1, 1)
            for further in range(_HALF + 1, _CALM + 1)
        ],
        axis=0,
    )
    change[change < np.maximum(STRONG, _TIMES_UNREST * unrest)] = 0
    cuts = []
    while change.any():
        best = int(change.argmax())
        first, last = ticks[best + _CALM - _HALF], ticks[best + _CALM + _HALF]
        cuts.append(
            frames[first + _transition_index(np.array([frame.fingerprint for frame in frames[first : last + 1]]))].time
        )
        change[max(0, best - 2 * _HALF) : best + 2 * _HALF + 1] = 0
    return sorted(cuts)


def _gap(
    time: NDArray[np.float64],
    rows: NDArray[np.uint8],
    last: int,
    earlier: TimedFingerprint | None,
    later: TimedFingerprint | None,
) -> float:
    """Return the least difference between a frame up to `last` and one after it, within the window."""
    start = int(np.searchsorted(time, time[last] - _WINDOW_SEC, side="right"))
    stop = int(np.searchsorted(time, time[last + 1] + _WINDOW_SEC, side="left"))
    before, after = _thin_rows(rows[start : last + 1]), _thin_rows(rows[last + 1 : stop])
    if start == 0 and earlier is not None:
        before = np.vstack([before, earlier.fingerprint])
    if stop == len(rows) and later is not None:
        after = np.vstack([after, later.fingerprint])
    return float(difference(before[:, None], after[None]).min())


def _merge_black_cuts(starts: list[int], time: NDArray[np.float64], rows: NDArray[np.uint8]) -> list[int]:
    """Merge the two cuts around a short black stretch into one, where it is darkest."""
    light = _brightness(rows)
    merged: list[int] = []
    for start in starts:
        before = merged[-1] if merged else start
        if before < start and time[start] - time[before] < _BLACK_SEC:
            darkest = before + int(light[before:start].argmin())
            if light[darkest] < _DARK * min(light[before - 1], light[start]):
                merged[-1] = darkest
                continue
        merged.append(start)
    return merged


def _brightness(rows: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean luma above black."""
    return np.asarray(np.maximum(rows[:, : LUMA_CELLS**2].mean(axis=1) - _BLACK, 0))


def _thin_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the rows, or an even selection of them at very high frame rates."""
    return rows[:: 1 + len(rows) // _MOST_ROWS]


def _least_cut_speed(speeds: NDArray[np.float64], index: int) -> float:
    """Return the speed of change that a cut must exceed: a multiple of the median around it and of those beside it."""
    around = np.r_[speeds[max(0, index - _USUAL_FRAMES) : index], speeds[index + 1 : index + 1 + _USUAL_FRAMES]]
    beside = np.r_[speeds[max(0, index - 1) : index], speeds[index + 1 : index + 2]]
    return max(_TIMES_USUAL * float(np.median(around)), _TIMES_BESIDE * float(beside.max())) if len(around) else 0.0


def _transition_index(rows: NDArray[np.uint8]) -> int:
    """Return the index of the frame within a transition that starts the new shot."""
    light = _brightness(rows)
    if light.min() < _DARK * min(light[0], light[-1]):
        return int(light.argmin())
    return 1 + int(np.flatnonzero(difference(rows, rows[0]) <= difference(rows, rows[-1]))[-1])


def _frame_runs(
    groups: Sequence[range],
    keys: Mapping[int, TimedFingerprint],
    group_frames: Mapping[int, Sequence[TimedFingerprint]],
    plan: DecodePlan,
) -> Iterator[tuple[list[TimedFingerprint], TimedFingerprint | None, TimedFingerprint | None]]:
    """Yield runs of consecutive decoded frames, each up to the key frame of the group after it.

    Each comes with the key frame of the group before it and, if it ends within a group, that of the next.
    """
    run: list[TimedFingerprint] = []
    earlier: TimedFingerprint | None = None
    for number, frames in group_frames.items():
        earlier = earlier if run else keys.get(number - 1)
        run.extend(frames)
        is_complete = plan.stops[number] == groups[number].stop
        if is_complete and number + 1 in group_frames:
            continue
        following = keys.get(number + 1)
        if is_complete and following:
            run.append(following)
        yield sorted(run, key=lambda frame: frame.time), earlier, None if is_complete else following
        run = []


def _is_cut_confirmed(
    keys: Mapping[int, TimedFingerprint], group_frames: Mapping[int, Sequence[TimedFingerprint]], number: int
) -> bool:
    """Return True if the frames after a key frame also differ from the key frame before; else it is only a flash."""
    before, start = keys[number - 1], keys[number].time
    behind = [frame.fingerprint for frame in group_frames[number] if frame.time - start < _WINDOW_SEC]
    return bool(behind) and float(difference(np.array(behind), before.fingerprint).min()) >= STRONG
