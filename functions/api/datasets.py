"""Datasets as the API shows and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from functions.api.access import Place, check_id
from functions.api.identity import Caller
from functions.api.schemas import Title, public_model
from shared import clock
from shared.datasets import store
from shared.errors import PermanentError
from shared.models.base import Model
from shared.models.crawl import HIDDEN, ChunkCounts, Dataset, SourceName, SourceProgress
from shared.models.dataset import DatasetStatus, Filters, Finding, ImageRecord, ImageState, Level
from shared.models.thresholds import Thresholds
from shared.pipeline.lifecycle import new_id
from shared.platform.ports import Documents
from shared.settings import settings

Keyword = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(lambda text: " ".join(text.split()))]
MAX_KEYWORDS = 100

PublicDataset = public_model("Dataset", Dataset, set(HIDDEN))


FREE = [SourceName.BING, SourceName.DUCKDUCKGO, SourceName.OPENVERSE]


class DatasetWish(BaseModel):
    """What images are wanted. Without keywords they come from lists that are sent to it."""

    model_config = ConfigDict(extra="forbid")

    name: Title = Field(examples=["Dogs in snow"])
    project: int | Annotated[str, Field(max_length=200)] | None = Field(None, description="Any name of your own.")
    keywords: list[Keyword] = Field([], max_length=MAX_KEYWORDS, examples=[["husky snow", "samoyed"]])
    sources: list[SourceName] | None = Field(
        None,
        max_length=10,
        description="Where keywords are searched; null: everywhere but at `google`, which costs Apify's price.",
    )
    max_images: int = Field(100, ge=1, description="Shared out fairly among keywords and sources.")
    filters: Filters = Field(default_factory=Filters)
    level: Level = Field("medium", description="How closely images are looked at once they are there.")
    thresholds: Thresholds = Field(
        default_factory=Thresholds, description="Limits of the checks; null switches one off."
    )

    @field_validator("keywords")
    @classmethod
    def once(cls, keywords: list[str]) -> list[str]:
        return list(dict.fromkeys(keywords))


class ValidationWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: Level = "medium"


class DatasetPage(BaseModel):
    datasets: list[PublicDataset] = Field(description="Newest first.")  # type: ignore[valid-type]
    cursor: str | None = Field(description="Give it back to get the next page; null on the last one.")


class DatasetProgress(Model):
    status: DatasetStatus
    percent: int
    stage: str | None
    chunks: ChunkCounts
    found: int
    downloaded: int
    rejected: dict[str, int]
    sources: dict[str, SourceProgress]
    eta_sec: int | None = Field(
        description="Estimated from the time it took so far; null when there is nothing to go by."
    )


class ValidationStarted(Model):
    dataset: PublicDataset  # type: ignore[valid-type]
    images_count: int = Field(description="How many images are looked at.")


class PublicImage(Model):
    """An image that a source named, and what came of it."""

    id: str
    url: str
    page_url: str | None
    source: str
    keyword: str | None
    title: str | None
    author: str | None
    licence: str | None
    licence_url: str | None
    state: ImageState
    reason: str | None
    of: str | None
    sha256: str | None
    size_bytes: int | None
    format: str | None
    width: int | None
    height: int | None
    group: str | None
    accepted: bool | None = Field(description="Null while nobody has looked at it.")
    level: Level | None
    findings: list[Finding]


def create(documents: Documents, owner: str, wish: DatasetWish) -> Dataset:
    """Raises PermanentError `too_many_images`."""
    most = settings().max_dataset_images
    if wish.max_images > most:
        raise PermanentError("too_many_images", f"A dataset holds at most {most} images. Request fewer.")
    sources = FREE if wish.sources is None else list(dict.fromkeys(wish.sources))
    now = clock.now()
    dataset = Dataset(
        id=new_id(),
        owner=owner,
        name=wish.name,
        project=wish.project,
        keywords=wish.keywords,
        sources=sources,
        max_images=wish.max_images,
        filters=wish.filters,
        level=wish.level,
        thresholds=wish.thresholds.model_dump(by_alias=True, exclude_defaults=True),
        created_at=now,
        updated_at=now,
    )
    return store.create_dataset(documents, dataset)


def shown(dataset: Dataset) -> dict[str, Any]:
    return dataset.model_dump(mode="json", by_alias=True, exclude=set(HIDDEN))


def progress_of(dataset: Dataset) -> DatasetProgress:
    progress = dataset.progress
    return DatasetProgress(
        status=dataset.status,
        percent=dataset.percent,
        stage=progress.stage,
        chunks=progress.chunks,
        found=progress.images.found,
        downloaded=progress.images.downloaded,
        rejected=progress.images.rejected,
        sources=progress.sources,
        eta_sec=eta(dataset, clock.now()),
    )


def eta(dataset: Dataset, now: datetime) -> int | None:
    """Seconds that are left if it goes on as it went."""
    if dataset.status is not DatasetStatus.RUNNING or dataset.started_at is None or not 0 < dataset.percent < 100:
        return None
    return round((now - dataset.started_at).total_seconds() * (100 - dataset.percent) / dataset.percent)


def shown_image(record: ImageRecord) -> dict[str, Any]:
    verdict = record.verdict
    return record.model_dump() | {
        "accepted": verdict.accepted if verdict else None,
        "level": verdict.level if verdict else None,
        "findings": verdict.findings if verdict else [],
    }


def own_dataset(
    dataset_id: Annotated[str, Path(description="The dataset's `id`.")], user: Caller, place: Place
) -> Dataset:
    return store.own_dataset(place.documents, check_id(dataset_id), user.id)


OwnDataset = Annotated[Dataset, Depends(own_dataset)]
