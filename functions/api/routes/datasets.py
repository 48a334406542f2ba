"""Image datasets: create, crawl, validate, delete."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import dataset_schemas as datasets
from functions.api.dataset_schemas import (
    DatasetPage,
    DatasetProgress,
    DatasetRequest,
    OwnDataset,
    PublicDataset,
    ValidationRequest,
    ValidationResponse,
    dataset_response,
)
from functions.api.dependencies import Cursor, Limit, PlaceDep, RetryQuota, StartQuota, cursor_error
from functions.api.event_streams import EventStream, LastEventId, document_events
from functions.api.identity import Caller
from functions.api.openapi import either_request_body, inline_request_body, problem_responses
from functions.api.request_bodies import media_type, read_form, read_json
from shared.datasets import runs, store
from shared.datasets.store import delete_dataset
from shared.datasets.url_lists import add_url_list, add_url_list_from_link
from shared.models.dataset import Dataset, DatasetStatus
from shared.platform.ports import Document
from shared.security.filenames import safe_filename

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], responses=problem_responses(401, 403, 422))

ENDED = (DatasetStatus.COMPLETED, DatasetStatus.FAILED, DatasetStatus.CANCELLED)


class ListUploadForm(BaseModel):
    """A form with no fields other than the file."""

    model_config = ConfigDict(extra="forbid")


class ListLinkRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=8192,
        description="URL of the list. It must be readable without further credentials, e.g. a signed URL.",
    )


@router.post(
    "",
    summary="Create an image dataset",
    description="Creates a dataset. No image is fetched until POST /v1/datasets/{dataset_id}/start starts it.",
    status_code=201,
    response_model=PublicDataset,
)
def create_dataset(body: DatasetRequest, user: Caller, place: PlaceDep) -> Response:
    dataset = datasets.create_dataset(place.documents, user.id, body)
    return JSONResponse(dataset_response(dataset), 201, {"Location": f"/v1/datasets/{dataset.id}"})


@router.get(
    "", summary="List your datasets", description="Returns your datasets, newest first.", response_model=DatasetPage
)
def list_datasets(
    user: Caller,
    place: PlaceDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    try:
        items, next_cursor = store.list_datasets(place.documents, user.id, limit, cursor)
    except ValueError:
        raise cursor_error() from None
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
    delete_dataset(place, dataset.id)


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
        inline_request_body("application/json", ListLinkRequest.model_json_schema()),
    ),
)
async def add_list(dataset: OwnDataset, request: Request, place: PlaceDep, quota: StartQuota) -> Response:
    if media_type(request) == "application/json":
        link = await read_json(request, ListLinkRequest)
        await run_in_threadpool(quota.consume)
        changed = await run_in_threadpool(add_url_list_from_link, place, dataset, link.url)
    else:
        async with read_form(request, ListUploadForm) as (_, file):
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
    return datasets.progress_of(dataset)


@router.get(
    "/{dataset_id}/events",
    summary="Stream a dataset's events",
    description=(
        "Streams server-sent events. The data of each event is the dataset as GET /v1/datasets/{dataset_id} returns "
        "it. The stream ends when the dataset is `completed`, `failed` or `cancelled`."
    ),
    response_class=EventStream,
    responses=problem_responses(404),
)
async def stream_dataset_events(dataset: OwnDataset, place: PlaceDep, last_event_id: LastEventId = None) -> Response:
    events = document_events(place.documents, dataset.id, last_event_id, store.DATASETS, render_dataset)
    return EventStream(events, headers={"X-Accel-Buffering": "no"})


def render_dataset(document: Document) -> tuple[bool, dict[str, Any]]:
    dataset = Dataset.read(document.data)
    return dataset.status in ENDED, dataset_response(dataset)


@router.post(
    "/{dataset_id}/validations",
    summary="Validate a dataset's images",
    description="Validates all images again at the given level. Earlier verdicts are replaced; no image is deleted.",
    status_code=202,
    response_model=ValidationResponse,
    responses=problem_responses(404, 409),
)
def validate_dataset(dataset: OwnDataset, body: ValidationRequest, place: PlaceDep, quota: StartQuota) -> Response:
    quota.consume()
    running, count = runs.start_validation(place, dataset, body.level)
    return JSONResponse({"dataset": dataset_response(running), "imagesCount": count}, 202)
