"""Plan which frames to decode as candidates for the key frames, from what is known of each shot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import numpy as np

from shared.media.video.frame_choice import NEAR_CUT_SEC, ROUNDING_SEC
from shared.media.video.frames import MeasuredFrame
from shared.media.video.packets import PacketIndex
from shared.models.video import Shot

_SOFT_SEC, _STRETCH_SEC, _MOST_STRETCH = 0.4, 0.4, 60
_ALMOST, _HARDLY = 0.9, 0.6
_SHARPER, _STILL_SHARE = 1.15, 0.5
_MOST_MORE = 90  # packets that may be decoded for a sharper picture


def plan_pictures(
    packets: PacketIndex,
    frames: Sequence[MeasuredFrame],
    chosen: Sequence[MeasuredFrame],
    shots: Sequence[Shot],
    scan: Mapping[int, Sequence[MeasuredFrame]],
) -> list[frozenset[int]]:
    """Return the ordinals among which to take the sharpest frame, in place of each frame that was chosen.

    They begin with the one that takes the least decoding among those almost as sharp in the same shot, and with the
    sharpest of several such. Where the `scan` shows a sharper picture soon after in the same shot and group, it is
    among them, too. Of a still picture to which something is added, such as the lines of a slide, they show the latest.
    """

    def cost(frame: MeasuredFrame) -> tuple[int, float]:
        """Return how many packets have to be decoded before a frame, and its sharpness, negative."""
        return frame.ordinal - packets.groups[packets.group_number(frame.ordinal)].start, -frame.sharpness

    shot_starts = [shot.start for shot in shots]
    times = np.array([frame.time for frame in frames])
    targets = []
    for frame in chosen:
        shot = shots[max(0, bisect_right(shot_starts, frame.time + ROUNDING_SEC) - 1)]
        edges = (shot.start + NEAR_CUT_SEC, shot.end - NEAR_CUT_SEC)
        first, last = (int(np.searchsorted(times, edge)) for edge in edges)
        usual = float(np.percentile([other.sharpness for other in frames[first:last]] or [0], 60))
        least = min(_ALMOST * frame.sharpness, max(usual, _HARDLY * frame.sharpness))
        sharp = [other for other in frames[first:last] if other.sharpness >= least]
        best = min(sharp, key=cost, default=frame)
        number = packets.group_number(best.ordinal)
        group = packets.groups[number]
        scanned = [
            other
            for other in scan.get(number, ())
            if shot.start + _SOFT_SEC <= other.time < shot.end - _SOFT_SEC and other.ordinal - best.ordinal < _MOST_MORE
        ]
        sharpest = max(scanned, key=lambda other: other.sharpness, default=best)
        later = [other for other in scanned if _is_still(packets, group, best, other)]
        if later:
            places = [later[-1]]
        elif sharpest.sharpness >= _SHARPER * best.sharpness:
            places = [best, sharpest]
        else:
            places = [best]
        targets.append(frozenset().union(*(_stretch(packets, group, place, edges[1]) for place in places)))
    return targets


def _is_still(packets: PacketIndex, group: range, frame: MeasuredFrame, later: MeasuredFrame) -> bool:
    """Return True if hardly anything but an addition is drawn from a frame to a later one, which is about as sharp."""
    drawn = packets.size[frame.ordinal + 1 : later.ordinal + 1].sum()
    return (
        frame.ordinal < later.ordinal
        and later.sharpness >= _ALMOST * frame.sharpness
        and bool(drawn <= _STILL_SHARE * packets.size[group.start])
    )


def _stretch(packets: PacketIndex, group: range, frame: MeasuredFrame, end: float) -> frozenset[int]:
    """Return the ordinals of a frame and of those shown soon after it, before `end`."""
    near = range(frame.ordinal, min(group.stop, frame.ordinal + _MOST_STRETCH))
    last = min(frame.time + _STRETCH_SEC, end)
    return frozenset(n for n in near if frame.time <= packets.time[n] <= last) | {frame.ordinal}
