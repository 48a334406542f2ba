"""A dataset as its owner sees it, and the chunks that its images come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.models.base import Model
from shared.models.dataset import DatasetStatus, Filters, Level
from shared.models.job import JobError

LIST_PAGE = 100
"""How many addresses a page of a list has; its last one may have fewer."""


class SourceName(StrEnum):
    BING = "bing"
    DUCKDUCKGO = "duckduckgo"
    OPENVERSE = "openverse"
    GOOGLE = "google"
    LIST = "list"


class UrlList(Model):
    """A list of images' addresses that was sent to the dataset; it is kept, and read, in pages."""

    id: str
    filename: str | None = None
    urls: int = Field(0, description="How many lines of it name an image.")

    @property
    def pages(self) -> int:
        return -(-self.urls // LIST_PAGE)


class Tally(Model):
    """What has become of candidates: each is counted once, when it is settled."""

    found: int = Field(0, description="Named by sources, on the pages that were read.")
    downloaded: int = 0
    rejected: dict[str, int] = Field({}, description="How many for which reason.")

    @property
    def settled(self) -> int:
        return self.downloaded + sum(self.rejected.values())

    def add(self, other: Tally) -> None:
        self.found += other.found
        self.downloaded += other.downloaded
        self.rejected = dict(Counter(self.rejected) + Counter(other.rejected))

    @classmethod
    def total(cls, tallies: Iterable[Tally]) -> Tally:
        whole = cls()
        for tally in tallies:
            whole.add(tally)
        return whole


class Chunk(Model):
    """What a chunk of a crawl is to do and how far it is: the outcome of its part, written as it goes.

    Pages are dealt out among the chunks of one source and keyword: this one reads page `first`, then each `stride`-th
    after it. Candidates before `position` are settled, and those in `ahead`.
    """

    source: SourceName
    keyword: str | None = None
    first: int = 1
    stride: int = 1
    quota: int = Field(description="How many images it may keep.")
    page: int = Field(description="The page it reads now.")
    position: int = 0
    ahead: list[int] = []
    counted: bool = Field(False, description="The page's candidates are among those found.")
    exhausted: bool = Field(False, description="Its source has no more to name.")
    tally: Tally = Field(default_factory=Tally)

    @property
    def open(self) -> int:
        """How many it may still keep."""
        return max(0, self.quota - self.tally.downloaded)


class ChunkCounts(Model):
    total: int = 0
    active: int = 0
    completed: int = 0
    failed: int = 0


class SourceProgress(Tally):
    chunks: ChunkCounts = Field(default_factory=ChunkCounts)
    errors: list[JobError] = Field([], description="Why chunks of it failed, each reason once.")


class Validated(Model):
    """What validation found so far."""

    level: Level
    chunks: ChunkCounts = Field(default_factory=ChunkCounts)
    checked: int = 0
    accepted: int = 0
    findings: dict[str, int] = Field({}, description="How many images each check has something to say of.")


class Progress(Model):
    """Counted from the chunks; while a stage runs, found = downloaded + rejected + those not settled yet."""

    stage: str | None = Field(None, description="`crawl` or `validate`.")
    chunks: ChunkCounts = Field(default_factory=ChunkCounts, description="Of the crawl.")
    images: Tally = Field(default_factory=Tally)
    sources: dict[str, SourceProgress] = {}
    validated: Validated | None = None


class Dataset(Model):
    """What is searched for and what came of it; its images are documents of their own."""

    id: str
    owner: str
    name: str
    project: int | str | None = None
    keywords: list[str] = []
    sources: list[SourceName] = []
    max_images: int
    filters: Filters = Field(default_factory=Filters)
    level: Level = Field("medium", description="How closely images are looked at once they are there.")
    thresholds: dict[str, Any] = Field({}, description="Limits of the checks that differ from the usual ones.")
    lists: list[UrlList] = []
    status: DatasetStatus = DatasetStatus.PENDING
    percent: int = Field(0, ge=0, le=100)
    progress: Progress = Field(default_factory=Progress)
    error: JobError | None = None
    run: str | None = Field(None, description="The job behind it, of which clients see nothing else.")
    told_at: datetime | None = Field(None, description="The state of the job that this shows.")
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime


HIDDEN = ("owner", "run", "told_at")
"""Machinery, not shown to its owner."""
