"""Plan which stretches of a video to decode further for samples, in which on-screen text is read."""

from __future__ import annotations

from collections.abc import Mapping

from shared.media.video.decode_plan import DecodePlan
from shared.media.video.frame_choice import choose_samples, has_same_text
from shared.media.video.frames import Picture
from shared.media.video.packets import PacketIndex
from shared.media.video.surge_scan import select_surges

_SAMPLE_STEPS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 30.0)
_SHORT_SEC, _CAPTION_SURGE, _CAPTION_SHARE_OF_KEY = 1.0, 2.0, 0.01


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
        between = {number: int(packets.seconds(groups[number]) / step - 0.25) for number in changing}
        if sum(between.values()) <= room:
            break
    for number, count in between.items():
        if count:
            last = packets.time[groups[number].start] + count * plan.sample_step
            plan.decode_until(number, packets.stop_after(groups[number], last))


def _has_text_change(packets: PacketIndex, keys: Mapping[int, Picture], number: int) -> bool:
    """Return True if a caption may have appeared or disappeared between a key frame and the next.

    A caption shown for a second is on a key frame if these come every second; in longer groups it makes a small surge.
    """
    if number not in keys or number + 1 not in keys or not has_same_text(keys[number].luma, keys[number + 1].luma):
        return True
    group = packets.groups[number]
    return packets.seconds(group) > _SHORT_SEC and bool(
        select_surges(packets, group, _CAPTION_SURGE, _CAPTION_SHARE_OF_KEY)
    )
