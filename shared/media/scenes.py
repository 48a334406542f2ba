"""Finding the shots of a video from the looks of its frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.media.looks import Look
from shared.media.plan import Plan
from shared.media.signature import CUT, LUMA_CELLS, STRONG, difference
from shared.models.video import Shot

_TIMES_USUAL = 3.0
_WINDOW_SEC = 0.2
_MOST_ROWS = 16
_USUAL_FRAMES = 8
_SHORTEST_SHOT_SEC = 0.1

# Transitions are looked for in frames a tenth of a second apart: half a second to both sides, and three more of calm.
_TICKS, _HALF, _CALM = 10, 5, 8
_TIMES_UNREST = 4.0
_SOFT_SEC = 0.75
_DARK = 0.4


def find_shots(
    groups: Sequence[range], keys: Mapping[int, Look], seen: Mapping[int, Sequence[Look]], plan: Plan, duration: float
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
    for run in _runs(groups, keys, seen, plan):
        hard = hard_cuts(run)
        cuts.update(hard)
        cuts.update(soft for soft in soft_cuts(run) if all(abs(soft - cut) > _SOFT_SEC for cut in hard))
    cuts.update(keys[number].time for number in plan.taken if _agrees(keys, seen, number))
    edges = [0.0]
    for cut in sorted(cuts):
        if cut - edges[-1] >= _SHORTEST_SHOT_SEC and duration - cut >= _SHORTEST_SHOT_SEC:
            edges.append(cut)
    return [Shot(start=round(a, 3), end=round(b, 3)) for a, b in pairwise([*edges, max(duration, edges[-1])])]


def hard_cuts(looks: Sequence[Look]) -> list[float]:
    """Times at which a new shot starts, of frames that were decoded one after the other, in order of time.

    A cut is where every frame before differs from every one after it, by much more than frames do around there: a flash
    differs from its neighbours on both sides, but these are alike; motion differs everywhere.
    """
    if len(looks) < 2:
        return []
    time = np.array([look.time for look in looks])
    rows = np.array([look.signature for look in looks])
    steps = difference(rows[1:], rows[:-1])
    return [
        looks[last + 1].time
        for last in np.flatnonzero(steps >= CUT).tolist()
        if _gap(time, rows, last) >= max(CUT, _TIMES_USUAL * _usual(steps, last))
    ]


def soft_cuts(looks: Sequence[Look]) -> list[float]:
    """Times of dissolves and fades: within a second the picture becomes another one, between two calms.

    A fade has its cut where the picture is darkest, a dissolve where it is as far from the one side as from the other.
    """
    time = np.array([look.time for look in looks])
    ticks: list[int] = np.flatnonzero(np.diff(np.floor(time * _TICKS), prepend=-1)).tolist()
    if len(ticks) <= 2 * _CALM:
        return []
    rows = np.array([looks[index].signature for index in ticks])
    middle = np.arange(_CALM, len(ticks) - _CALM)
    change = difference(rows[middle - _HALF], rows[middle + _HALF])
    unrest = np.maximum(
        difference(rows[middle - _CALM], rows[middle - _HALF]), difference(rows[middle + _HALF], rows[middle + _CALM])
    )
    change[change < np.maximum(STRONG, _TIMES_UNREST * unrest)] = 0
    cuts = []
    while change.any():
        best = int(change.argmax())
        first, last = ticks[best + _CALM - _HALF], ticks[best + _CALM + _HALF]
        cuts.append(looks[first + _turn(np.array([look.signature for look in looks[first : last + 1]]))].time)
        change[max(0, best - 2 * _HALF) : best + 2 * _HALF + 1] = 0
    return sorted(cuts)


def _gap(time: NDArray[np.float64], rows: NDArray[np.uint8], last: int) -> float:
    """The least difference between a frame up to `last` and one after it, all within the window."""
    start = np.searchsorted(time, time[last] - _WINDOW_SEC, side="right")
    stop = np.searchsorted(time, time[last + 1] + _WINDOW_SEC, side="left")
    before, after = _few(rows[start : last + 1]), _few(rows[last + 1 : stop])
    return float(difference(before[:, None], after[None]).min())


def _few(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The rows, or some of them spread evenly when the frame rate is very high."""
    return rows[:: 1 + len(rows) // _MOST_ROWS]


def _usual(steps: NDArray[np.float64], index: int) -> float:
    around = np.r_[steps[max(0, index - _USUAL_FRAMES) : index], steps[index + 1 : index + 1 + _USUAL_FRAMES]]
    return float(np.median(around)) if len(around) else 0.0


def _turn(rows: NDArray[np.uint8]) -> int:
    """Index of the frame of a transition that starts the new shot."""
    light = rows[:, : LUMA_CELLS**2].mean(axis=1)
    if light.min() < _DARK * min(light[0], light[-1]):
        return int(light.argmin())
    return int((difference(rows, rows[-1]) < difference(rows, rows[0])).argmax())


def _runs(
    groups: Sequence[range], keys: Mapping[int, Look], seen: Mapping[int, Sequence[Look]], plan: Plan
) -> Iterator[list[Look]]:
    """Stretches of frames that were decoded one after the other, each up to the key frame of the group behind it."""
    run: list[Look] = []
    for number, looks in seen.items():
        run.extend(looks)
        whole = plan.stops[number] == groups[number].stop
        if whole and number + 1 in seen:
            continue
        if whole and number + 1 in keys:
            run.append(keys[number + 1])
        yield sorted(run, key=lambda look: look.time)
        run = []


def _agrees(keys: Mapping[int, Look], seen: Mapping[int, Sequence[Look]], number: int) -> bool:
    """Whether the frames behind a key frame, too, differ from the key frame before it: else it was but a flash."""
    before, start = keys[number - 1], keys[number].time
    behind = [look.signature for look in seen[number] if look.time - start < _WINDOW_SEC]
    return bool(behind) and float(difference(np.array(behind), before.signature).min()) >= STRONG
