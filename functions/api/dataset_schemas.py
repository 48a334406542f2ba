"""Request and response models of datasets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from functions.api.dependencies import PlaceDep, check_id
from functions.api.identity import Caller
from functions.api.schemas import NEXT_PAGE, Title, public_model
from shared import clock
from shared.datasets import store
from shared.errors import PermanentError
from shared.models import Model
from shared.models.dataset import HIDDEN, ChunkCounts, Dataset, DatasetStatus, SourceName, SourceProgress
from shared.models.image import Filters, ImageFinding, ImageRecord, ImageState, Level, Thresholds
from shared.pipeline.lifecycle import new_id
from shared.platform.ports import Documents
from shared.settings import settings

Keyword = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(lambda text: " ".join(text.split()))]
MAX_KEYWORDS = 100
PublicDataset = public_model("Dataset", Dataset, set(HIDDEN))
FREE_SOURCES = [SourceName.BING, SourceName.DUCKDUCKGO, SourceName.OPENVERSE]


class DatasetRequest(BaseModel):
    """A new image dataset. Without keywords, its images come from uploaded URL lists."""

    model_config = ConfigDict(extra="forbid")

    name: Title = Field(description="Name of the dataset.", examples=["Dogs in snow"])
    project: int | Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Your own project name or number, stored with the dataset."
    )
    keywords: list[Keyword] = Field(
        [],
        max_length=MAX_KEYWORDS,
        description="Search terms. Duplicates are ignored.",
        examples=[["husky snow", "samoyed"]],
    )
    sources: list[SourceName] | None = Field(
        None,
        max_length=10,
        description="Search engines to query for the keywords. Null: all except `google`, which Apify charges for.",
    )
    max_images: int = Field(
        100, ge=1, description="Maximum number of images to keep, divided evenly among keywords and sources."
    )
    filters: Filters = Field(default_factory=Filters, description="Conditions that an image must meet to be kept.")
    level: Level = Field(
        "medium",
        description="How thoroughly images are validated. Each level includes the checks of the ones before.",
    )
    thresholds: Thresholds = Field(
        default_factory=Thresholds, description="Limits of the validation checks. Null disables a check."
    )

    @field_validator("keywords")
    @classmethod
    def deduplicate(cls, keywords: list[str]) -> list[str]:
        return list(dict.fromkeys(keywords))


class ValidationRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: Level = Field(
        "medium",
        description="How thoroughly images are validated. Each level includes the checks of the ones before.",
    )


class DatasetPage(BaseModel):
    datasets: list[PublicDataset] = Field(description="Datasets, newest first.")  # type: ignore[valid-type]
    cursor: str | None = Field(description=NEXT_PAGE)


class DatasetProgress(Model):
    """The progress of a dataset."""

    status: DatasetStatus = Field(description="Status of the dataset.")
    percent: int = Field(description="Progress in percent.")
    stage: str | None = Field(description="The stage that runs or ran last: `crawl` or `validate`.")
    chunks: ChunkCounts = Field(description="Chunks of the crawl.")
    found: int = Field(description="Number of candidate images that the sources returned so far.")
    downloaded: int = Field(description="Number of images kept.")
    rejected: dict[str, int] = Field(description="Number of rejected candidates by reason.")
    sources: dict[str, SourceProgress] = Field(description="Progress by source.")
    eta_sec: int | None = Field(
        description="Estimated remaining time in seconds, extrapolated from the time so far. Null if unknown."
    )


class ValidationResponse(Model):
    """A validation that was started."""

    dataset: PublicDataset = Field(description="The dataset.")  # type: ignore[valid-type]
    images_count: int = Field(description="Number of images to validate.")


class PublicImage(Model):
    """A candidate image and its outcome."""

    id: str = Field(description="Identifier of the image.")
    url: str = Field(description="URL of the image.")
    page_url: str | None = Field(description="URL of the page that contains the image.")
    source: str = Field(description="The source that returned the image first.")
    keyword: str | None = Field(description="The search term that found the image.")
    title: str | None = Field(description="Title of the image.")
    author: str | None = Field(description="Author of the image.")
    licence: str | None = Field(description="Licence as the source names it, in lower case, e.g. `by-sa 4.0`.")
    licence_url: str | None = Field(description="URL of the licence.")
    state: ImageState = Field(description="`pending`, `downloaded` or `rejected`.")
    reason: str | None = Field(description="Why the image was rejected, e.g. `http_404`, `robots` or `duplicate`.")
    of: str | None = Field(description="Id of the image with the same bytes, if this one is a `duplicate`.")
    sha256: str | None = Field(description="SHA-256 of the downloaded bytes.")
    size_bytes: int | None = Field(description="Size in bytes.")
    format: str | None = Field(description="Image format, e.g. `jpeg`.")
    width: int | None = Field(description="Width in pixels.")
    height: int | None = Field(description="Height in pixels.")
    group: str | None = Field(description="Id of the image kept from a group of near duplicates.")
    accepted: bool | None = Field(description="Whether validation accepted the image. Null until it is validated.")
    level: Level | None = Field(description="The level at which the image was validated.")
    findings: list[ImageFinding] = Field(description="Why the image was not accepted, worst first.")


def create_dataset(documents: Documents, owner: str, request: DatasetRequest) -> Dataset:
    """Raises PermanentError `too_many_images`."""
    limit = settings().max_dataset_images
    if request.max_images > limit:
        raise PermanentError("too_many_images", f"A dataset holds at most {limit} images. Request fewer.")
    sources = FREE_SOURCES if request.sources is None else list(dict.fromkeys(request.sources))
    now = clock.now()
    dataset = Dataset(
        id=new_id(),
        owner=owner,
        name=request.name,
        project=request.project,
        keywords=request.keywords,
        sources=sources,
        max_images=request.max_images,
        filters=request.filters,
        level=request.level,
        thresholds=request.thresholds.model_dump(by_alias=True, exclude_defaults=True),
        created_at=now,
        updated_at=now,
    )
    return store.create_dataset(documents, dataset)


def dataset_response(dataset: Dataset) -> dict[str, Any]:
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
        eta_sec=remaining_seconds(dataset, clock.now()),
    )


def remaining_seconds(dataset: Dataset, now: datetime) -> int | None:
    """Remaining seconds, extrapolated from the progress so far."""
    if dataset.status is not DatasetStatus.RUNNING or dataset.started_at is None or not 0 < dataset.percent < 100:
        return None
    return round((now - dataset.started_at).total_seconds() * (100 - dataset.percent) / dataset.percent)


def image_response(record: ImageRecord) -> dict[str, Any]:
    verdict = record.verdict
    return record.model_dump() | {
        "accepted": verdict.accepted if verdict else None,
        "level": verdict.level if verdict else None,
        "findings": verdict.findings if verdict else [],
    }


def own_dataset(
    dataset_id: Annotated[str, Path(description="The `id` of the dataset.")], user: Caller, place: PlaceDep
) -> Dataset:
    return store.read_own_dataset(place.documents, check_id(dataset_id), user.id)


OwnDataset = Annotated[Dataset, Depends(own_dataset)]
