"""Plan which stretches of a video to decode further, from packet sizes and key frames alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from shared.media.video.frame_choice import choose_samples, has_same_text
from shared.media.video.frames import CUT, STRONG, Picture, difference, difference_after_shift
from shared.media.video.packets import PacketIndex, PacketSpan

_SHARE_OF_KEY, _CAPTION_SHARE_OF_KEY = 0.1, 0.01
_CALM_SHARE = 0.25
_TAIL = 8
_LONG_SEC, _HEAD_SEC, _AROUND_SEC = 2.0, 1.0, 0.9
_SAMPLE_STEPS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 30.0)


@dataclass
class DecodePlan:
    """What to decode of each group of pictures; groups are referred to by number.

    Attributes:
        stops: The ordinal up to which to decode a group; groups that are missing here are not decoded.
        exact: Ordinals to decode although no other frame refers to them.
        shot_starts: Groups whose key frame starts a shot if the frames after it agree: it breaks the encoder's rhythm,
            follows packets without change, and shows a different picture.
        sample_step: Seconds between samples within the decoded stretches.
    """

    stops: dict[int, int] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)
    shot_starts: list[int] = field(default_factory=list)
    sample_step: float = float("inf")

    def decode_until(self, number: int, stop: int) -> None:
        self.stops[number] = max(stop, self.stops.get(number, 0))

    def include_frame(self, groups: list[range], ordinal: int) -> None:
        """Ensure that this frame is decoded."""
        number = next(number for number, group in enumerate(groups) if ordinal in group)
        if ordinal != groups[number].start:
            self.exact.add(ordinal)
            self.decode_until(number, ordinal + 1)

    def spans(self, groups: list[range]) -> dict[int, PacketSpan]:
        """Return the span to decode of each group, by its number."""
        return {
            number: PacketSpan(groups[number].start, stop, frozenset(self.exact.intersection(groups[number])))
            for number, stop in sorted(self.stops.items())
        }


def plan_shots(packets: PacketIndex, keys: Mapping[int, Picture]) -> DecodePlan:
    """Plan where cuts may be, by packet sizes and the key frames (by group) before and after them.

    A picture that could not be predicted makes a packet surge to a tenth of a key frame's size or more. Without such a
    surge and with similar key frames, nothing happens. The first second of a long group is always decoded, to get a
    sharp picture of it, and so is all of a group whose key frame could not be decoded.
    """
    plan = DecodePlan()
    groups = packets.groups
    rhythm = _usual_group_length(groups)
    starts = [float(packets.time[group.start]) for group in groups]
    for number, group in enumerate(groups):
        change = _group_change(keys, number)
        surges = _find_surges(packets, group, _least_surge(change), _SHARE_OF_KEY)
        if change >= CUT / 2:
            surges = sorted({*surges, *_inner_keys(packets, group)})
        for surge in surges:
            behind = range(surge, min(surge + _TAIL, group.stop))
            plan.exact.update(ordinal for ordinal in behind if packets.time[ordinal] <= packets.time[surge])
        early = number + 1 < len(groups) and abs(len(group) - rhythm) > 1
        long = _group_seconds(packets, group) > _LONG_SEC
        if long:
            plan.decode_until(number, _stop_after_time(packets, group, packets.time[group.start] + _HEAD_SEC))
        if number not in keys or (early and CUT <= change < STRONG):
            plan.decode_until(number, group.stop)
        elif surges:
            plan.decode_until(number, min(group.stop, surges[-1] + _TAIL) if long and not early else group.stop)
        elif change >= STRONG and early and _has_calm_end(packets, group):
            plan.shot_starts.append(number + 1)
        elif change >= CUT + (STRONG - CUT) * min(1.0, _group_seconds(packets, group)):  # a slow change may be as large
            for near in _groups_around(packets, starts, number):
                plan.decode_until(near, groups[near].stop)
    for number in plan.shot_starts:
        plan.decode_until(number, min(groups[number].stop, groups[number].start + _TAIL))
    return plan


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


def _usual_group_length(groups: list[range]) -> int:
    """Return the most frequent number of packets in a group, the largest of several; 0 if none repeats."""
    lengths = [len(group) for group in groups[:-1]]
    usual = max(lengths, key=lambda length: (lengths.count(length), length), default=0)
    return usual if lengths.count(usual) > 1 else 0


def _group_seconds(packets: PacketIndex, group: range) -> float:
    return float(packets.time[group.start : group.stop].max() - packets.time[group.start])


def _stop_after_time(packets: PacketIndex, group: range, time: float) -> int:
    """Return the ordinal up to which to decode to get a frame at or after `time`."""
    later = np.flatnonzero(packets.time[group.start : group.stop] >= time)
    return group.start + int(later[0]) + 1 if len(later) else group.stop


def _groups_around(packets: PacketIndex, starts: list[float], number: int) -> list[int]:
    """Return a group and the short groups around it that are needed to detect a transition in it."""
    groups = packets.groups
    end = starts[number] + _group_seconds(packets, groups[number])
    first = last = number
    while first > 0 and starts[first] > starts[number] - _AROUND_SEC:
        first -= 1
    while last + 1 < len(groups) and starts[last + 1] < end + _AROUND_SEC:
        last += 1
    return [n for n in range(first, last + 1) if n == number or _group_seconds(packets, groups[n]) <= _LONG_SEC]


def _group_change(keys: Mapping[int, Picture], number: int) -> float:
    """Return the difference of a group's two key frames, ignoring camera moves; `CUT` if one is missing."""
    if number not in keys or number + 1 not in keys:
        return CUT
    ends = keys[number].fingerprint, keys[number + 1].fingerprint
    plain = float(difference(*ends))
    return plain if plain < CUT / 2 else difference_after_shift(*ends)


def _least_surge(change: float) -> float:
    """Return the least surge that counts: the less the ends of a group differ, the higher."""
    return 1.5 if change >= CUT else 2.0 if change >= CUT / 2 else 3.0


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


def _has_text_change(packets: PacketIndex, keys: Mapping[int, Picture], number: int) -> bool:
    """Return True if a caption may have appeared or disappeared between a key frame and the next.

    A caption shown for a second is on a key frame if these come every second; in longer groups it makes a small surge.
    """
    if number not in keys or number + 1 not in keys or not has_same_text(keys[number].luma, keys[number + 1].luma):
        return True
    group = packets.groups[number]
    return _group_seconds(packets, group) > _HEAD_SEC and bool(_find_surges(packets, group, 2.0, _CAPTION_SHARE_OF_KEY))
