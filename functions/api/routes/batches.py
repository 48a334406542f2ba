"""Batches: submit many videos at once, upload their files, get, list, follow and cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import batch_submission
from functions.api.batch_models import BatchItemPage, BatchPage, BatchRequest, PublicBatch
from functions.api.dependencies import (
    BatchQuota,
    Cursor,
    Idempotency,
    Limit,
    PlaceDep,
    check_id,
)
from functions.api.event_streams import EventStream, LastEventId, document_events
from functions.api.identity import Caller, page_origin
from functions.api.openapi import REF, event_stream, event_stream_response, json_body, problem_responses
from functions.api.pages import location_header
from functions.api.request_bodies import read_json
from functions.api.routes.jobs import job_response, upload_ticket
from functions.api.schemas import PublicJob, UploadTicket
from shared.logs import current_trace
from shared.models.batch import Batch
from shared.pipeline.batch_release import cancel_batch
from shared.pipeline.batches import BATCHES, MAX_ITEMS, read_own_batch
from shared.platform.cursors import read_offset, write_offset
from shared.platform.ports import Document

router = APIRouter(prefix="/v1", tags=["batches"], responses=problem_responses(401, 403, 422))
ITEMS = "batch-items"
"""The form of a cursor of the items of a batch."""


def own_batch(
    batch_id: Annotated[str, Path(description="The `id` of the batch.")], user: Caller, place: PlaceDep
) -> Batch:
    """Return the caller's batch; raises NotFound if it does not exist or belongs to another user."""
    return read_own_batch(place.documents, check_id(batch_id), user.id)


OwnBatch = Annotated[Batch, Depends(own_batch)]


def batch_response(batch: Batch, status: int = 200) -> JSONResponse:
    headers = location_header(f"/v1/batches/{batch.id}") if status == 202 else None
    return JSONResponse(batch.to_public(), status, headers)


@router.post(
    "/jobs/batch",
    summary="Submit many videos",
    description=(
        f"Creates a batch of up to {MAX_ITEMS} videos for the same analysis: URLs, playlists, channels, profiles and "
        "files. The whole request is accepted, or none of it. Jobs are created a few at a time, as earlier ones end, "
        "so that a batch does not delay other users. A video that a job of yours already has in the same analysis is "
        "not processed again. Batches have a rate limit of their own; their jobs do not count in the limit of POST "
        "/v1/jobs. A batch is kept for 30 days; its jobs stay."
    ),
    status_code=202,
    response_model=PublicBatch,
    responses=problem_responses(400, 409, 413, 415),
    openapi_extra=json_body(BatchRequest),
)
async def submit_batch(
    request: Request, user: Caller, place: PlaceDep, quota: BatchQuota, idempotency: Idempotency
) -> Response:
    batch_request = await read_json(request, BatchRequest, batch_submission.BATCH_BYTES)
    trace = current_trace()
    batch = await run_in_threadpool(
        batch_submission.submit_batch, place, user, batch_request, trace, quota, idempotency
    )
    return batch_response(batch, 202)


@router.get(
    "/batches",
    summary="List your batches",
    description="Returns your batches, newest first.",
    response_model=BatchPage,
)
def list_batches(user: Caller, place: PlaceDep, limit: Limit = 20, cursor: Cursor = None) -> Response:
    page = place.documents.query(BATCHES, [("owner", "==", user.id)], [("createdAt", "desc")], limit, cursor)
    batches = [Batch.read(row.data).to_public() for row in page.documents]
    return JSONResponse({"batches": batches, "cursor": page.cursor})


@router.get(
    "/batches/{batch_id}",
    summary="Get a batch",
    description="Returns a batch with the number of its items in each state. GET …/items returns the items.",
    response_model=PublicBatch,
    responses=problem_responses(404),
)
def get_batch(batch: OwnBatch) -> Response:
    return batch_response(batch)


@router.get(
    "/batches/{batch_id}/items",
    summary="List a batch's items",
    description="Returns the videos of a batch with their jobs: files first, then URLs, then videos of lists.",
    response_model=BatchItemPage,
    responses=problem_responses(404),
)
def list_batch_items(batch: OwnBatch, place: PlaceDep, limit: Limit = 100, cursor: Cursor = None) -> Response:
    offset = read_offset(cursor, ITEMS)
    items, following = batch_submission.list_items(place, batch, offset, limit)
    next_cursor = None if following is None else write_offset(ITEMS, following)
    return JSONResponse({"items": items, "cursor": next_cursor})


@router.get(
    "/batches/{batch_id}/events",
    summary="Stream a batch's events",
    description=(
        "Streams server-sent events. The data of each event is the batch as GET /v1/batches/{batch_id} returns it. The "
        "stream ends when the batch has ended."
    ),
    response_class=EventStream,
    responses=problem_responses(404)
    | event_stream_response("The states of the batch", event_stream({"$ref": REF.format(model="Batch")})),
)
async def stream_batch_events(batch: OwnBatch, place: PlaceDep, last_event_id: LastEventId = None) -> Response:
    events = document_events(place.documents, batch.id, last_event_id, BATCHES, render_batch)
    return EventStream(events, headers={"X-Accel-Buffering": "no"})


def render_batch(document: Document) -> tuple[bool, dict[str, object]]:
    batch = Batch.read(document.data)
    return batch.status.is_final and batch.counts.active == 0, batch.to_public()


@router.post(
    "/batches/{batch_id}/files/{index}/upload",
    summary="Start the upload of a file",
    description=(
        "Creates the job of a file of the batch and, as POST /v1/uploads does, a URL to upload its bytes to. The same "
        "request again returns the same job. Returns 200 with the job, and no URL, if nothing is to be uploaded: the "
        "bytes have arrived, or an earlier job of yours has the same file. Returns 429 `batch_full` while the maximum "
        "number of jobs of your batches is active."
    ),
    status_code=201,
    response_model=UploadTicket,
    responses=problem_responses(404, 409)
    | {200: {"model": PublicJob, "description": "A job that already has the file"}},
)
def start_batch_upload(
    request: Request,
    batch: OwnBatch,
    place: PlaceDep,
    index: Annotated[int, Path(ge=0, lt=MAX_ITEMS, description="Position of the file in `files` of the request.")],
) -> Response:
    job, session = batch_submission.open_file_upload(place, batch, index, page_origin(request))
    return job_response(job) if session is None else upload_ticket(job, session)


@router.post(
    "/batches/{batch_id}/cancel",
    summary="Cancel a batch",
    description=(
        "Cancels a batch and its active jobs; no other jobs are created. Finished jobs stay. Cancelling a cancelled "
        "batch has no effect; a batch that is `done` returns 409."
    ),
    response_model=PublicBatch,
    responses=problem_responses(404, 409),
)
def cancel_own_batch(batch: OwnBatch, place: PlaceDep) -> Response:
    return batch_response(cancel_batch(place, batch.id))
