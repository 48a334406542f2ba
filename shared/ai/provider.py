"""The protocol behind which AI providers stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from shared.analyses.kinds import Kind
from shared.models.job import Usage
from shared.models.video import Frame, MediaInfo, Segment

Tick = Callable[[float, str], None]
"""Called with the fraction done (0 to 1) and what is being done; raises when the job was cancelled."""


def part(tick: Tick, start: float, end: float) -> Tick:
    """A tick for a part of the work: its 0 to 1 is `start` to `end` of the whole."""
    return lambda done, what: tick(start + (end - start) * done, what)


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


@dataclass(frozen=True)
class Analysis:
    """An instance of the kind's schema, and what it took."""

    result: BaseModel
    usage: Usage


class Provider(Protocol):
    name: str

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        """Make the kind's result from the evidence.

        Raises PermanentError when this provider can never do it, TransientError when it may later.
        """
