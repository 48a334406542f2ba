"""The paths of the earlier image crawler, whose jobs are datasets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from functions.api import accounts, datasets
from functions.api.access import Place, Retries, Starts
from functions.api.accounts import Counted
from functions.api.datasets import DatasetWish, Keyword, own_dataset
from functions.api.identity import Caller
from functions.api.openapi import problems
from functions.api.problems import BadRequest, status_of
from functions.api.schemas import Title
from shared.datasets import runs, store
from shared.errors import PermanentError
from shared.models.crawl import ChunkCounts, Dataset
from shared.models.dataset import DatasetStatus, Level
from shared.pipeline.lifecycle import JobProblem

MOST_LISTED = 1000
PAGE = 100
REFUSED = (409, 413, 415)

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class CrawlerRoute(APIRoute):
    """Responds with 400 to a request that conflicts with the state of a job."""

    def get_route_handler(self) -> Answer:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except (PermanentError, JobProblem) as refused:
                if status_of(refused) in REFUSED:
                    raise BadRequest(refused.code, refused.message) from None
                raise

        return answer


router = APIRouter(
    prefix="/api/v1", tags=["compat: image crawler"], route_class=CrawlerRoute, responses=problems(400, 422)
)


class LogIn(BaseModel):
    email: Annotated[str, Field(max_length=1000)] = Field(description="Email address or username.")
    password: Annotated[str, Field(max_length=1000)] = Field(description="Password of the account.")


class Token(BaseModel):
    access_token: str = Field(description="Access token. Send it as `Authorization: Bearer …`.")
    token_type: str = Field(description="Always `bearer`.")
    refresh_token: str = Field(description="Refresh token for POST /v1/auth/refresh.")
    expires_in: int = Field(description="Lifetime of the access token in seconds.")


class CrawlWish(BaseModel):
    project_id: int | Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Your own project name or number, stored with the job."
    )
    name: Title = Field(description="Name of the job.")
    keywords: list[Keyword] = Field(
        min_length=1, max_length=datasets.MAX_KEYWORDS, description="Search terms. Duplicates are ignored."
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


class ValidationLevel(BaseModel):
    level: Level = Field(
        "medium",
        description="How thoroughly images are validated. Each level includes the checks of the ones before.",
    )


class ValidationJob(BaseModel):
    job_id: str = Field(description="Identifier of the job.")
    level: Level = Field(description="The level of the validation.")
    status: DatasetStatus = Field(description="Status of the job.")
    images_count: int = Field(description="Number of images to validate.")


def own_crawl(job_id: Annotated[str, Path(description="The `id` of the job.")], user: Caller, place: Place) -> Dataset:
    return own_dataset(job_id, user, place)


OwnCrawl = Annotated[Dataset, Depends(own_crawl)]


def progress(dataset: Dataset) -> CrawlProgress:
    counts, images, validated = dataset.progress.chunks, dataset.progress.images, dataset.progress.validated
    looked = validated.chunks if validated else ChunkCounts()
    return CrawlProgress(
        progress=dataset.percent,
        status=dataset.status,
        total_chunks=counts.total,
        completed_chunks=counts.completed,
        failed_chunks=counts.failed + looked.failed,
        active_chunks=counts.active + looked.active,
        images_found=images.found,
        images_downloaded=images.downloaded,
        images_rejected=sum(images.rejected.values()),
    )


def crawl(dataset: Dataset) -> CrawlJob:
    return CrawlJob(
        **progress(dataset).model_dump(),
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
    responses=problems(401, 403),
)
def crawler_log_in(form: LogIn, guesses: Counted) -> Token:
    session = accounts.log_in(guesses, form.email, form.password)
    return Token(
        access_token=session.access_token,
        token_type="bearer",  # noqa: S106  # that is the word
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
    responses=problems(401, 403),
)
def create_crawl(wish: CrawlWish, user: Caller, place: Place) -> CrawlJob:
    native = DatasetWish(name=wish.name, keywords=wish.keywords, max_images=wish.max_images, project=wish.project_id)
    return crawl(datasets.create(place.documents, user.id, native))


@router.get(
    "/jobs",
    summary="List crawl jobs",
    description=(
        "Compatible with the image crawler: prefer GET /v1/datasets. "
        "Returns your jobs, newest first: at most 1,000, without pages."
    ),
    responses=problems(401, 403),
)
def list_crawls(user: Caller, place: Place) -> list[CrawlJob]:
    found: list[CrawlJob] = []
    cursor = None
    while len(found) < MOST_LISTED:
        some, cursor = store.datasets_of(place.documents, user.id, PAGE, cursor)
        found += map(crawl, some)
        if cursor is None:
            break
    return found


@router.get(
    "/jobs/{job_id}",
    summary="Get a crawl job",
    description="Compatible with the image crawler: prefer GET /v1/datasets/{dataset_id}.",
    responses=problems(401, 403, 404),
)
def show_crawl(dataset: OwnCrawl) -> CrawlJob:
    return crawl(dataset)


@router.post(
    "/jobs/{job_id}/start",
    summary="Start or resume a crawl job",
    description="Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/start.",
    responses=problems(401, 403, 404),
)
def start_crawl(dataset: OwnCrawl, place: Place, starts: Starts) -> CrawlJob:
    starts.take()
    return crawl(runs.start(place, dataset))


@router.post(
    "/jobs/{job_id}/stop",
    summary="Stop a crawl job",
    description=(
        "Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/stop. Downloaded images are kept."
    ),
    responses=problems(401, 403, 404),
)
def stop_crawl(dataset: OwnCrawl, place: Place) -> CrawlJob:
    return crawl(runs.stop(place, dataset))


@router.post(
    "/jobs/{job_id}/retry",
    summary="Retry failed chunks",
    description="Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/retry.",
    responses=problems(401, 403, 404),
)
def retry_crawl(dataset: OwnCrawl, place: Place, retries: Retries) -> CrawlJob:
    retries.take()
    return crawl(runs.retry(place, dataset))


@router.get(
    "/jobs/{job_id}/progress",
    summary="Get a crawl job's progress",
    description="Compatible with the image crawler: prefer GET /v1/datasets/{dataset_id}/progress.",
    responses=problems(401, 403, 404),
)
def crawl_progress(dataset: OwnCrawl) -> CrawlProgress:
    return progress(dataset)


@router.post(
    "/validation/job/{job_id}/",
    summary="Validate a crawl job's images",
    description=(
        "Compatible with the image crawler: prefer POST /v1/datasets/{dataset_id}/validations. "
        "GET /v1/datasets/{dataset_id}/images returns the verdict of each image."
    ),
    responses=problems(401, 403, 404),
)
def validate_crawl(dataset: OwnCrawl, wish: ValidationLevel, place: Place, starts: Starts) -> ValidationJob:
    starts.take()
    running, count = runs.validate(place, dataset, wish.level)
    return ValidationJob(job_id=dataset.id, level=wish.level, status=running.status, images_count=count)
