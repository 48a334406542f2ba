"""A summary of a video.

`readOnly` marks fields that Clipwise sets itself: AI providers are not asked for them, and their values are dropped.
"""

from __future__ import annotations

from pydantic import Field

from shared.models.base import Model
from shared.models.recipe import READ_ONLY


class KeyPoint(Model):
    text: str
    start: float | None = Field(None, description="Seconds; where in the video it is said, null if nowhere exactly.")
    quote: str | None = Field(None, description="The spoken words at that time.", json_schema_extra=READ_ONLY)


class Chapter(Model):
    """From `start` to `end` in seconds; chapters follow each other without gaps, from the start of the video."""

    title: str
    start: float
    end: float = Field(0, json_schema_extra=READ_ONLY)


class VideoSummary(Model):
    title: str | None = None
    summary: str = Field(description="Some sentences; empty when nothing is said.")
    key_points: list[KeyPoint] = []
    chapters: list[Chapter] = Field(min_length=1, description="In order of time; one for a video that does not divide.")
    duration_sec: float = Field(0, json_schema_extra=READ_ONLY)
    language: str | None = Field(
        None, description="BCP-47 tag of the text in this result.", json_schema_extra=READ_ONLY
    )
    notes: list[str] = Field(
        [], description="Remarks for the reader, e.g. limits of the provider.", json_schema_extra=READ_ONLY
    )
