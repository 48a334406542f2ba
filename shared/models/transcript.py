"""The transcript of a video, with timestamps."""

from __future__ import annotations

from pydantic import Field

from shared.models.base import Model
from shared.models.video import Segment, TranscriptSource


class Transcript(Model):
    """A transcript. It is stored as `transcript.json`, or as `captions.json` if it comes from captions."""

    source: TranscriptSource | None = Field(None, description="Where the text comes from. Null if there is none.")
    language: str | None = Field(
        None, description="Language: a BCP-47 tag, or the tag in the file, e.g. `deu`. Null if unknown."
    )
    segments: list[Segment] = Field([], description="Segments in order of time.")
    provider: str | None = Field(None, description="The provider that transcribed the speech, if any.")
    model: str | None = Field(None, description="The model that transcribed the speech, if any.")
    notes: list[str] = Field([], description="Remarks, e.g. that no speech recognition was available.")
