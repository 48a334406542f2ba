"""What a conversation about videos is made of: passages of their transcripts, and messages with citations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.models.base import Model
from shared.models.job import Usage
from shared.models.video import Span


class Line(Span):
    """Some words and when they are said."""

    text: str


class Passage(Model):
    """A stretch of a video's transcript that can be found; stored in `segments`, with its vector as `embedding`."""

    owner: str
    video_id: str
    job_id: str = Field(description="The job that brought the words.")
    number: int = Field(description="Place in the video, from 0; each one overlaps the next.")
    start: float
    end: float
    text: str
    lines: list[Line] = Field(description="The text in pieces, each with its own times.")
    language: str | None = None
    words: list[str] = Field(description="Stems and numbers that it is found by.")
    model: str | None = Field(None, description="Who made its vector; None without one.")


class Citation(Model):
    """A place in a video that an answer rests on; all of it is from the stored transcript."""

    number: int = Field(description="As it stands in the answer: [1], [2], …")
    video_id: str
    title: str | None
    start: float = Field(description="Seconds.")
    end: float
    quote: str


class Message(Model):
    """What was asked or answered, about a group or about one video."""

    id: str
    owner: str
    group_id: str | None = None
    video_id: str | None = None
    role: Literal["user", "assistant"]
    answers: str | None = Field(None, description="Id of the question, if this is an answer.")
    content: str
    citations: list[Citation] = []
    usage: Usage = Field(default_factory=Usage)
    error: str | None = Field(None, description="The code of what ended the answer before its end.")
    created_at: datetime

    def public(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude={"owner"})
