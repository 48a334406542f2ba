"""Jobs: submit a URL or a file, get, list, cancel, retry, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import intake
from functions.api.access import Cursor, Limit, OwnJob, Place, Retries, Starts, wrong_cursor
from functions.api.bodies import media_type, read_form, read_json
from functions.api.frame import request_trace
from functions.api.identity import Caller
from functions.api.openapi import body, problems
from functions.api.schemas import FileWish, JobPage, PublicJob, UrlWish
from shared.analyses.kinds import kind_named
from shared.errors import PermanentError
from shared.library.deletion import delete_job
from shared.models.job import Job, JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.paths import JOBS
from shared.platform.ports import Filter

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=problems(401, 403, 422))

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


def accepted(job: Job) -> JSONResponse:
    """Answer 200 with a finished job, 202 with one that still has work to do."""
    return answer(job, 200 if job.status is JobStatus.DONE else 202)


def answer(job: Job, status: int = 200) -> JSONResponse:
    headers = {"Location": f"/v1/jobs/{job.id}"} if status == 202 else None
    return JSONResponse(job.public(), status, headers)


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
    responses=problems(400, 409, 413, 415, 503)
    | {200: {"model": PublicJob, "description": "A job that already has the result"}},
    openapi_extra=body(application__json="UrlWish", multipart__form_data="FileWish"),
)
async def submit(
    request: Request, user: Caller, place: Place, starts: Starts, idempotency_key: IdempotencyKey = None
) -> Response:
    trace = request_trace(request.scope)
    match media_type(request):
        case "application/json":
            link = await read_json(request, UrlWish)
            job = await run_in_threadpool(intake.take_url, place, user, link, idempotency_key, trace, starts)
        case "multipart/form-data":
            if idempotency_key is None:
                # Refuse before the file is sent in vain; with a key, its job may exist already.
                await run_in_threadpool(starts.look)
            async with read_form(request, FileWish) as (wish, file):
                job = await run_in_threadpool(intake.take_file, place, user, wish, file, idempotency_key, trace, starts)
        case _:
            raise PermanentError(
                "unsupported_body",
                "This Content-Type is not accepted. Send a link as application/json, or a file as multipart/form-data.",
            )
    return accepted(job)


@router.get("", summary="List your jobs", description="Returns your jobs, newest first.", response_model=JobPage)
def list_jobs(
    user: Caller,
    place: Place,
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
        raise wrong_cursor() from None
    jobs: list[dict[str, Any]] = [Job.read(document.data).public() for document in page.documents]
    return JSONResponse({"jobs": jobs, "cursor": page.cursor})


@router.get(
    "/{job_id}",
    summary="Get a job",
    description="Returns a job with its status, progress, and the results available so far.",
    response_model=PublicJob,
    responses=problems(404),
)
def show(job: OwnJob) -> Response:
    return answer(job)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    description=(
        "Cancels a job. Stages that are running stop at their next progress update. Cancelling a cancelled job has no "
        "effect; a job that is `done` or `failed` returns 409."
    ),
    response_model=PublicJob,
    responses=problems(404, 409),
)
def cancel(job: OwnJob, place: Place) -> Response:
    return answer(lifecycle.cancel(place, job.id))


@router.post(
    "/{job_id}/retry",
    summary="Retry a failed job",
    description=(
        "Runs a failed job again, starting at the stage that failed. Returns 409 if the job has not failed, or if its "
        "error is not `retryable`."
    ),
    status_code=202,
    response_model=PublicJob,
    responses=problems(404, 409),
)
def retry(job: OwnJob, place: Place, retries: Retries) -> Response:
    retries.take()
    return answer(lifecycle.retry(place, job.id), 202)


@router.delete(
    "/{job_id}",
    summary="Delete a job",
    description="Deletes a job with its media and results. A running job is stopped.",
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def delete(job: OwnJob, place: Place) -> None:
    delete_job(place, job)
