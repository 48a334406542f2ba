"""All that is said in a video, with times."""

from __future__ import annotations

from pydantic import Field

from shared.models.base import Model
from shared.models.video import Segment, TranscriptSource


class Transcript(Model):
    """Stored as `transcript.json` beside the pictures; of captions, as `captions.json`."""

    source: TranscriptSource | None = Field(None, description="None when there are no words.")
    language: str | None = Field(None, description="BCP-47 tag, or as tagged in the file, e.g. `deu`; None if unknown.")
    segments: list[Segment] = Field([], description="In order of time.")
    provider: str | None = Field(None, description="Who listened, for speech.")
    model: str | None = None
    notes: list[str] = Field([], description="E.g. that nobody was there to listen.")
