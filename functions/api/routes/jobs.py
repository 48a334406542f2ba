"""Jobs: submit a URL or a file, get, list, cancel, retry, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import submission as intake
from functions.api.dependencies import Cursor, Limit, OwnJob, PlaceDep, RetryQuota, StartQuota, cursor_error
from functions.api.identity import Caller, frontend_origins
from functions.api.middleware import request_trace
from functions.api.openapi import problem_responses, request_body
from functions.api.request_bodies import media_type, read_form, read_json
from functions.api.schemas import (
    FileJobRequest,
    JobPage,
    KindInfo,
    KindList,
    PublicJob,
    UploadRequest,
    UploadTicket,
    UrlJobRequest,
)
from shared.analyses.kinds import kind_named, kinds
from shared.errors import PermanentError
from shared.library.deletion import delete_job
from shared.models.job import Job, JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import JOBS
from shared.platform.ports import Filter

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=problem_responses(401, 403, 422))
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description=(
            "A unique string of your choice. For 24 hours, the same request with the same key returns the same job; "
            "a different request with that key returns 409 `key_reused`."
        ),
    ),
]


def submission_response(job: Job) -> JSONResponse:
    """Answer 200 with a finished job, 202 with one that still has work to do."""
    return job_response(job, 200 if job.status is JobStatus.DONE else 202)


def job_response(job: Job, status: int = 200) -> JSONResponse:
    headers = {"Location": f"/v1/jobs/{job.id}"} if status == 202 else None
    return JSONResponse(job.to_public(), status, headers)


@router.post(
    "",
    summary="Submit a video",
    description=(
        "Creates a job for a video: send a URL as application/json, or a file as multipart/form-data. If a job of "
        "yours is already processing the same URL with the same kind, language and options, that job is returned. If "
        "one has already finished, it is returned with its result and status 200, unless `fresh` is true. For files "
        "larger than 30 MB, use POST /v1/uploads, which works in every deployment."
    ),
    status_code=202,
    response_model=PublicJob,
    responses=problem_responses(400, 409, 413, 415, 503)
    | {200: {"model": PublicJob, "description": "A job that already has the result"}},
    openapi_extra=request_body(application__json="UrlJobRequest", multipart__form_data="FileJobRequest"),
)
async def submit_job(
    request: Request, user: Caller, place: PlaceDep, quota: StartQuota, idempotency_key: IdempotencyKey = None
) -> Response:
    trace = request_trace(request.scope)
    match media_type(request):
        case "application/json":
            url_request = await read_json(request, UrlJobRequest)
            job = await run_in_threadpool(intake.submit_url, place, user, url_request, idempotency_key, trace, quota)
        case "multipart/form-data":
            if idempotency_key is None:
                # Refuse before the file is sent in vain; with a key, its job may exist already.
                await run_in_threadpool(quota.check)
            async with read_form(request, FileJobRequest) as (file_request, file):
                job = await run_in_threadpool(
                    intake.submit_file, place, user, file_request, file, idempotency_key, trace, quota
                )
        case _:
            raise PermanentError(
                "unsupported_body",
                "This Content-Type is not accepted. Send a link as application/json, or a file as multipart/form-data.",
            )
    return submission_response(job)


@router.get("", summary="List your jobs", description="Returns your jobs, newest first.", response_model=JobPage)
def list_jobs(
    user: Caller,
    place: PlaceDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[JobStatus | None, Query(description="Return only jobs with this status.")] = None,
    kind: Annotated[
        str | None, Query(max_length=100, description="Return only jobs of this kind, as GET /v1/kinds names it.")
    ] = None,
) -> Response:
    filters: list[Filter] = [("owner", "==", user.id)]
    if status:
        filters.append(("status", "==", status.value))
    if kind is not None:
        filters.append(("kind", "==", kind_named(kind).name))
    try:
        page = place.documents.query(JOBS, filters, [("createdAt", "desc")], limit, cursor)
    except ValueError:
        raise cursor_error() from None
    jobs: list[dict[str, Any]] = [Job.read(document.data).to_public() for document in page.documents]
    return JSONResponse({"jobs": jobs, "cursor": page.cursor})


@router.get(
    "/{job_id}",
    summary="Get a job",
    description="Returns a job with its status, progress, and the results available so far.",
    response_model=PublicJob,
    responses=problem_responses(404),
)
def get_job(job: OwnJob) -> Response:
    return job_response(job)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    description=(
        "Cancels a job. Stages that are running stop at their next progress update. Cancelling a cancelled job has no "
        "effect; a job that is `done` or `failed` returns 409."
    ),
    response_model=PublicJob,
    responses=problem_responses(404, 409),
)
def cancel_job(job: OwnJob, place: PlaceDep) -> Response:
    return job_response(lifecycle.cancel_job(place, job.id))


@router.post(
    "/{job_id}/retry",
    summary="Retry a failed job",
    description=(
        "Runs a failed job again, starting at the stage that failed. Returns 409 if the job has not failed, or if its "
        "error is not `retryable`."
    ),
    status_code=202,
    response_model=PublicJob,
    responses=problem_responses(404, 409),
)
def retry_job(job: OwnJob, place: PlaceDep, quota: RetryQuota) -> Response:
    quota.consume()
    return job_response(lifecycle.retry_job(place, job.id), 202)


@router.delete(
    "/{job_id}",
    summary="Delete a job",
    description="Deletes a job with its media and results. A running job is stopped.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def remove_job(job: OwnJob, place: PlaceDep) -> None:
    delete_job(place, job)


router = APIRouter(prefix="/v1/uploads", tags=["jobs"], responses=problem_responses(401, 403, 422))


@router.post(
    "",
    summary="Start an upload",
    description=(
        "Creates a job and a URL to upload its file to. Send the bytes to `upload_url` with `headers`, in one PUT "
        "request or in ranges (the resumable protocol of Cloud Storage). The job starts once all bytes have arrived. "
        "Its `upload.state` is `waiting` until then and `received` afterwards, or `expired` if the bytes did not "
        "arrive before `expires_at`."
    ),
    status_code=201,
    response_model=UploadTicket,
    responses=problem_responses(400, 413, 415, 503),
    openapi_extra=request_body(application__json="UploadRequest"),
)
async def start_upload(request: Request, user: Caller, place: PlaceDep, quota: StartQuota) -> Response:
    upload_request = await read_json(request, UploadRequest)
    origin = request.headers.get("origin")
    page_origin = origin if origin in frontend_origins() else None
    trace = request_trace(request.scope)
    job, session = await run_in_threadpool(intake.open_upload, place, user, upload_request, page_origin, trace, quota)
    ticket = {
        "job": job.to_public(),
        "upload_url": session.url,
        "method": session.method,
        "headers": session.headers,
        "expires_at": session.expires_at.isoformat().replace("+00:00", "Z"),
    }
    return JSONResponse(ticket, 201, {"Location": f"/v1/jobs/{job.id}"})


router = APIRouter(prefix="/v1", tags=["kinds"])


@router.get(
    "/kinds",
    summary="List analysis kinds",
    description="Returns all kinds of analysis, with their stages and the JSON Schema of their results.",
)
def list_kinds() -> KindList:
    return KindList(
        kinds=[
            KindInfo(
                name=kind.name,
                does=kind.does,
                stages=list(kind.stages),
                needs_video=kind.needs_video,
                result=kind.schema.model_json_schema(mode="serialization"),
            )
            for kind in kinds().values()
        ]
    )
