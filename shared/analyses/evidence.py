"""What an analysis can draw on, and how its progress is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from shared.models.recipe import Sighting
from shared.models.video import AudioTrack, Frame, MediaInfo, Origin, Segment, Shot, TimeSpan

MAX_TRANSCRIPT = 250_000
"""Characters of the transcript that one request to a model may hold, and as many of on-screen text: four hours."""


class TimedLine(Protocol):
    """Words with their times, in seconds."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class Evidence:
    """What is really in the video: all that an analysis may draw on.

    Attributes:
        frames: Key frames, each with a local copy.
        samples: Frames for reading on-screen text, each with a local copy, in time order.
        transcript: Words with their times, from subtitles or speech; empty when there are none.
        caption: The text its author posted with the video, if any.
        source: Fetches the video itself and returns its local path; raises PermanentError `source_gone`. Only called by
            a provider that sends the whole video.
        heard: The provider listens to the video itself.
        measured: What the kind measured; None for one that measures nothing.
        screens: What was read off the screen so far, by language; see `shared.ai.prompt`.
    """

    info: MediaInfo
    frames: list[tuple[Frame, Path]]
    samples: list[tuple[Frame, Path]]
    transcript: list[Segment] = field(default_factory=list)
    transcript_language: str | None = None
    transcript_source: str | None = None
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    url: str | None = None
    thumbnail: Frame | None = None
    source: Callable[[], Path] | None = None
    shots: list[Shot] = field(default_factory=list)
    audio: AudioTrack | None = None
    silences: list[TimeSpan] = field(default_factory=list)
    origin: Origin | None = None
    model_hears_audio: bool = False
    measured: BaseModel | None = None
    screens: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


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
