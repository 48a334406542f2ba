"""Models of chat: passages of transcripts, and messages with citations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.models import Model
from shared.models.job import Usage
from shared.models.video import TimeSpan

PassageOrigin = Literal["speech", "screen", "caption"]
"""Where the words of a passage come from: said or subtitled, on-screen text, or the text posted with the video."""


class PassageLine(TimeSpan):
    """A piece of text with its timestamps."""

    text: str
    speaker: str | None = Field(None, description="Label of the speaker in the transcript.")


class Passage(Model):
    """A searchable passage of a video; stored with its vector as `embedding`, in `segments` (speech) or `screens`."""

    owner: str
    video_id: str
    job_id: str = Field(description="The job that produced the transcript.")
    number: int = Field(description="Position in the video, starting at 0; each passage overlaps the next.")
    origin: PassageOrigin = "speech"
    start: float
    end: float
    text: str
    lines: list[PassageLine] = Field(description="The text in pieces, each with its timestamps.")
    language: str | None = None
    words: list[str] = Field(description="Stems and numbers for word search.")
    model: str | None = Field(None, description="The model that computed the vectors; None without one.")
    line_vectors: str | None = Field(None, description="Vectors of the lines, packed; None if the model needs none.")


class Citation(Model):
    """A passage of a video that supports an answer, taken from the stored transcript."""

    number: int = Field(description="Number of the citation in the answer: [1], [2], …")
    video_id: str = Field(description="The video that contains the passage.")
    title: str | None = Field(description="Title of the video.")
    start: float = Field(description="Start of the passage in seconds.")
    end: float = Field(description="End of the passage in seconds.")
    quote: str = Field(description="Text of the passage.")


class ChatMessage(Model):
    """A question or an answer about a group or a video."""

    id: str
    owner: str
    group_id: str | None = None
    video_id: str | None = None
    role: Literal["user", "assistant"]
    answers: str | None = Field(None, description="Id of the question that this message answers.")
    content: str
    citations: list[Citation] = []
    usage: Usage = Field(default_factory=Usage)
    error: str | None = Field(None, description="Error code if the answer was interrupted.")
    created_at: datetime

    def to_public(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude={"owner"})
