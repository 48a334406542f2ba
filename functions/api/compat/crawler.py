"""The paths of the earlier image crawler: a job there is a dataset here."""

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
    """What does not fit the state of a job is 400 here."""

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
    email: Annotated[str, Field(max_length=1000)]
    password: Annotated[str, Field(max_length=1000)]


class Token(BaseModel):
    access_token: str = Field(description="To be sent as `Authorization: Bearer …`.")
    token_type: str
    refresh_token: str
    expires_in: int = Field(description="Seconds.")


class CrawlWish(BaseModel):
    project_id: int | Annotated[str, Field(max_length=200)] | None = None
    name: Title
    keywords: list[Keyword] = Field(min_length=1, max_length=datasets.MAX_KEYWORDS)
    max_images: int = Field(100, ge=1)


class CrawlProgress(BaseModel):
    progress: int = Field(ge=0, le=100)
    status: DatasetStatus
    total_chunks: int
    completed_chunks: int
    failed_chunks: int
    active_chunks: int
    images_found: int
    images_downloaded: int
    images_rejected: int


class CrawlJob(CrawlProgress):
    id: str
    project_id: int | str | None
    name: str
    keywords: list[str]
    max_images: int
    error: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class ValidationLevel(BaseModel):
    level: Level = "medium"


class ValidationJob(BaseModel):
    job_id: str
    level: Level
    status: DatasetStatus
    images_count: int


def own_crawl(job_id: Annotated[str, Path(description="The dataset's `id`.")], user: Caller, place: Place) -> Dataset:
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


@router.post("/auth/login", summary="Sign in", responses=problems(401, 403))
def crawler_log_in(form: LogIn, guesses: Counted) -> Token:
    session = accounts.log_in(guesses, form.email, form.password)
    return Token(
        access_token=session.access_token,
        token_type="bearer",  # noqa: S106  # that is the word
        refresh_token=session.refresh_token,
        expires_in=session.expires_in,
    )


@router.post("/jobs", summary="Ask for images", status_code=201, responses=problems(401, 403))
def create_crawl(wish: CrawlWish, user: Caller, place: Place) -> CrawlJob:
    """As POST /v1/datasets, from several engines."""
    native = DatasetWish(name=wish.name, keywords=wish.keywords, max_images=wish.max_images, project=wish.project_id)
    return crawl(datasets.create(place.documents, user.id, native))


@router.get("/jobs", summary="List what was asked for, newest first", responses=problems(401, 403))
def list_crawls(user: Caller, place: Place) -> list[CrawlJob]:
    """At most a thousand; GET /v1/datasets has pages."""
    found: list[CrawlJob] = []
    cursor = None
    while len(found) < MOST_LISTED:
        some, cursor = store.datasets_of(place.documents, user.id, PAGE, cursor)
        found += map(crawl, some)
        if cursor is None:
            break
    return found


@router.get("/jobs/{job_id}", summary="Look at what was asked for", responses=problems(401, 403, 404))
def show_crawl(dataset: OwnCrawl) -> CrawlJob:
    return crawl(dataset)


@router.post("/jobs/{job_id}/start", summary="Start, or go on", responses=problems(401, 403, 404))
def start_crawl(dataset: OwnCrawl, place: Place, starts: Starts) -> CrawlJob:
    starts.take()
    return crawl(runs.start(place, dataset))


@router.post("/jobs/{job_id}/stop", summary="Stop; what was downloaded stays", responses=problems(401, 403, 404))
def stop_crawl(dataset: OwnCrawl, place: Place) -> CrawlJob:
    return crawl(runs.stop(place, dataset))


@router.post("/jobs/{job_id}/retry", summary="Do the failed chunks again", responses=problems(401, 403, 404))
def retry_crawl(dataset: OwnCrawl, place: Place, retries: Retries) -> CrawlJob:
    retries.take()
    return crawl(runs.retry(place, dataset))


@router.get("/jobs/{job_id}/progress", summary="Look how far it is", responses=problems(401, 403, 404))
def crawl_progress(dataset: OwnCrawl) -> CrawlProgress:
    return progress(dataset)


@router.post("/validation/job/{job_id}/", summary="Look at the images", responses=problems(401, 403, 404))
def validate_crawl(dataset: OwnCrawl, wish: ValidationLevel, place: Place, starts: Starts) -> ValidationJob:
    """What it says of each image is at GET /v1/datasets/{id}/images."""
    starts.take()
    running, count = runs.validate(place, dataset, wish.level)
    return ValidationJob(job_id=dataset.id, level=wish.level, status=running.status, images_count=count)
