"""The paths of the earlier image crawler, whose jobs are datasets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from functions.api import identity
from functions.api.compat.routing import PAGE_SIZE, CrawlerRoute, all_items
from functions.api.dependencies import LoginThrottleDep, PlaceDep, RetryQuota, StartQuota
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.request_models import CompatRequestModel, Name
from functions.api.routes.datasets import (
    MAX_KEYWORDS,
    DatasetRequest,
    Keyword,
    LevelField,
    own_dataset,
    register_dataset,
)
from shared.datasets import runs, store
from shared.models.dataset import ChunkCounts, Dataset, DatasetStatus
from shared.models.image import Level
from shared.pipeline.lifecycle import new_id

router = APIRouter(
    prefix="/api/v1", tags=["compat: image crawler"], route_class=CrawlerRoute, responses=problem_responses(400, 422)
)


class CrawlerLoginRequest(CompatRequestModel):
    email: Annotated[str, Field(max_length=1000)] = Field(description="Email address or username.")
    password: Annotated[str, Field(max_length=1000)] = Field(description="Password of the account.")


class CrawlerToken(BaseModel):
    access_token: str = Field(description="Access token. Send it as `Authorization: Bearer …`.")
    token_type: str = Field(description="Always `bearer`.")
    refresh_token: str = Field(description="Refresh token for POST /v1/auth/refresh.")
    expires_in: int = Field(description="Lifetime of the access token in seconds.")


class CrawlRequest(CompatRequestModel):
    project_id: int | Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Your own project name or number, stored with the job."
    )
    name: Name = Field(description="Name of the job.")
    keywords: list[Keyword] = Field(
        min_length=1, max_length=MAX_KEYWORDS, description="Search terms. Duplicates are ignored."
    )
    max_images: int = Field(100, ge=1, description="Maximum number of images to keep.")


class CrawlProgress(BaseModel):
    progress: int = Field(ge=0, le=100, description="Progress in percent.")
    status: DatasetStatus = Field(description="Status of the job.")
    total_chunks: int = Field(description="Number of chunks of the crawl.")
    completed_chunks: int = Field(description="Number of completed chunks.")
    failed_chunks: int = Field(description="Number of failed chunks, including those of validation.")
    active_chunks: int = Field(description="Number of running chunks, including those of validation.")
    images_found: int = Field(description="Number of candidate images that the sources returned.")
    images_downloaded: int = Field(description="Number of images kept.")
    images_rejected: int = Field(description="Number of rejected candidates.")


class CrawlJob(CrawlProgress):
    id: str = Field(description="Identifier of the job, which is a dataset.")
    project_id: int | str | None = Field(description="Your own project name or number.")
    name: str = Field(description="Name of the job.")
    keywords: list[str] = Field(description="Search terms.")
    max_images: int = Field(description="Maximum number of images to keep.")
    error: str | None = Field(description="Why the job failed, if it did.")
    created_at: datetime = Field(description="When the job was created.")
    updated_at: datetime = Field(description="When the job last changed.")
    started_at: datetime | None = Field(description="When the job was started.")
    completed_at: datetime | None = Field(description="When the job ended.")


class CrawlValidationRequest(CompatRequestModel):
    level: LevelField = "medium"


class ValidationJob(BaseModel):
    job_id: str = Field(description="Identifier of the job.")
    level: Level = Field(description="The level of the validation.")
    status: DatasetStatus = Field(description="Status of the job.")
    images_count: int = Field(description="Number of images to validate.")


def own_crawl(
    job_id: Annotated[str, Path(description="The `id` of the job.")], user: Caller, place: PlaceDep
) -> Dataset:
    return own_dataset(job_id, user, place)


OwnCrawl = Annotated[Dataset, Depends(own_crawl)]


def progress_response(dataset: Dataset) -> CrawlProgress:
    counts, images, validated = dataset.progress.chunks, dataset.progress.images, dataset.progress.validated
    validation_chunks = validated.chunks if validated else ChunkCounts()
    return CrawlProgress(
        progress=dataset.percent,
        status=dataset.status,
        total_chunks=counts.total,
        completed_chunks=counts.completed,
        failed_chunks=counts.failed + validation_chunks.failed,
        active_chunks=counts.active + validation_chunks.active,
        images_found=images.found,
        images_downloaded=images.downloaded,
        images_rejected=sum(images.rejected.values()),
    )


def crawl_response(dataset: Dataset) -> CrawlJob:
    return CrawlJob(
        **progress_response(dataset).model_dump(),
        **dataset.model_dump(
            include={"id", "name", "keywords", "max_images", "created_at", "updated_at", "started_at"},
        ),
        project_id=dataset.project,
        error=dataset.error.message if dataset.error else None,
        completed_at=dataset.ended_at,
    )


@router.post(
    "/auth/login",
    summary="Sign in",
    description="Compatible with the image crawler: prefer POST /v1/auth/login.",
    responses=problem_responses(401, 403),
)
def crawler_log_in(form: CrawlerLoginRequest, throttle: LoginThrottleDep) -> CrawlerToken:
    session = identity.log_in(throttle, form.email, form.password)
    return CrawlerToken(
        access_token=session.access_token,
        token_type="bearer",  # noqa: S106  # the type of a token
        refresh_token=session.refresh_token,
        expires_in=session.expires_in,
    )


@router.post(
    "/jobs",
    summary="Create a crawl job",
    description=(
        "Compatible with the image crawler: prefer POST /v1/datasets. Creates a dataset that searches all sources "
        "except `google`. No image is fetched until the job is started."
    ),
    status_code=201,
    responses=problem_responses(401, 403),
)
def create_crawl(body: CrawlRequest, user: Caller, place: PlaceDep) -> CrawlJob:
    dataset_request = DatasetRequest(
        name=body.name, keywords=body.keywords, max_images=body.max_images, project=body.project_id
    )
    return crawl_response(register_dataset(place.documents, user.id, dataset_request, new_id()))


@router.get(
    "/jobs",
    summary="List crawl jobs",
    description=(
        "Compatible with the image crawler: prefer GET /v1/datasets. "
        "Returns your jobs, newest first: at most 1,000, without pages."
    ),
    responses=problem_responses(401, 403),
)
def list_crawls(user: Caller, place: PlaceDep) -> list[CrawlJob]:
    datasets = all_items(lambda cursor: store.list_datasets(place.documents, user.id, PAGE_SIZE, cursor))
    return [crawl_response(dataset) for dataset in datasets]


@router.get(
    "/jobs/{job_id}",
    summary="Get a crawl job",
    description="Compatible with the image crawler: prefer GET /v1/datasets/{dataset_id}.",
    responses=problem_responses(401, 403, 404),
)
def get_crawl(dataset: OwnCrawl) -> CrawlJob:
    return crawl_response(dataset)


@router.post(
    "/jobs/{job_id}/start",
    summary="Start or resume a crawl job",
    description="Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/start.",
    responses=problem_responses(401, 403, 404),
)
def start_crawl(dataset: OwnCrawl, place: PlaceDep, quota: StartQuota) -> CrawlJob:
    quota.consume()
    return crawl_response(runs.start_run(place, dataset))


@router.post(
    "/jobs/{job_id}/stop",
    summary="Stop a crawl job",
    description=(
        "Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/stop. Downloaded images are kept."
    ),
    responses=problem_responses(401, 403, 404),
)
def stop_crawl(dataset: OwnCrawl, place: PlaceDep) -> CrawlJob:
    return crawl_response(runs.stop_run(place, dataset))


@router.post(
    "/jobs/{job_id}/retry",
    summary="Retry failed chunks",
    description="Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/retry.",
    responses=problem_responses(401, 403, 404),
)
def retry_crawl(dataset: OwnCrawl, place: PlaceDep, quota: RetryQuota) -> CrawlJob:
    quota.consume()
    return crawl_response(runs.retry_failed_chunks(place, dataset))


@router.get(
    "/jobs/{job_id}/progress",
    summary="Get a crawl job's progress",
    description="Compatible with the image crawler: prefer GET /v1/datasets/{dataset_id}/progress.",
    responses=problem_responses(401, 403, 404),
)
def get_crawl_progress(dataset: OwnCrawl) -> CrawlProgress:
    return progress_response(dataset)


@router.post(
    "/validation/job/{job_id}",
    summary="Validate a crawl job's images",
    description=(
        "Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/validations. "
        "GET /v1/datasets/{dataset_id}/images returns the verdict of each image."
    ),
    responses=problem_responses(401, 403, 404),
)
def validate_crawl(
    dataset: OwnCrawl, body: CrawlValidationRequest, place: PlaceDep, quota: StartQuota
) -> ValidationJob:
    quota.consume()
    running, count = runs.start_validation(place, dataset, body.level)
    return ValidationJob(job_id=dataset.id, level=body.level, status=running.status, images_count=count)
