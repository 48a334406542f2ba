"""Models of an image dataset: its progress, the chunks of its crawl, and its exports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shared.models import Model
from shared.models.image import Filters, ImageRecord, Level
from shared.models.job import JobError

MAX_URLS = 100_000
LIST_PAGE = 100
"""URLs per page of a list; the last page may have fewer."""
HIDDEN = ("owner", "run", "told_at")
"""Internal fields that clients do not see."""
ExportFormat = Literal["zip", "webdataset", "parquet", "coco", "sheet"]
ACCEPTED, NOT_CHECKED, BY_HAND = "accepted", "not_checked", "by_hand"


class DatasetStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SourceName(StrEnum):
    BING = "bing"
    DUCKDUCKGO = "duckduckgo"
    OPENVERSE = "openverse"
    GOOGLE = "google"
    LIST = "list"


class UrlList(Model):
    """A list of image URLs added to the dataset; it is stored and read in pages."""

    id: str = Field(description="Identifier of the list.")
    filename: str | None = Field(None, description="Name of the file.")
    urls: int = Field(0, description="Number of lines that contain an image URL.")

    @property
    def pages(self) -> int:
        return -(-self.urls // LIST_PAGE)


class Tally(Model):
    """Counts of candidate images. Each is counted once, when its outcome is final."""

    found: int = Field(0, description="Number of candidates on the result pages read so far.")
    downloaded: int = Field(0, description="Number of images kept.")
    rejected: dict[str, int] = Field({}, description="Number of rejected candidates by reason.")

    @property
    def final_count(self) -> int:
        return self.downloaded + sum(self.rejected.values())

    def add(self, other: Tally) -> None:
        self.found += other.found
        self.downloaded += other.downloaded
        self.rejected = dict(Counter(self.rejected) + Counter(other.rejected))

    @classmethod
    def total(cls, tallies: Iterable[Tally]) -> Tally:
        total = cls()
        for tally in tallies:
            total.add(tally)
        return total


class Chunk(Model):
    """The work and progress of a chunk of a crawl: the outcome of its part, updated while it runs.

    Result pages are divided among the chunks of one source and keyword: this one reads page `first`, then every
    `stride`-th page after it. The outcome of candidates before `position`, and of those in `ahead`, is final.
    """

    source: SourceName
    keyword: str | None = None
    first: int = 1
    stride: int = 1
    quota: int = Field(description="Maximum number of images to keep.")
    page: int = Field(description="The current page.")
    position: int = 0
    ahead: list[int] = []
    counted: bool = Field(False, description="Whether the page's candidates are included in `found`.")
    exhausted: bool = Field(False, description="Whether the source has no more results.")
    tally: Tally = Field(default_factory=Tally)

    @property
    def remaining_images(self) -> int:
        """Return the number of images that may still be kept."""
        return max(0, self.quota - self.tally.downloaded)


class ChunkCounts(Model):
    """Counts of chunks. A chunk is a part of the work that runs and fails on its own."""

    total: int = Field(0, description="Number of chunks.")
    active: int = Field(0, description="Number of running chunks.")
    completed: int = Field(0, description="Number of completed chunks.")
    failed: int = Field(0, description="Number of failed chunks.")


class SourceProgress(Tally):
    """Progress of a source."""

    chunks: ChunkCounts = Field(default_factory=ChunkCounts, description="Chunks of the source.")
    errors: list[JobError] = Field([], description="Why chunks of the source failed, each reason once.")


class ValidationProgress(Model):
    """Results of the validation so far."""

    level: Level = Field(description="The level of the validation.")
    chunks: ChunkCounts = Field(default_factory=ChunkCounts, description="Chunks of the validation.")
    checked: int = Field(0, description="Number of validated images.")
    accepted: int = Field(0, description="Number of accepted images.")
    findings: dict[str, int] = Field({}, description="Number of images with a finding, by check.")


class Progress(Model):
    """Progress, counted from the chunks. While a stage runs, `found` also counts candidates without an outcome."""

    stage: str | None = Field(None, description="The stage that runs or ran last: `crawl` or `validate`.")
    chunks: ChunkCounts = Field(default_factory=ChunkCounts, description="Chunks of the crawl.")
    images: Tally = Field(default_factory=Tally, description="Candidate images of all sources.")
    sources: dict[str, SourceProgress] = Field({}, description="Progress by source.")
    validated: ValidationProgress | None = Field(None, description="Results of the validation. Null before it starts.")


class Dataset(Model):
    """An image dataset. Its images are separate documents."""

    id: str = Field(description="Identifier of the dataset.")
    owner: str
    name: str = Field(description="Name of the dataset.")
    project: int | str | None = Field(None, description="Your own project name or number.")
    keywords: list[str] = Field([], description="Search terms.")
    sources: list[SourceName] = Field([], description="Search engines that are queried for the keywords.")
    max_images: int = Field(description="Maximum number of images to keep.")
    filters: Filters = Field(default_factory=Filters, description="Conditions that an image must meet to be kept.")
    level: Level = Field("medium", description="How thoroughly downloaded images are validated.")
    thresholds: dict[str, Any] = Field({}, description="Limits of validation checks that differ from the defaults.")
    lists: list[UrlList] = Field([], description="URL lists added to the dataset.")
    status: DatasetStatus = Field(DatasetStatus.PENDING, description="Status of the dataset.")
    percent: int = Field(0, ge=0, le=100, description="Progress in percent.")
    progress: Progress = Field(default_factory=Progress, description="Progress in detail.")
    error: JobError | None = Field(None, description="Why the dataset failed, if it did.")
    run: str | None = Field(None, description="The job that runs the dataset; clients do not see it.")
    told_at: datetime | None = Field(None, description="The version of the job that this document reflects.")
    created_at: datetime = Field(description="When the dataset was created.")
    started_at: datetime | None = Field(None, description="When the dataset was started.")
    ended_at: datetime | None = Field(None, description="When the dataset ended.")
    updated_at: datetime = Field(description="When the dataset last changed.")


class ExportOptions(Model):
    """The options of a dataset export."""

    format: ExportFormat = Field(
        description="`zip`: images with their metadata. `webdataset`: the same as tar shards. `parquet`, `coco`:"
        " metadata only. `sheet`: a page with thumbnails of accepted and rejected images, by reason."
    )
    include: list[str] = Field(
        [ACCEPTED],
        max_length=30,
        description="Verdicts of the images to export: `accepted`, `not_checked`, `by_hand` for images that you"
        " rejected, or names of checks such as `blurry` for images with findings of these checks only.",
    )
    train: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Share of images in the split `train`. The shares add up to 1; near duplicates share a split.",
    )
    val: float = Field(0.1, ge=0, le=1, description="Share of images in the split `val`.")
    test: float = Field(0.1, ge=0, le=1, description="Share of images in the split `test`.")

    @model_validator(mode="after")
    def check_shares(self) -> Self:
        if abs(self.train + self.val + self.test - 1) > 1e-9:
            raise ValueError("train, val and test must add up to 1")
        return self

    def includes(self, record: ImageRecord) -> bool:
        if record.verdict is None:
            return NOT_CHECKED in self.include
        if record.verdict.accepted:
            return ACCEPTED in self.include
        if record.override is False:
            return BY_HAND in self.include
        return all(finding.check in self.include for finding in record.verdict.findings)


class ExportedFile(Model):
    name: str
    size: int


class ExportResult(Model):
    files: list[ExportedFile]
    images: int = 0
    splits: dict[str, int] = {}
