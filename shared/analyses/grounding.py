"""Ties what a model says about places in a video to what is stored of it."""

from __future__ import annotations

from shared.analyses.evidence import Evidence
from shared.models.recipe import Sighting

NEAR_SEC = 2.0
"""A frame shows what was seen at a time when it was taken at most this far from it."""
TIMELESS_SOURCE = "caption"
VISUAL_SOURCES = ("screen", "vision")


def clamp_time(time: float, duration_sec: float) -> float:
    """`time` in seconds, brought within the video."""
    return min(max(time, 0.0), max(duration_sec, 0.0))


def ground_sighting(sighting: Sighting | None, evidence: Evidence) -> Sighting | None:
    """The sighting with its time inside the video and, if its source is in the picture, the nearest stored frame."""
    if sighting is None:
        return None
    time = None if sighting.time is None or sighting.source == TIMELESS_SOURCE else sighting.time
    if time is not None:
        time = round(clamp_time(time, evidence.info.duration_sec), 3)
    frame = nearest_frame(time, evidence) if time is not None and sighting.source in VISUAL_SOURCES else None
    return sighting.model_copy(update={"time": time, "frame": frame})


def nearest_frame(time: float, evidence: Evidence) -> str | None:
    """Media name of the stored frame nearest to `time`; None when there is none within NEAR_SEC."""
    stored = [frame for frame, _ in (*evidence.frames, *evidence.samples)]
    nearest = min(stored, key=lambda frame: abs(frame.time - time), default=None)
    return nearest.name if nearest and abs(nearest.time - time) <= NEAR_SEC else None
