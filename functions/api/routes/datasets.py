"""Image datasets: create, add URL lists, crawl, get, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api.dependencies import (
    Cursor,
    Idempotency,
    Limit,
    PlaceDep,
    RetryQuota,
    StartQuota,
    check_id,
)
from functions.api.event_streams import EventStream, LastEventId, document_events
from functions.api.identity import Caller
from functions.api.openapi import (
    REF,
    either_request_body,
    event_stream,
    event_stream_response,
    inline_request_body,
    json_body,
    problem_responses,
)
from functions.api.pages import location_header
from functions.api.request_bodies import media_type, read_form, read_json
from functions.api.request_models import LinkText, Name, RequestModel
from functions.api.schemas import NEXT_PAGE, public_model
from shared import clock
from shared.datasets import runs, store
from shared.datasets.url_lists import add_url_list, add_url_list_from_link
from shared.errors import PermanentError
from shared.models import Model
from shared.models.dataset import HIDDEN, ChunkCounts, Dataset, DatasetStatus, SourceName, SourceProgress
from shared.models.image import Filters, Level, Thresholds
from shared.platform.ports import Document, Documents
from shared.security.filenames import safe_filename
from shared.settings import settings

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], responses=problem_responses(401, 403, 422))

ENDED = (DatasetStatus.COMPLETED, DatasetStatus.FAILED, DatasetStatus.CANCELLED)
FREE_SOURCES = [SourceName.BING, SourceName.DUCKDUCKGO, SourceName.OPENVERSE]
MAX_KEYWORDS = 100

Keyword = Name
LevelField = Annotated[
    Level,
    Field(description="How thoroughly images are validated. Each level includes the checks of the ones before."),
]
PublicDataset = public_model(
    "Dataset",
    Dataset,
    set(HIDDEN),
    thresholds=(
        Thresholds,
        Field(default_factory=Thresholds, description=Dataset.model_fields["thresholds"].description),
    ),
)


class FiltersRequest(Filters):
    model_config = ConfigDict(extra="forbid")


class ThresholdsRequest(Thresholds):
    model_config = ConfigDict(extra="forbid")


class DatasetRequest(RequestModel):
    """A new image dataset. Without keywords, its images come from uploaded URL lists."""

    name: Name = Field(description="Name of the dataset.", examples=["Dogs in snow"])
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
    filters: FiltersRequest = Field(
        default_factory=FiltersRequest, description="Conditions that an image must meet to be kept."
    )
    level: LevelField = "medium"
    thresholds: ThresholdsRequest = Field(
        default_factory=ThresholdsRequest, description="Limits of the validation checks. Null disables a check."
    )

    @field_validator("keywords")
    @classmethod
    def deduplicate(cls, keywords: list[str]) -> list[str]:
        return list(dict.fromkeys(keywords))


class ListUploadForm(RequestModel):
    """A form with no fields other than the file."""


class ListLinkRequest(RequestModel):
    url: LinkText = Field(
        max_length=8192,
        description="URL of the list. It must be readable without further credentials, e.g. a signed URL.",
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


def own_dataset(
    dataset_id: Annotated[str, Path(description="The `id` of the dataset.")], user: Caller, place: PlaceDep
) -> Dataset:
    return store.read_own_dataset(place.documents, check_id(dataset_id), user.id)


OwnDataset = Annotated[Dataset, Depends(own_dataset)]


def register_dataset(documents: Documents, owner: str, request: DatasetRequest, dataset_id: str) -> Dataset:
    """Store a dataset, or return the one that has this id already; raises PermanentError `too_many_images`."""
    limit = settings().max_dataset_images
    if request.max_images > limit:
        raise PermanentError("too_many_images", f"A dataset holds at most {limit} images. Request fewer.")
    sources = FREE_SOURCES if request.sources is None else list(dict.fromkeys(request.sources))
    now = clock.now()
    dataset = Dataset(
        id=dataset_id,
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
    """Extrapolate the remaining seconds from the progress so far; None if the dataset is not running or at 0 %."""
    if dataset.status is not DatasetStatus.RUNNING or dataset.started_at is None or not 0 < dataset.percent < 100:
        return None
    return round((now - dataset.started_at).total_seconds() * (100 - dataset.percent) / dataset.percent)


@router.post(
    "",
    summary="Create an image dataset",
    description="Creates a dataset. No image is fetched until POST /v1/datasets/{dataset_id}/start starts it.",
    status_code=201,
    response_model=PublicDataset,
    responses=problem_responses(409),
)
def create_dataset(body: DatasetRequest, user: Caller, place: PlaceDep, idempotency: Idempotency) -> Response:
    dataset = register_dataset(place.documents, user.id, body, idempotency.reserve_id(body))
    return JSONResponse(dataset_response(dataset), 201, location_header(f"/v1/datasets/{dataset.id}"))


@router.get(
    "", summary="List your datasets", description="Returns your datasets, newest first.", response_model=DatasetPage
)
def list_datasets(
    user: Caller,
    place: PlaceDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    items, next_cursor = store.list_datasets(place.documents, user.id, limit, cursor)
    page: dict[str, Any] = {"datasets": [dataset_response(dataset) for dataset in items], "cursor": next_cursor}
    return JSONResponse(page)


@router.get(
    "/{dataset_id}",
    summary="Get a dataset",
    description="Returns a dataset with its settings, status and progress.",
    response_model=PublicDataset,
    responses=problem_responses(404),
)
def get_dataset(dataset: OwnDataset) -> Response:
    return JSONResponse(dataset_response(dataset))


@router.delete(
    "/{dataset_id}",
    summary="Delete a dataset",
    description="Deletes a dataset with all its images and exports.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def remove_dataset(dataset: OwnDataset, place: PlaceDep) -> None:
    store.delete_dataset(place, dataset.id)


@router.post(
    "/{dataset_id}/lists",
    summary="Add an image URL list",
    description="Adds a list of image URLs to a dataset that has not been started. The list is plain text with one"
    " URL per line, CSV with a `url` column, or JSON Lines with a `url` field. The optional columns `page_url`,"
    " `title`, `author`, `licence` and `licence_url` are stored too. Send the list itself as multipart/form-data, or"
    " a link to it as JSON, e.g. the signed URL of a stored object.",
    status_code=201,
    response_model=PublicDataset,
    responses=problem_responses(400, 404, 409, 413, 503),
    openapi_extra=either_request_body(
        inline_request_body(
            "multipart/form-data", ListUploadForm.model_json_schema() | {"properties": {}}, file="The list of URLs."
        ),
        json_body(ListLinkRequest),
    ),
)
async def add_list(dataset: OwnDataset, request: Request, place: PlaceDep, quota: StartQuota) -> Response:
    if media_type(request) == "application/json":
        link = await read_json(request, ListLinkRequest)
        await run_in_threadpool(quota.consume)
        changed = await run_in_threadpool(add_url_list_from_link, place, dataset, link.url)
    else:
        async with read_form(request, ListUploadForm, settings()) as (_, file):
            changed = await run_in_threadpool(add_url_list, place, dataset, file.stream, safe_filename(file.filename))
    return JSONResponse(dataset_response(changed), 201)


@router.post(
    "/{dataset_id}/start",
    summary="Start or resume a dataset",
    description="Starts to crawl and validate images, or resumes a dataset that was stopped.",
    status_code=202,
    response_model=PublicDataset,
    responses=problem_responses(404, 409),
)
def start_dataset(dataset: OwnDataset, place: PlaceDep, quota: StartQuota) -> Response:
    quota.consume()
    return JSONResponse(dataset_response(runs.start_run(place, dataset)), 202)


@router.post(
    "/{dataset_id}/stop",
    summary="Stop a dataset",
    description="Stops a dataset. Downloaded images are kept. Stopping a stopped dataset has no effect.",
    response_model=PublicDataset,
    responses=problem_responses(404, 409),
)
def stop_dataset(dataset: OwnDataset, place: PlaceDep) -> Response:
    return JSONResponse(dataset_response(runs.stop_run(place, dataset)))


@router.post(
    "/{dataset_id}/retry",
    summary="Retry failed chunks",
    description="Runs the failed chunks of a dataset again. Images that are already downloaded are not fetched again.",
    status_code=202,
    response_model=PublicDataset,
    responses=problem_responses(404, 409),
)
def retry_dataset(dataset: OwnDataset, place: PlaceDep, quota: RetryQuota) -> Response:
    quota.consume()
    return JSONResponse(dataset_response(runs.retry_failed_chunks(place, dataset)), 202)


@router.get(
    "/{dataset_id}/progress",
    summary="Get a dataset's progress",
    description="Returns counts of chunks and images, in total and by source, and an estimate of the remaining time.",
    responses=problem_responses(404),
)
def get_dataset_progress(dataset: OwnDataset) -> DatasetProgress:
    return progress_of(dataset)


@router.get(
    "/{dataset_id}/events",
    summary="Stream a dataset's events",
    description=(
        "Streams server-sent events. The data of each event is the dataset as GET /v1/datasets/{dataset_id} returns "
        "it. The stream ends when the dataset is `completed`, `failed` or `cancelled`."
    ),
    response_class=EventStream,
    responses=problem_responses(404)
    | event_stream_response("The states of the dataset", event_stream({"$ref": REF.format(model="Dataset")})),
)
async def stream_dataset_events(dataset: OwnDataset, place: PlaceDep, last_event_id: LastEventId = None) -> Response:
    events = document_events(place.documents, dataset.id, last_event_id, store.DATASETS, render_dataset)
    return EventStream(events, headers={"X-Accel-Buffering": "no"})


def render_dataset(document: Document) -> tuple[bool, dict[str, Any]]:
    dataset = Dataset.read(document.data)
    return dataset.status in ENDED, dataset_response(dataset)
