"""Scan a video for cuts by decoding its key frames and little else: the frames whose packets surge.

H.264 decoders accept a stream with gaps: a missing reference is replaced by the frame before it. So a frame at a surge
can be decoded right after its key frame. It is mostly new picture at a cut, and else still looks like the key frame,
which makes cuts stand out: the difference is over 22 at most of them, and hardly ever at anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from shared.media.video.fingerprints import (
    CUT,
    STRONG,
    TimedFingerprint,
    brightness,
    difference,
    difference_after_shift,
    fingerprint_rows,
)
from shared.media.video.frames import MeasuredFrame
from shared.media.video.packets import PacketIndex, PacketSpan
from shared.media.video.scanned_dissolves import Dissolve

SCANNED_CODEC = "h264"
HEAD = 8
"""The packets at the start of a group at which an encoder broke its rhythm that are decoded, too."""
_SURGE, _SHARE_OF_KEY = 2.1, 0.06
# A caption makes a picture sharper; key frames should show it.
_LONG_SEC, _CAPTION_SURGE, _CAPTION_SHARE_OF_KEY = 1.2, 2.0, 0.01
_LIKE_KEY_SURGE, _LIKE_KEY_SHARE = 1.4, 0.6
_MOST_SHARE = 0.75
_LONGEST_SEC = 20.0
"""What is decoded without its references becomes less and less like the picture."""
# x264 writes the order of frames modulo 64, at two a frame: after a larger gap, a decoder takes them for older ones.
_LARGEST_GAP = 12
_FLASH_SEC, _FLASH_LIGHT, _BACK_SHARE = 0.3, 20, 0.25
_MOST_LATER = 40
_NEAR_SEC, _TIMES_BESIDE = 0.35, 6.0


class ScannedCut(NamedTuple):
    """The first frame of a shot in a scan; `is_clear` if no other frames need to be decoded to believe it."""

    time: float
    ordinal: int
    is_clear: bool


def plan_scan(packets: PacketIndex, codec: str | None) -> list[PacketSpan]:
    """Return the span to scan of each group; of the last one, and of other codecs than H.264, the key frame alone."""
    return [
        PacketSpan(group.start, max(wanted) + 1, wanted, wanted)
        for number, group in enumerate(packets.groups)
        for wanted in [frozenset(_scanned_ordinals(packets, number) if codec == SCANNED_CODEC else {group.start})]
    ]


def is_scanned(packets: PacketIndex, group: range, frames: Sequence[MeasuredFrame]) -> bool:
    """Return True if the scanned frames of a group are all that matter of it."""
    return len(frames) > 1 or (len(frames) == 1 and _is_scannable(packets, group) and not find_surges(packets, group))


def find_surges(packets: PacketIndex, group: range) -> list[int]:
    """Return the ordinals of a group at which a new picture may begin."""
    return sorted(
        {
            *select_surges(packets, group, _LIKE_KEY_SURGE, _LIKE_KEY_SHARE),
            *select_surges(packets, group, _SURGE, _SHARE_OF_KEY),
        }
    )


def select_surges(packets: PacketIndex, group: range, least: float, share_of_key: float) -> list[int]:
    """Return the ordinals of packets that surge by at least `least` and are that large beside both key frames."""
    within = slice(group.start, group.stop)
    least_key = min(packets.size[group.start], *packets.size[group.stop : group.stop + 1], np.inf)
    large = packets.size[within] >= share_of_key * least_key
    return [group.start + index for index in np.flatnonzero(large & (packets.surge[within] >= least)).tolist()]


def frames_up_to(packets: PacketIndex, group: range, ordinal: int) -> set[int]:
    """Return a frame and those sent after it that are shown before it."""
    behind = range(ordinal, min(ordinal + HEAD, group.stop))
    return {other for other in behind if packets.time[other] <= packets.time[ordinal]}


def scan_head(packets: PacketIndex, scan: Mapping[int, Sequence[MeasuredFrame]], number: int) -> list[MeasuredFrame]:
    """Return the scanned frames at the start of a group whose start is scanned; none of others."""
    if not _has_head(packets, number):
        return []
    stop = packets.groups[number].start + HEAD
    head = [frame for frame in scan.get(number, ()) if frame.ordinal < stop]
    return head if len(head) > 1 else []


def find_scanned_cuts(
    packets: PacketIndex, group: range, frames: Sequence[MeasuredFrame], dissolves: Sequence[Dissolve]
) -> list[ScannedCut]:
    """Return where cuts are, or may be, among the scanned frames of a group, in order of time.

    A clear cut is a strong step at a surge, much larger than all steps near it, and remains strong if one picture is
    shifted. A weaker one may be a new picture in place of one that drifted away. Steps within `dissolves` are none.
    """
    if len(frames) < 2:
        return []
    at_surge = set().union(*(frames_up_to(packets, group, surge) for surge in find_surges(packets, group)))
    rows = fingerprint_rows(frames)
    times = np.array([frame.time for frame in frames])
    is_dissolve = np.zeros(len(frames) - 1, np.bool_)
    for dissolve in dissolves:
        is_dissolve |= (times[1:] >= dissolve.first) & (times[:-1] <= dissolve.last)
    steps = np.where(is_dissolve, 0, difference(rows[1:], rows[:-1]))
    cuts = []
    for last in np.flatnonzero(steps >= CUT).tolist():
        first, step = last + 1, float(steps[last])
        start, stop = (int(np.searchsorted(times, times[first] + side * _NEAR_SEC)) for side in (-1, 1))
        beside = float(np.r_[steps[start:last], steps[first : stop - 1]].max(initial=0.0))
        shifted = difference_after_shift(rows[last], rows[first])
        if shifted < CUT or _TIMES_BESIDE * step <= beside or (frames[first].ordinal not in at_surge and step < STRONG):
            continue  # the camera moved, or the picture settles after a cut
        apart = float(difference(rows[min(start, last) : first, None], rows[None, first:stop]).min())
        is_clear = min(step, shifted) >= STRONG and step >= _TIMES_BESIDE * beside and apart >= CUT
        cuts.append(ScannedCut(frames[first].time, frames[first].ordinal, is_clear))
    return cuts


def without_flashes(scan: Mapping[int, Sequence[MeasuredFrame]]) -> dict[int, list[MeasuredFrame]]:
    """Return the scanned frames without those that differ from the ones before, which come back soon after them."""
    kept: dict[int, list[MeasuredFrame]] = {}
    frames = [(number, frame) for number in sorted(scan) for frame in scan[number]]
    before: MeasuredFrame | None = None
    for place, (number, frame) in enumerate(frames):
        later = [other for _, other in frames[place + 1 : place + 1 + _MOST_LATER]]
        of_group = kept.setdefault(number, [])
        if before is None or not _is_flash(frame, before, later):
            of_group.append(frame)
            before = frame
    return kept


def _is_flash(frame: TimedFingerprint, before: TimedFingerprint, later: Sequence[TimedFingerprint]) -> bool:
    change = float(difference(frame.fingerprint, before.fingerprint))
    if change < CUT:
        return False
    return any(
        difference(other.fingerprint, before.fingerprint) < max(CUT, _BACK_SHARE * change)
        or _is_light_back(frame, before, other)
        for other in later
        if frame.time < other.time < frame.time + _FLASH_SEC
    )


def _is_light_back(frame: TimedFingerprint, before: TimedFingerprint, after: TimedFingerprint) -> bool:
    """Return True if a frame is much brighter than the ones before and after it, whatever moved between these."""
    flash = brightness(frame) - brightness(before)
    return flash >= _FLASH_LIGHT and abs(brightness(after) - brightness(before)) < _BACK_SHARE * flash


def _scanned_ordinals(packets: PacketIndex, number: int) -> set[int]:
    group = packets.groups[number]
    if group.stop == len(packets.time) or not _is_scannable(packets, group):
        return {group.start}
    first, last = np.searchsorted(packets.forward, (group.start, group.stop))
    forward = packets.forward[first:last].tolist()
    wanted = {group.start}
    for surge in find_surges(packets, group):
        place = forward.index(surge)
        wanted |= {*forward[max(0, place - 1) : place + 2], *frames_up_to(packets, group, surge)}
    if _has_head(packets, number):
        wanted |= {ordinal for ordinal in forward if ordinal < group.start + HEAD}
    if packets.time[group.stop - 1] - packets.time[group.start] > _LONG_SEC:
        wanted |= {*select_surges(packets, group, _CAPTION_SURGE, _CAPTION_SHARE_OF_KEY)}
    if len(wanted) > max(HEAD, _MOST_SHARE * len(group)):
        return {group.start}
    return wanted | _stepping_stones(wanted, forward)


def _is_scannable(packets: PacketIndex, group: range) -> bool:
    return bool(packets.time[group.stop - 1] - packets.time[group.start] <= _LONGEST_SEC)


def _has_head(packets: PacketIndex, number: int) -> bool:
    """Return True if the encoder broke its rhythm for the key frame of a group, as it does at cuts."""
    return number > 0 and abs(len(packets.groups[number - 1]) - packets.usual_group_length) > 1


def _stepping_stones(wanted: set[int], forward: Sequence[int]) -> set[int]:
    """Return frames to decode so that no gap between the wanted ones is too large."""
    stones = set()
    latest = min(wanted)
    for ordinal, after in zip(forward, [*forward[1:], max(wanted) + 1], strict=False):
        if ordinal > max(wanted):
            break
        if ordinal in wanted:
            latest = ordinal
        elif after - latest > _LARGEST_GAP:
            stones.add(ordinal)
            latest = ordinal
    return stones
