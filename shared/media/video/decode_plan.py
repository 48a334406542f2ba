"""Plan which stretches of a video to decode further, from packet sizes and key frames alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.media.video.frame_choice import choose_samples, has_same_text
from shared.media.video.frames import (
    CUT,
    LUMA_CELLS,
    STRONG,
    MeasuredFrame,
    Picture,
    difference,
    difference_after_shift,
)
from shared.media.video.packets import PacketIndex, PacketSpan
from shared.models.video import Shot

_SURGE, _SHARE_OF_KEY = 2.1, 0.06
_LIKE_KEY_SURGE, _LIKE_KEY_SHARE = 1.4, 0.6
_CAPTION_SURGE, _CAPTION_SHARE_OF_KEY = 2.0, 0.01
_CALM_SHARE, _STATIC_SHARE = 0.25, 0.15
_TAIL = 8
_HARDLY_CHANGED, _LARGE_SHARE_OF_KEY, _TIMES_STEADY = 0.8, 0.15, 1.5
_LONG_SEC, _HEAD_SEC = 2.0, 1.0
_SWELL_SEC, _BEYOND_SEC = 0.25, 0.6
_NEAR_CUT_SEC, _STRETCH_SEC, _MOST_STRETCH = 0.15, 0.4, 60
_ALMOST, _HARDLY = 0.9, 0.6
_ROUNDING_SEC = 0.001
_UNSTEADY = 12.0
_PREDICTED_SHARE = 0.6
_SAMPLE_STEPS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 30.0)


@dataclass
class DecodePlan:
    """What to decode of each group of pictures; groups are referred to by number.

    Attributes:
        stops: The ordinal up to which to decode a group; groups that are missing here are not decoded.
        exact: Ordinals to decode although no other frame refers to them.
        shot_starts: Groups whose key frame starts a shot if it and the frames after it differ from the last frame
            decoded before by at least this.
        sample_step: Seconds between samples within the decoded stretches.
    """

    stops: dict[int, int] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)
    shot_starts: dict[int, float] = field(default_factory=dict)
    sample_step: float = float("inf")

    def decode_until(self, number: int, stop: int) -> None:
        self.stops[number] = max(stop, self.stops.get(number, 0))

    def spans(self, groups: list[range]) -> dict[int, PacketSpan]:
        """Return the span to decode of each group, by its number."""
        return {
            number: PacketSpan(groups[number].start, stop, frozenset(self.exact.intersection(groups[number])))
            for number, stop in sorted(self.stops.items())
        }


def plan_shots(packets: PacketIndex, keys: Mapping[int, Picture]) -> DecodePlan:
    """Plan where cuts may be, by packet sizes and the key frames (by group) before and after them.

    A picture that could not be predicted makes a packet surge above those around it. Without such a surge and with
    similar key frames, nothing happens. All of a group is decoded whose key frame could not be, and all of the last.
    """
    plan = DecodePlan()
    groups = packets.groups
    changes = [_group_change(keys.get(number), keys.get(number + 1)) for number in range(len(groups))]
    for number, group in enumerate(groups):
        change = changes[number]
        like_keys = _find_surges(packets, group, _LIKE_KEY_SURGE, _LIKE_KEY_SHARE)
        surges = sorted({*like_keys, *_find_surges(packets, group, _SURGE, _SHARE_OF_KEY)})
        if change >= _HARDLY_CHANGED * CUT:
            surges = sorted({*surges, *_inner_keys(packets, group)})
        elif _group_seconds(packets, group) <= _LONG_SEC:
            # The picture would have to change twice, and much, to look the same at both ends.
            large = _find_surges(packets, group, _SURGE, _LARGE_SHARE_OF_KEY)
            surges = large if len(large) > 1 else []
        for surge in surges:
            behind = range(surge, min(surge + _TAIL, group.stop))
            plan.exact.update(ordinal for ordinal in behind if packets.time[ordinal] <= packets.time[surge])
        is_open = number + 1 == len(groups)  # no key frame shows how it ends
        if is_open or number not in keys or _is_hardly_predicted(packets, group):
            plan.decode_until(number, group.stop)
        elif surges:
            plan.decode_until(number, min(group.stop, surges[-1] + _TAIL))
            _plan_swell(plan, packets, number, surges)
        else:
            around = changes[max(0, number - 2) : number] + changes[number + 1 : number + 3]
            is_steady = change < _TIMES_STEADY * float(np.median(around or [0.0]))
            _plan_change(plan, packets, number, change, group.start, is_steady=is_steady)
    _plan_confirmations(plan, packets)
    return plan


def plan_rest(
    plan: DecodePlan,
    packets: PacketIndex,
    keys: Mapping[int, Picture],
    group_frames: Mapping[int, Sequence[MeasuredFrame]],
) -> DecodePlan:
    """Return what to decode in addition, once the stretches of a plan were: rests of groups that end differently.

    The confirmed shots of `plan` are extended.
    """
    rest = DecodePlan(exact=plan.exact)
    groups = packets.groups
    for number in [*plan.shot_starts]:
        behind = group_frames.get(number, ())
        if (
            number in keys and behind and abs(_light(behind[-1]) - _light(keys[number])) >= _UNSTEADY
        ):  # a flash, or a fade
            del plan.shot_starts[number]
            rest.decode_until(number - 1, groups[number - 1].stop)
    for number, frames in group_frames.items():
        stop = plan.stops[number]
        is_planned = number + 1 in plan.shot_starts or number in rest.stops
        if stop < groups[number].stop and frames and not is_planned:
            change = _group_change(max(frames, key=lambda frame: frame.time), keys.get(number + 1))
            _plan_change(rest, packets, number, change, stop - 1)
    plan.shot_starts.update(rest.shot_starts)
    _plan_confirmations(rest, packets)
    for number, stop in [*rest.stops.items()]:
        if stop <= plan.stops.get(number, 0):
            del rest.stops[number]
    for number, stop in rest.stops.items():
        plan.decode_until(number, stop)
    return rest


def _plan_swell(plan: DecodePlan, packets: PacketIndex, number: int, surges: Sequence[int]) -> None:
    """Where packets surge several times in a row, something changes gradually: plan for what is around it, too."""
    times = packets.time[list(surges)]
    swelling = np.flatnonzero(np.diff(times) <= _SWELL_SEC)
    if not len(swelling):
        return
    group = packets.groups[number]
    until = float(times[swelling[-1] + 1]) + _BEYOND_SEC
    plan.decode_until(number, _stop_after_time(packets, group, until))
    if times[swelling[0]] - _BEYOND_SEC < packets.time[group.start] and number > 0:
        before = packets.groups[number - 1]
        if _group_seconds(packets, before) <= _LONG_SEC:
            plan.decode_until(number - 1, before.stop)
    if number + 1 < len(packets.groups):
        after = packets.groups[number + 1]
        if packets.time[after.start] < until:
            plan.decode_until(number + 1, _stop_after_time(packets, after, until))


def _plan_change(
    plan: DecodePlan, packets: PacketIndex, number: int, change: float, since: int, *, is_steady: bool = False
) -> None:
    """Plan for a change between a frame of a group and the next key frame, without a surge between them.

    It is a cut at the key frame if the packets since then are too few bytes to draw it, or if a very different picture
    breaks the encoder's rhythm after calm packets. Else the camera moved, or something changed slowly; where the groups
    around change as much (`is_steady`), it is the camera.
    """
    group = packets.groups[number]
    is_early = number + 1 < len(packets.groups) and abs(len(group) - packets.usual_group_length) > 1
    if change < CUT:
        return
    is_long = _group_seconds(packets, group) > _LONG_SEC  # else decoding it costs little, and tells more
    if is_long and _is_static(packets, group, since):
        plan.shot_starts[number + 1] = CUT
    elif is_long and is_early and change >= STRONG and _has_calm_end(packets, group):
        plan.shot_starts[number + 1] = _ALMOST * STRONG
    elif is_early or (not is_steady and change >= CUT + (STRONG - CUT) * min(1.0, _group_seconds(packets, group))):
        plan.decode_until(number, group.stop)


def _plan_confirmations(plan: DecodePlan, packets: PacketIndex) -> None:
    for number in plan.shot_starts:
        if number < len(packets.groups):
            group = packets.groups[number]
            plan.decode_until(number, min(group.stop, group.start + _TAIL))


def plan_pictures(
    packets: PacketIndex, frames: Sequence[MeasuredFrame], chosen: Sequence[MeasuredFrame], shots: Sequence[Shot]
) -> list[frozenset[int]]:
    """Return the ordinals among which to take the sharpest frame, in place of each frame that was chosen.

    They begin with the one that takes the least decoding among those almost as sharp in the same shot.
    """
    starts = [group.start for group in packets.groups]
    shot_starts = [shot.start for shot in shots]
    times = np.array([frame.time for frame in frames])
    targets = []
    for frame in chosen:
        shot = shots[max(0, bisect_right(shot_starts, frame.time + _ROUNDING_SEC) - 1)]
        edges = (shot.start + _NEAR_CUT_SEC, shot.end - _NEAR_CUT_SEC)
        first, last = (int(np.searchsorted(times, edge)) for edge in edges)
        usual = float(np.percentile([other.sharpness for other in frames[first:last]] or [0], 60))
        least = min(_ALMOST * frame.sharpness, max(usual, _HARDLY * frame.sharpness))
        sharp = [other for other in frames[first:last] if other.sharpness >= least]
        depths = [other.ordinal - starts[bisect_right(starts, other.ordinal) - 1] for other in sharp]
        best = sharp[int(np.argmin(depths))] if sharp else frame
        group = packets.groups[bisect_right(starts, best.ordinal) - 1]
        near = range(best.ordinal, min(group.stop, best.ordinal + _MOST_STRETCH))
        end = min(best.time + _STRETCH_SEC, edges[1])
        targets.append(frozenset(n for n in near if best.time <= packets.time[n] <= end) | {best.ordinal})
    return targets


def plan_samples(plan: DecodePlan, packets: PacketIndex, keys: Mapping[int, Picture], most: int) -> None:
    """Add the stretches to decode for samples.

    Key frames are samples already. Where two of them differ, text may have changed between them, so frames between are
    sampled as densely as `most` allows: at best every half second, so that text shown for a second appears twice.
    """
    groups = packets.groups
    changing = [number for number in range(len(groups)) if _has_text_change(packets, keys, number)]
    room = most + most // 4 - len(choose_samples([keys[number] for number in sorted(keys)], most))
    for step in _SAMPLE_STEPS:
        plan.sample_step = step
        between = {number: int(_group_seconds(packets, groups[number]) / step - 0.25) for number in changing}
        if sum(between.values()) <= room:
            break
    for number, count in between.items():
        if count:
            last = packets.time[groups[number].start] + count * plan.sample_step
            plan.decode_until(number, _stop_after_time(packets, groups[number], last))


def _group_seconds(packets: PacketIndex, group: range) -> float:
    return float(packets.time[group.start : group.stop].max() - packets.time[group.start])


def _stop_after_time(packets: PacketIndex, group: range, time: float) -> int:
    """Return the ordinal up to which to decode to get a frame at or after `time`."""
    later = np.flatnonzero(packets.time[group.start : group.stop] >= time)
    return group.start + int(later[0]) + 1 if len(later) else group.stop


def _group_change(frame: MeasuredFrame | None, key: MeasuredFrame | None) -> float:
    """Return the difference of a frame and the next key frame, ignoring camera moves; `CUT` if one is missing."""
    if frame is None or key is None:
        return CUT
    plain = float(difference(frame.fingerprint, key.fingerprint))
    return plain if plain < CUT else difference_after_shift(frame.fingerprint, key.fingerprint)


def _light(frame: MeasuredFrame) -> float:
    return float(frame.fingerprint[: LUMA_CELLS**2].mean())


def _find_surges(packets: PacketIndex, group: range, least: float, share_of_key: float) -> list[int]:
    within = slice(group.start, group.stop)
    large = packets.size[within] >= share_of_key * packets.size[group.start]
    return [group.start + index for index in np.flatnonzero(large & (packets.surge[within] >= least)).tolist()]


def _inner_keys(packets: PacketIndex, group: range) -> list[int]:
    """Return key frames inside a group, which encoders put at cuts; none if there are many."""
    inner = (np.flatnonzero(packets.key[group.start + 1 : group.stop]) + group.start + 1).tolist()
    return inner if len(inner) <= len(group) // 4 else []


def _has_calm_end(packets: PacketIndex, group: range) -> bool:
    tail = packets.size[max(group.start + 1, group.stop - _TAIL) : group.stop]
    return len(tail) > 0 and bool(np.median(tail) <= _CALM_SHARE * packets.size[group.start])


def _is_hardly_predicted(packets: PacketIndex, group: range) -> bool:
    """Return True if packets tell nothing since all are large, as those of animations are."""
    predicted = packets.size[group.start : group.stop][~packets.key[group.start : group.stop]]
    return len(predicted) > 0 and bool(np.median(predicted) >= _PREDICTED_SHARE * packets.size[group.start])


def _is_static(packets: PacketIndex, group: range, since: int) -> bool:
    """Return True if what follows in a group after an ordinal is too little to draw the next key frame."""
    follows = float(packets.size[since + 1 : group.stop].sum())
    return group.stop < len(packets.size) and follows <= _STATIC_SHARE * float(packets.size[group.stop])


def _has_text_change(packets: PacketIndex, keys: Mapping[int, Picture], number: int) -> bool:
    """Return True if a caption may have appeared or disappeared between a key frame and the next.

    A caption shown for a second is on a key frame if these come every second; in longer groups it makes a small surge.
    """
    if number not in keys or number + 1 not in keys or not has_same_text(keys[number].luma, keys[number + 1].luma):
        return True
    group = packets.groups[number]
    return _group_seconds(packets, group) > _HEAD_SEC and bool(
        _find_surges(packets, group, _CAPTION_SURGE, _CAPTION_SHARE_OF_KEY)
    )
