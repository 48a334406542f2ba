"""Plan which stretches of a video to decode further, from packet sizes and key frames alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.media.video.fingerprints import CUT, STRONG, brightness, difference, difference_after_shift
from shared.media.video.frames import MeasuredFrame, Picture
from shared.media.video.packets import PacketIndex, PacketSpan
from shared.media.video.scanned_dissolves import Dissolve, find_dissolves
from shared.media.video.slides import find_slide_changes
from shared.media.video.surge_scan import (
    HEAD,
    find_scanned_cuts,
    find_surges,
    frames_up_to,
    is_scanned,
    scan_head,
    select_surges,
)

_SURGE = 2.1
_CALM_SHARE, _STATIC_SHARE, _HEADER_BYTES = 0.25, 0.15, 64
_HARDLY_CHANGED, _LARGE_SHARE_OF_KEY, _TIMES_STEADY = 0.8, 0.15, 1.5
_LONG_SEC = 2.0
_SWELL_SEC, _BEYOND_SEC = 0.25, 0.6
_ALMOST = 0.9
_UNSTEADY = 12.0
_LAST_PACKETS, _RISE, _SHARE_OF_KEY = 14, 1.8, 0.1
_PREDICTED_SHARE = 0.6


@dataclass
class DecodePlan:
    """What to decode of each group of pictures; groups are referred to by number.

    Attributes:
        stops: The ordinal up to which to decode a group; groups that are missing here are not decoded.
        exact: Ordinals to decode although no other frame refers to them.
        shot_starts: Groups whose key frame starts a shot if it and the frames after it differ from the last frame
            decoded before by at least this.
        cuts: Times at which the scan found a cut.
        decided: Groups in which the scan found all cuts there are.
        sample_step: Seconds between samples within the decoded stretches.
    """

    stops: dict[int, int] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)
    shot_starts: dict[int, float] = field(default_factory=dict)
    cuts: list[float] = field(default_factory=list)
    decided: set[int] = field(default_factory=set)
    sample_step: float = float("inf")

    def decode_until(self, number: int, stop: int) -> None:
        self.stops[number] = max(stop, self.stops.get(number, 0))

    def spans(self, groups: list[range]) -> dict[int, PacketSpan]:
        """Return the span to decode of each group, by its number."""
        return {
            number: PacketSpan(groups[number].start, stop, frozenset(self.exact.intersection(groups[number])))
            for number, stop in sorted(self.stops.items())
        }


def plan_shots(
    packets: PacketIndex, keys: Mapping[int, Picture], scan: Mapping[int, Sequence[MeasuredFrame]]
) -> DecodePlan:
    """Plan where cuts may be, by packet sizes and the key frames (by group) before and after them.

    A picture that could not be predicted makes a packet surge above those around it. Without such a surge and with
    similar key frames, nothing happens. Where a `scan` of the surges shows clearly what happens, nothing is decoded
    again. All of a group is decoded whose key frame could not be, and all of the last.
    """
    plan = DecodePlan()
    groups = packets.groups
    earliest = {number: scan[number][0] if scan.get(number) else key for number, key in keys.items()}
    latest = {number: scan[number][-1] if scan.get(number) else key for number, key in keys.items()}
    dissolves = find_dissolves(sorted((f for of in scan.values() for f in of), key=lambda frame: frame.time))
    changes = [_change_at_end(latest.get(n), earliest.get(n + 1), dissolves) for n in range(len(groups))]
    plan.cuts += [dissolve.middle for dissolve in dissolves]
    for number, group in enumerate(groups):
        change = changes[number]
        surges = _relevant_surges(packets, number, earliest)
        scanned = scan.get(number, ())
        is_known = is_scanned(packets, group, scanned)
        cuts = find_scanned_cuts(packets, group, scanned, dissolves)
        is_clear = is_known and all(cut.is_clear for cut in cuts)
        clear = cuts if is_clear else []
        for surge in surges:
            plan.exact.update(frames_up_to(packets, group, surge))
        is_open = number + 1 == len(groups)  # no key frame shows how it ends
        if is_open or number not in keys or _is_hardly_predicted(packets, group):
            plan.decode_until(number, group.stop)
        elif surges and not is_clear:
            last = cuts[-1].ordinal if cuts else surges[-1]
            plan.decode_until(number, min(group.stop, last + HEAD))
            _plan_swell(plan, packets, number, surges)
        else:
            plan.cuts += [cut.time for cut in clear]
            if is_known:
                plan.decided.add(number)
            around = changes[max(0, number - 2) : number] + changes[number + 1 : number + 3]
            usual = _TIMES_STEADY * float(np.median(around or [0.0]))
            is_steady = bool(clear or not surges) and change < min(STRONG, usual)
            if number + 1 in earliest and earliest[number + 1].ordinal != groups[number + 1].start:
                continue  # the next key frame is a flash
            since = clear[-1].ordinal if clear else group.start  # where the scan is like the film
            _plan_change(plan, packets, number, change, since, is_steady=is_steady, is_known=is_known)
    _plan_slides(plan, packets, keys, scan)
    _plan_confirmations(plan, packets, scan)
    return plan


def plan_rest(
    plan: DecodePlan,
    packets: PacketIndex,
    keys: Mapping[int, Picture],
    scan: Mapping[int, Sequence[MeasuredFrame]],
    group_frames: Mapping[int, Sequence[MeasuredFrame]],
) -> DecodePlan:
    """Return what to decode in addition, once the stretches of a plan were: rests of groups that end differently.

    The confirmed shots of `plan` are extended.
    """
    rest = DecodePlan(exact=plan.exact)
    groups = packets.groups
    for number in [*plan.shot_starts]:
        behind = _frames_behind(packets, number, group_frames) or scan_head(packets, scan, number)
        if (
            number in keys and behind and abs(brightness(behind[-1]) - brightness(keys[number])) >= _UNSTEADY
        ):  # a flash, or a fade
            del plan.shot_starts[number]
            before = scan.get(number - 1)
            if not before or difference_after_shift(behind[-1].fingerprint, before[-1].fingerprint) >= STRONG:
                rest.decode_until(number - 1, groups[number - 1].stop)
    for number, frames in group_frames.items():
        stop = plan.stops[number]
        is_planned = number + 1 in plan.shot_starts or number in rest.stops or number in plan.decided
        if stop < groups[number].stop and frames and not is_planned:
            change = _group_change(max(frames, key=lambda frame: frame.time), keys.get(number + 1))
            _plan_change(rest, packets, number, change, stop - 1)
    plan.shot_starts.update(rest.shot_starts)
    _plan_confirmations(rest, packets, scan)
    for number, stop in [*rest.stops.items()]:
        if stop <= plan.stops.get(number, 0):
            del rest.stops[number]
    for number, stop in rest.stops.items():
        plan.decode_until(number, stop)
    return rest


def _frames_behind(
    packets: PacketIndex, number: int, group_frames: Mapping[int, Sequence[MeasuredFrame]]
) -> list[MeasuredFrame]:
    """Return the decoded frames at the start of a group."""
    stop = packets.groups[number].start + HEAD
    return [frame for frame in group_frames.get(number, ()) if frame.ordinal < stop]


def _plan_swell(plan: DecodePlan, packets: PacketIndex, number: int, surges: Sequence[int]) -> None:
    """Where packets surge several times in a row, something changes gradually: plan for what is around it, too."""
    times = packets.time[list(surges)]
    swelling = np.flatnonzero(np.diff(times) <= _SWELL_SEC)
    if not len(swelling):
        return
    group = packets.groups[number]
    until = float(times[swelling[-1] + 1]) + _BEYOND_SEC
    plan.decode_until(number, packets.stop_after(group, until))
    if times[swelling[0]] - _BEYOND_SEC < packets.time[group.start] and number > 0:
        before = packets.groups[number - 1]
        if packets.seconds(before) <= _LONG_SEC:
            plan.decode_until(number - 1, before.stop)
    if number + 1 < len(packets.groups):
        after = packets.groups[number + 1]
        if packets.time[after.start] < until:
            plan.decode_until(number + 1, packets.stop_after(after, until))


def _plan_change(
    plan: DecodePlan,
    packets: PacketIndex,
    number: int,
    change: float,
    since: int,
    *,
    is_steady: bool = False,
    is_known: bool = False,
) -> None:
    """Plan for a change between a frame of a group and the next key frame, without a surge between them.

    It is a cut at the key frame if the packets since then are too few bytes to draw it, or if a very different picture
    breaks the encoder's rhythm after calm packets, or in a group of which a scan shows the rest (`is_known`). Else the
    camera moved, or something changed slowly; where the groups around change as much (`is_steady`), it is the camera.
    """
    group = packets.groups[number]
    is_early = number + 1 < len(packets.groups) and abs(len(group) - packets.usual_group_length) > 1
    if change < CUT:
        return
    is_long = packets.seconds(group) > _LONG_SEC  # else decoding it costs little, and tells more
    is_static = _is_static(packets, group, since)
    if is_static and (is_long or (is_known and change >= STRONG)):
        plan.shot_starts[number + 1] = CUT
    elif (
        is_early
        and change >= STRONG
        and (is_known or (is_long and _has_calm_end(packets, group)))
        and not _rises_at_end(packets, group)
    ):
        plan.shot_starts[number + 1] = _ALMOST * STRONG
    elif is_early or is_static or (not is_steady and change >= CUT + (STRONG - CUT) * min(1.0, packets.seconds(group))):
        plan.decode_until(number, group.stop)


def _plan_slides(
    plan: DecodePlan, packets: PacketIndex, keys: Mapping[int, Picture], scan: Mapping[int, Sequence[MeasuredFrame]]
) -> None:
    """Add the cuts between slides; where one changes between two frames that do not follow each other, decode all."""
    known = [frame for number in sorted(keys) for frame in scan.get(number) or [keys[number]]]
    for index in find_slide_changes(known):
        before, after = known[index - 1 : index + 1]
        if np.any((packets.time > before.time) & (packets.time < after.time)):
            number = packets.group_number(before.ordinal)
            plan.decode_until(number, packets.groups[number].stop)
        else:
            plan.cuts.append(after.time)


def _plan_confirmations(plan: DecodePlan, packets: PacketIndex, scan: Mapping[int, Sequence[MeasuredFrame]]) -> None:
    for number in plan.shot_starts:
        if number < len(packets.groups) and not scan_head(packets, scan, number):
            group = packets.groups[number]
            plan.decode_until(number, min(group.stop, group.start + HEAD))


def _relevant_surges(packets: PacketIndex, number: int, keys: Mapping[int, MeasuredFrame]) -> list[int]:
    """Return the surges of a group at which the picture may change, considering the key frames at both ends."""
    group = packets.groups[number]
    surges = find_surges(packets, group)
    if _group_change(keys.get(number), keys.get(number + 1)) >= _HARDLY_CHANGED * CUT:
        return sorted({*surges, *_inner_keys(packets, group)})
    if packets.seconds(group) <= _LONG_SEC:
        # The picture would have to change twice, and much, to look the same at both ends.
        large = select_surges(packets, group, _SURGE, _LARGE_SHARE_OF_KEY)
        return large if len(large) > 1 else []
    return surges


def _group_change(frame: MeasuredFrame | None, key: MeasuredFrame | None) -> float:
    """Return the difference of a frame and the next key frame, ignoring camera moves; `CUT` if one is missing."""
    if frame is None or key is None:
        return CUT
    plain = float(difference(frame.fingerprint, key.fingerprint))
    return plain if plain < CUT else difference_after_shift(frame.fingerprint, key.fingerprint)


def _change_at_end(frame: MeasuredFrame | None, key: MeasuredFrame | None, dissolves: Sequence[Dissolve]) -> float:
    """Return the change between a frame of a group and the next key frame; 0 if it is a part of a known dissolve."""
    if frame and key and any(known.first <= frame.time and key.time <= known.last for known in dissolves):
        return 0.0
    return _group_change(frame, key)


def _inner_keys(packets: PacketIndex, group: range) -> list[int]:
    """Return key frames inside a group, which encoders put at cuts; none if there are many."""
    inner = (np.flatnonzero(packets.key[group.start + 1 : group.stop]) + group.start + 1).tolist()
    return inner if len(inner) <= len(group) // 4 else []


def _has_calm_end(packets: PacketIndex, group: range) -> bool:
    tail = packets.size[max(group.start + 1, group.stop - HEAD) : group.stop]
    return len(tail) > 0 and bool(np.median(tail) <= _CALM_SHARE * packets.size[group.start])


def _rises_at_end(packets: PacketIndex, group: range) -> bool:
    """Return True if packets rise shortly before the end of a group, as they do in a flash or a quick turn."""
    rises = select_surges(packets, group, _RISE, _SHARE_OF_KEY)
    return any(group.stop - rise <= _LAST_PACKETS for rise in rises)


def _is_hardly_predicted(packets: PacketIndex, group: range) -> bool:
    """Return True if packets tell nothing since all are large, as those of animations are."""
    predicted = packets.size[group.start : group.stop][~packets.key[group.start : group.stop]]
    return len(predicted) > 0 and bool(np.median(predicted) >= _PREDICTED_SHARE * packets.size[group.start])


def _is_static(packets: PacketIndex, group: range, since: int) -> bool:
    """Return True if what follows in a group after an ordinal is too little to draw the next key frame."""
    if group.stop == len(packets.size):
        return False
    follows = float(np.maximum(packets.size[since + 1 : group.stop] - _HEADER_BYTES, 0).sum())
    seconds = float(packets.time[group.stop] - packets.time[since])  # a moving camera takes few bytes in a short time
    return follows <= _STATIC_SHARE * min(1.0, seconds / _LONG_SEC) * float(packets.size[group.stop])
