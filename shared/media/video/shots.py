"""Finding the shots of a video from the looks of its frames."""

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
# Transitions are looked for in frames a tenth of a second apart: half a second to both sides, and three more of calm.
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
    """The shots of a video, without gaps.

    Args:
        groups: The groups of pictures of the video.
        keys: What the key frame of each group looks like, by the number of the group.
        seen: What the frames look like of the groups that were decoded further.
        plan: By which that was done.
        duration: Of the video, in seconds.
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
    """Times at which a new shot starts, of frames that were decoded one after the other, in order of time.

    `earlier` and `later` are frames from some time before and after them, if any are known: they tell a flash at the
    very start or end from a cut.

    A cut is where every frame before differs from every one after it, by much more than frames do around there: a flash
    differs from its neighbours on both sides, but these are alike; motion and fades go on for more than one step.
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
    """Times of dissolves and fades: within a second the picture becomes another one, between two calms.

    A fade has its cut where the picture is darkest, a dissolve where it is as far from the one side as from the other.
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
    """The least difference between a frame up to `last` and one after it, all within the window."""
    start = int(np.searchsorted(time, time[last] - _WINDOW_SEC, side="right"))
    stop = int(np.searchsorted(time, time[last + 1] + _WINDOW_SEC, side="left"))
    before, after = _thin_rows(rows[start : last + 1]), _thin_rows(rows[last + 1 : stop])
    if start == 0 and earlier is not None:
        before = np.vstack([before, earlier.fingerprint])
    if stop == len(rows) and later is not None:
        after = np.vstack([after, later.fingerprint])
    return float(difference(before[:, None], after[None]).min())


def _merge_black_cuts(starts: list[int], time: NDArray[np.float64], rows: NDArray[np.uint8]) -> list[int]:
    """The starts of shots, with a short one that goes through black made one cut, where it is darkest."""
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
    """Mean luma above black."""
    return np.asarray(np.maximum(rows[:, : LUMA_CELLS**2].mean(axis=1) - _BLACK, 0))


def _thin_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The rows, or some of them spread evenly when the frame rate is very high."""
    return rows[:: 1 + len(rows) // _MOST_ROWS]


def _least_cut_speed(speeds: NDArray[np.float64], index: int) -> float:
    """The speed of change that a cut must surpass: a few times the usual one around it, and those right beside it."""
    around = np.r_[speeds[max(0, index - _USUAL_FRAMES) : index], speeds[index + 1 : index + 1 + _USUAL_FRAMES]]
    beside = np.r_[speeds[max(0, index - 1) : index], speeds[index + 1 : index + 2]]
    return max(_TIMES_USUAL * float(np.median(around)), _TIMES_BESIDE * float(beside.max())) if len(around) else 0.0


def _transition_index(rows: NDArray[np.uint8]) -> int:
    """Index of the frame of a transition that starts the new shot."""
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
    """Stretches of frames that were decoded one after the other, each up to the key frame of the group behind it.

    With each come the key frame of the group before it and, if it breaks off within a group, that of the next.
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
    """Whether the frames behind a key frame, too, differ from the key frame before it: else it was but a flash."""
    before, start = keys[number - 1], keys[number].time
    behind = [frame.fingerprint for frame in group_frames[number] if frame.time - start < _WINDOW_SEC]
    return bool(behind) and float(difference(np.array(behind), before.fingerprint).min()) >= STRONG
