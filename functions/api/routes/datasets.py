"""Image datasets: create, crawl, validate, delete."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import datasets
from functions.api.access import Cursor, Limit, Place, Retries, Starts, wrong_cursor
from functions.api.bodies import media_type, read_form, read_json
from functions.api.datasets import (
    DatasetPage,
    DatasetProgress,
    DatasetWish,
    OwnDataset,
    PublicDataset,
    ValidationStarted,
    ValidationWish,
    shown,
)
from functions.api.events import EventStream, LastEventId, follow
from functions.api.identity import Caller
from functions.api.openapi import either, inline_body, problems
from shared.datasets import runs, store
from shared.datasets.erasing import delete_dataset
from shared.datasets.lists import add_list, add_list_behind
from shared.models.crawl import Dataset
from shared.models.dataset import DatasetStatus
from shared.platform.ports import Document
from shared.security.filenames import safe_filename

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], responses=problems(401, 403, 422))

ENDED = (DatasetStatus.COMPLETED, DatasetStatus.FAILED, DatasetStatus.CANCELLED)


class NoFields(BaseModel):
    """A form with no fields other than the file."""

    model_config = ConfigDict(extra="forbid")


class ListLink(BaseModel):
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
def create_dataset(wish: DatasetWish, user: Caller, place: Place) -> Response:
    dataset = datasets.create(place.documents, user.id, wish)
    return JSONResponse(shown(dataset), 201, {"Location": f"/v1/datasets/{dataset.id}"})


@router.get(
    "", summary="List your datasets", description="Returns your datasets, newest first.", response_model=DatasetPage
)
def list_datasets(
    user: Caller,
    place: Place,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    try:
        found, after = store.datasets_of(place.documents, user.id, limit, cursor)
    except ValueError:
        raise wrong_cursor() from None
    page: dict[str, Any] = {"datasets": [shown(dataset) for dataset in found], "cursor": after}
    return JSONResponse(page)


@router.get(
    "/{dataset_id}",
    summary="Get a dataset",
    description="Returns a dataset with its settings, status and progress.",
    response_model=PublicDataset,
    responses=problems(404),
)
def show_dataset(dataset: OwnDataset) -> Response:
    return JSONResponse(shown(dataset))


@router.delete(
    "/{dataset_id}",
    summary="Delete a dataset",
    description="Deletes a dataset with all its images and exports.",
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def remove_dataset(dataset: OwnDataset, place: Place) -> None:
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
    responses=problems(400, 404, 409, 413, 503),
    openapi_extra=either(
        inline_body("multipart/form-data", NoFields.model_json_schema() | {"properties": {}}, file="The list of URLs."),
        inline_body("application/json", ListLink.model_json_schema()),
    ),
)
async def send_list(dataset: OwnDataset, request: Request, place: Place, starts: Starts) -> Response:
    if media_type(request) == "application/json":
        link = await read_json(request, ListLink)
        await run_in_threadpool(starts.take)
        changed = await run_in_threadpool(add_list_behind, place, dataset, link.url)
    else:
        async with read_form(request, NoFields) as (_, file):
            changed = await run_in_threadpool(add_list, place, dataset, file.stream, safe_filename(file.filename))
    return JSONResponse(shown(changed), 201)


@router.post(
    "/{dataset_id}/start",
    summary="Start or resume a dataset",
    description="Starts to crawl and validate images, or resumes a dataset that was stopped.",
    status_code=202,
    response_model=PublicDataset,
    responses=problems(404, 409),
)
def start_dataset(dataset: OwnDataset, place: Place, starts: Starts) -> Response:
    starts.take()
    return JSONResponse(shown(runs.start(place, dataset)), 202)


@router.post(
    "/{dataset_id}/stop",
    summary="Stop a dataset",
    description="Stops a dataset. Downloaded images are kept. Stopping a stopped dataset has no effect.",
    response_model=PublicDataset,
    responses=problems(404, 409),
)
def stop_dataset(dataset: OwnDataset, place: Place) -> Response:
    return JSONResponse(shown(runs.stop(place, dataset)))


@router.post(
    "/{dataset_id}/retry",
    summary="Retry failed chunks",
    description="Runs the failed chunks of a dataset again. Images that are already downloaded are not fetched again.",
    status_code=202,
    response_model=PublicDataset,
    responses=problems(404, 409),
)
def retry_dataset(dataset: OwnDataset, place: Place, retries: Retries) -> Response:
    retries.take()
    return JSONResponse(shown(runs.retry(place, dataset)), 202)


@router.get(
    "/{dataset_id}/progress",
    summary="Get a dataset's progress",
    description="Returns counts of chunks and images, in total and by source, and an estimate of the remaining time.",
    responses=problems(404),
)
def dataset_progress(dataset: OwnDataset) -> DatasetProgress:
    return datasets.progress_of(dataset)


@router.get(
    "/{dataset_id}/events",
    summary="Stream a dataset's events",
    description=(
        "Streams server-sent events. The data of each event is the dataset as GET /v1/datasets/{dataset_id} returns "
        "it. The stream ends when the dataset is `completed`, `failed` or `cancelled`."
    ),
    response_class=EventStream,
    responses=problems(404),
)
async def dataset_events(dataset: OwnDataset, place: Place, last_event_id: LastEventId = None) -> Response:
    events = follow(place.documents, dataset.id, last_event_id, store.DATASETS, render)
    return EventStream(events, headers={"X-Accel-Buffering": "no"})


def render(document: Document) -> tuple[bool, dict[str, Any]]:
    dataset = Dataset.read(document.data)
    return dataset.status in ENDED, shown(dataset)


@router.post(
    "/{dataset_id}/validations",
    summary="Validate a dataset's images",
    description="Validates all images again at the given level. Earlier verdicts are replaced; no image is deleted.",
    status_code=202,
    response_model=ValidationStarted,
    responses=problems(404, 409),
)
def validate_dataset(dataset: OwnDataset, wish: ValidationWish, place: Place, starts: Starts) -> Response:
    starts.take()
    running, count = runs.validate(place, dataset, wish.level)
    return JSONResponse({"dataset": shown(running), "imagesCount": count}, 202)
