"""The evidence for an analysis, and the grounding of a model's answer in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, Field

from shared.models import READ_ONLY, Model
from shared.models.video import AudioTrack, Frame, MediaInfo, Origin, Segment, Shot, TimeSpan, TranscriptGap

MAX_TRANSCRIPT = 250_000
"""Characters of the transcript that one request to a model may hold, and as many of on-screen text: four hours."""
NEAR_SEC = 2.0
"""Maximum distance between the time of a sighting and the frame that shows it."""
TIMELESS_SOURCE = "caption"
VISUAL_SOURCES = ("screen", "vision")


class TimedLine(Protocol):
    """Text with its start and end in seconds."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def text(self) -> str: ...


class Sighting(Model):
    """Where in the video something was found."""

    source: Literal["screen", "subtitle", "speech", "caption", "vision"]
    time: float | None = Field(None, description="Seconds; None for the caption, which has no time.")
    frame: str | None = Field(None, description="Media name of a frame that shows it.", json_schema_extra=READ_ONLY)
    text: str = Field("", description="The words as they were seen or heard.")
    confidence: float = Field(ge=0, le=1)


@dataclass(frozen=True)
class Evidence:
    """Inputs available to an analysis: stored data of the video.

    Attributes:
        frames: Key frames, each with a local copy.
        samples: Frames for reading on-screen text, each with a local copy, in time order.
        transcript: Segments from subtitles or speech; empty without either.
        transcript_model: The model that recognized the speech; None if the transcript has another source.
        transcript_gap: Why the transcript is empty; None if it is not, or if the reason is unknown.
        caption: The text posted with the video, if any.
        source: Downloads the video and returns its local path; raises PermanentError `source_gone`. Called only by
            providers that send the whole video.
        source_uri: Where Google's services read the video: an object of Cloud Storage, or a public link if `source` is
            None. None if they cannot.
        model_hears_audio: Whether the provider sends the audio to the model.
        measured: Measurements of the kind; None if it makes none.
        screens: On-screen text read so far, by language; see `shared.ai.prompt`.
    """

    info: MediaInfo
    frames: list[tuple[Frame, Path]]
    samples: list[tuple[Frame, Path]]
    transcript: list[Segment] = field(default_factory=list)
    transcript_language: str | None = None
    transcript_source: str | None = None
    transcript_model: str | None = None
    transcript_gap: TranscriptGap | None = None
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    url: str | None = None
    thumbnail: Frame | None = None
    source: Callable[[], Path] | None = None
    source_uri: str | None = None
    shots: list[Shot] = field(default_factory=list)
    audio: AudioTrack | None = None
    silences: list[TimeSpan] = field(default_factory=list)
    origin: Origin | None = None
    model_hears_audio: bool = False
    measured: BaseModel | None = None
    screens: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_speech_unknown(self) -> bool:
        """Whether there may be speech that nobody transcribed: then nothing may be concluded from its absence."""
        return not self.transcript and self.transcript_gap not in ("no_audio", "silent", "no_speech")


def clamp_time(time: float, duration_sec: float) -> float:
    """Return `time` in seconds, clamped to the video."""
    return min(max(time, 0.0), max(duration_sec, 0.0))


def ground_sighting(sighting: Sighting | None, evidence: Evidence) -> Sighting | None:
    """Return the sighting with its time inside the video and, for visual sources, the nearest stored frame."""
    if sighting is None:
        return None
    time = None if sighting.time is None or sighting.source == TIMELESS_SOURCE else sighting.time
    if time is not None:
        time = round(clamp_time(time, evidence.info.duration_sec), 3)
    frame = nearest_frame(time, evidence) if time is not None and sighting.source in VISUAL_SOURCES else None
    return sighting.model_copy(update={"time": time, "frame": frame})


def nearest_frame(time: float, evidence: Evidence) -> str | None:
    """Return the media name of the stored frame nearest to `time`; None if none is within NEAR_SEC."""
    stored = [frame for frame, _ in (*evidence.frames, *evidence.samples)]
    nearest = min(stored, key=lambda frame: abs(frame.time - time), default=None)
    return nearest.name if nearest and abs(nearest.time - time) <= NEAR_SEC else None
