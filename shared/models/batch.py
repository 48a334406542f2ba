"""A batch: many videos in one request, released to the queue a few at a time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.models import Model
from shared.models.job import JobError
from shared.models.shard import default_shard

HIDDEN = (
    "shard",
    "owner",
    "files",
    "released",
    "starting",
    "opened",
    "wake_at",
    "trace",
    "fresh",
    "analysis",
    "link_allowed",
    "requested_language",
)
"""Internal fields that clients do not see."""


class BatchStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self is not BatchStatus.RUNNING


class ListStatus(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class BatchList(Model):
    """A playlist, channel or profile whose videos join the batch."""

    url: str = Field(description="URL of the list.")
    status: ListStatus = Field(ListStatus.PENDING, description="`pending` until its videos are listed.")
    title: str | None = Field(None, description="Title of the list.")
    found: int = Field(0, description="Number of videos listed, at most `maxVideos` of the request.")
    known: int = Field(0, description="Number of these that were skipped: you already have this analysis of them.")
    error: JobError | None = Field(None, description="Why the list could not be read, if it could not.")
    attempts: int = Field(0, description="Number of attempts to read the list.")


class BatchCounts(Model):
    """How many items of a batch are in each state."""

    total: int = Field(0, description="Number of items listed so far.")
    waiting: int = Field(0, description="Items without a job yet: they wait for others to end, or for their file.")
    active: int = Field(0, description="Jobs that are queued or running.")
    done: int = Field(0, description="Jobs that are done.")
    failed: int = Field(0, description="Jobs that failed.")
    cancelled: int = Field(0, description="Jobs that were cancelled.")
    known: int = Field(0, description="Items for which an earlier job of yours already has the result, or is active.")


class BatchItem(Model):
    """A video of a batch: a URL, or a file to upload."""

    url: str | None = None
    filename: str | None = None
    content_type: str | None = None
    size: int | None = None
    sha256: str | None = None


class BatchItems(Model):
    """The items of a batch, in a document of their own: clients that follow the batch need not receive them.

    Attributes:
        items: Files first, then links, then the videos of lists in the order in which the lists were read.
        known: The job that an item shares, by the item's index.
    """

    id: str
    owner: str
    items: list[BatchItem]
    known: dict[str, str] = {}
    expires_at: datetime


class Batch(Model):
    """Many videos, submitted in one request for the same analysis."""

    id: str = Field(description="Identifier of the batch.")
    shard: int = Field(default_factory=default_shard, description="Range of the indexes by time.")
    owner: str
    kind: str = Field(description="Kind of analysis of all items.")
    language: str = Field(description="Language of the results, as a BCP-47 tag.")
    requested_language: str | None = None
    options: dict[str, Any] = Field({}, description="Options of the kind.")
    keep_source: bool | None = Field(None, description="As of each job.")
    tags: list[str] = Field([], description="Tags of each video.")
    status: BatchStatus = Field(
        BatchStatus.RUNNING, description="`done` when every item has ended, failed ones included."
    )
    counts: BatchCounts = Field(default_factory=BatchCounts, description="Number of items by state.")
    lists: list[BatchList] = Field([], description="Playlists, channels and profiles of the request.")
    created_at: datetime = Field(description="When the batch was created.")
    updated_at: datetime = Field(description="When the batch last changed.")
    ended_at: datetime | None = Field(None, description="When the batch ended.")
    expires_at: datetime = Field(description="When the batch is deleted. Its jobs stay.")
    max_videos: int = Field(50, description="Maximum number of videos taken from each list.")
    files: int = Field(0, description="Number of items that are files; they come first.")
    released: int = Field(0, description="Number of links that were released, in order.")
    starting: list[int] = Field([], description="Files for which room is reserved, and whose jobs may not exist yet.")
    opened: list[int] = Field([], description="Files that have a job.")
    fresh: bool = False
    analysis: dict[str, Any] = Field({}, description="What distinguishes this analysis of a video from others.")
    link_allowed: bool = False
    trace: str | None = None
    wake_at: datetime | None = Field(None, description="When `sweep` checks this batch next; None: never.")

    def to_public(self) -> dict[str, Any]:
        """Return the form that clients see, without internal fields."""
        return self.model_dump(mode="json", by_alias=True, exclude=set(HIDDEN))
