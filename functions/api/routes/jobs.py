"""Jobs: submit a URL or a file, get, list, cancel, retry, delete; a job's events, media files and exports."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse

from functions.api import submission
from functions.api.dependencies import (
    Cursor,
    Idempotency,
    IdempotencyKey,
    Limit,
    OwnJob,
    PlaceDep,
    RetryQuota,
    StartQuota,
)
from functions.api.event_streams import EventStream, LastEventId, document_events
from functions.api.export_files import filename_parameters, find_shared_media
from functions.api.identity import Caller, page_origin
from functions.api.job_summaries import JobSummaryPage, summarize_job
from functions.api.openapi import (
    FORM_LIMIT,
    REF,
    event_stream,
    event_stream_response,
    file_content,
    problem_responses,
    request_body,
)
from functions.api.pages import location_header
from functions.api.request_bodies import media_type, read_form, read_json
from functions.api.schemas import FileJobRequest, JobPage, PublicJob, UploadRequest, UploadTicket, UrlJobRequest
from shared.analyses.kinds import kind_named
from shared.errors import NotFound, PermanentError
from shared.exports.formats import FORMATS, find_format
from shared.exports.job_content import JobContent
from shared.exports.subtitle_cues import MAX_LINES, SubtitleLayout
from shared.exports.units import UnitSystem
from shared.library.deletion import delete_job
from shared.logs import current_trace
from shared.models.job import Job, JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import JOBS, MEDIA, media_name
from shared.pipeline.sample_archive import publish_media
from shared.platform.ports import Filter, UploadSession
from shared.platform.video_limits import native_settings
from shared.settings import settings

router = APIRouter(prefix="/v1", tags=["jobs"], responses=problem_responses(401, 403, 422))

MAX_SERVINGS = 1000
FORMAT_NAMES = ", ".join(dict.fromkeys(row.name for row in FORMATS))
MAX_MEDIA_NAME_LENGTH = 200
# The names that stages give to media; no part can be `.` or `..`.
_MEDIA_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def submission_response(job: Job) -> Response:
    """Respond with 200 if the job is done, else with 202."""
    return job_response(job, 200 if job.status is JobStatus.DONE else 202)


def job_response(job: Job, status: int = 200) -> Response:
    headers = location_header(f"/v1/jobs/{job.id}") if status == 202 else None
    return Response(job.to_public_json(), status, headers, media_type=JSONResponse.media_type)


@router.post(
    "/jobs",
    summary="Submit a video",
    description=(
        "Creates a job for a video: send a URL as application/json, or a file as multipart/form-data. If a job of "
        "yours is already processing the same URL with the same kind, language and options, that job is returned. If "
        "one has already finished, it is returned with its result and status 200, unless `fresh` is true. " + FORM_LIMIT
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
    trace = current_trace()
    match media_type(request):
        case "application/json":
            url_request = await read_json(request, UrlJobRequest)
            job = await run_in_threadpool(
                submission.submit_url, place, user, url_request, idempotency_key, trace, quota
            )
        case "multipart/form-data":
            if idempotency_key is None:
                # Reject the request before its file is read; with a key, the job may exist already.
                await run_in_threadpool(quota.check)
            async with read_form(request, FileJobRequest, native_settings(settings())) as (file_request, file):
                job = await run_in_threadpool(
                    submission.submit_file, place, user, file_request, file, idempotency_key, trace, quota
                )
        case _:
            raise PermanentError(
                "unsupported_body",
                "This Content-Type is not accepted. Send a link as application/json, or a file as multipart/form-data.",
            )
    return submission_response(job)


@router.get(
    "/jobs",
    summary="List your jobs",
    description="Returns your jobs, newest first. With `view=summary`, each takes a few hundred bytes.",
    response_model=JobPage | JobSummaryPage,
)
def list_jobs(
    user: Caller,
    place: PlaceDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[JobStatus | None, Query(description="Return only jobs with this status.")] = None,
    kind: Annotated[
        str | None, Query(max_length=100, description="Return only jobs of this kind, as GET /v1/kinds names it.")
    ] = None,
    view: Annotated[
        Literal["full", "summary"],
        Query(description="`full`: jobs as GET /v1/jobs/{job_id} returns them. `summary`: without stages and results."),
    ] = "full",
) -> Response:
    filters: list[Filter] = [("owner", "==", user.id)]
    if status:
        filters.append(("status", "==", status.value))
    if kind is not None:
        filters.append(("kind", "==", kind_named(kind).name))
    page = place.documents.query(JOBS, filters, [("createdAt", "desc")], limit, cursor)
    render = summarize_job if view == "summary" else Job.to_public
    return JSONResponse({"jobs": [render(Job.read(row.data)) for row in page.documents], "cursor": page.cursor})


@router.get(
    "/jobs/{job_id}",
    summary="Get a job",
    description="Returns a job with its status, progress, and the results available so far.",
    response_model=PublicJob,
    responses=problem_responses(404),
)
async def get_job(job: OwnJob) -> Response:
    return job_response(job)


@router.post(
    "/jobs/{job_id}/cancel",
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
    "/jobs/{job_id}/retry",
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
    "/jobs/{job_id}",
    summary="Delete a job",
    description="Deletes a job with its media and results. A running job is stopped.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def remove_job(job: OwnJob, place: PlaceDep) -> None:
    delete_job(place, job)


@router.post(
    "/uploads",
    summary="Start an upload",
    description=(
        "Creates a job and a URL to upload its file to. Send the bytes to `uploadUrl` with `headers`, in one PUT "
        "request or in ranges (the resumable protocol of Cloud Storage). The job starts once all bytes have arrived. "
        "Its `upload.state` is `waiting` until then and `received` afterwards, or `expired` if the bytes did not "
        "arrive before `expiresAt`. To cancel an upload, cancel its job: DELETE on `uploadUrl` ends the job only on "
        "one machine (`cancelled`), since Cloud Storage does not report it."
    ),
    status_code=201,
    response_model=UploadTicket,
    responses=problem_responses(400, 409, 413, 415, 503),
    openapi_extra=request_body(application__json="UploadRequest"),
)
async def start_upload(
    request: Request, user: Caller, place: PlaceDep, quota: StartQuota, idempotency: Idempotency
) -> Response:
    upload_request = await read_json(request, UploadRequest)
    trace = current_trace()
    job, session = await run_in_threadpool(
        submission.open_upload, place, user, upload_request, page_origin(request), trace, quota, idempotency
    )
    return upload_ticket(job, session)


def upload_ticket(job: Job, session: UploadSession) -> JSONResponse:
    """Respond with a job that waits for its file, and the upload session."""
    expires_at = session.expires_at.isoformat().replace("+00:00", "Z")
    ticket = {
        "job": job.to_public(),
        "uploadUrl": session.url,
        "method": session.method,
        "headers": session.headers,
        "expiresAt": expires_at,
        # Deprecated names, not in the OpenAPI document.
        "upload_url": session.url,
        "expires_at": expires_at,
    }
    return JSONResponse(ticket, 201, location_header(f"/v1/jobs/{job.id}"))


@router.get(
    "/jobs/{job_id}/export",
    summary="Export a job's result",
    description=(
        "Returns a result or a transcript as a file. Recipes: schema.org JSON-LD (`jsonld`; its image is a short-lived "
        "link, unless `share` is set). Recipes, reels and summaries: Markdown (`md`) and a printable page (`html`). "
        "Every result: `json`; for a `transcript` job, it contains all segments with their timestamps. Every job with "
        "a transcript: `txt`, and subtitles as `srt` and `vtt`, divided by the times of the words. Returns 409 while "
        "the job is not done, or if there is nothing to export in this format."
    ),
    response_class=Response,
    responses={
        200: {"content": file_content(row.media_type for row in FORMATS), "description": "The file"},
        **problem_responses(404, 409),
    },
)
def export_result(
    job: OwnJob,
    place: PlaceDep,
    format: Annotated[str, Query(max_length=20, description=f"File format, one of: {FORMAT_NAMES}.", examples=["md"])],
    servings: Annotated[
        float | None,
        Query(gt=0, le=MAX_SERVINGS, description="Scale the amounts of a recipe to this number of servings."),
    ] = None,
    units: Annotated[
        UnitSystem | None,
        Query(description="Convert the amounts of a recipe to `metric` or `us` units. Default: as in the video."),
    ] = None,
    share: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Token of a share link of yours that shows the video. `jsonld` then links to picture and video "
            "through it, for as long as the link works. Returns 404 if the link does not show the video.",
        ),
    ] = None,
    line_length: Annotated[
        int | None,
        Query(
            alias="lineLength",
            ge=10,
            le=100,
            description="Maximum characters in a line of `srt` and `vtt`: by default 42, or 16 in CJK.",
        ),
    ] = None,
    max_lines: Annotated[
        int,
        Query(alias="maxLines", ge=1, le=4, description="Maximum number of lines of a subtitle in `srt` and `vtt`."),
    ] = MAX_LINES,
) -> Response:
    file_format = find_format(format, job.kind)
    shared_media = find_shared_media(place, job, share) if share else None
    layout = SubtitleLayout(line_length, max_lines)
    text = file_format.write(JobContent(place.objects, job, servings, units, shared_media, layout))
    disposition = "inline" if file_format.policy else "attachment"
    headers = {"Content-Disposition": f"{disposition}; {filename_parameters(job, file_format.name)}"}
    if file_format.policy:
        headers["Content-Security-Policy"] = file_format.policy
    return Response(text.encode(), media_type=file_format.media_type, headers=headers)


@router.get(
    "/jobs/{job_id}/media/{name:path}",
    summary="Download a job's media file",
    description=(
        "Redirects (307) to a short-lived link to a thumbnail, frame, audio or other file of the job. "
        "The link needs no token."
    ),
    status_code=307,
    response_class=RedirectResponse,
    responses=problem_responses(404),
)
def download_media(
    job: OwnJob,
    place: PlaceDep,
    name: Annotated[str, Path(description="Media name, as the job document contains it.", examples=["frames/03.jpg"])],
) -> RedirectResponse:
    stored = media_name(job.id, name)
    if (
        len(name) > MAX_MEDIA_NAME_LENGTH
        or not _MEDIA_NAME.fullmatch(name)
        or not publish_media(place.objects, job.id, name)
    ):
        raise NotFound(stored)
    return RedirectResponse(place.objects.signed_url(MEDIA, stored, settings().signed_link_ttl_sec))


@router.get(
    "/jobs/{job_id}/events",
    summary="Stream a job's events",
    description=(
        "Streams server-sent events. The data of each event is the job as GET /v1/jobs/{job_id} returns it; its id is "
        "the version of the job. The stream ends when the job has ended. With `Last-Event-ID`, only newer states are "
        "sent; 204 means that there will be none."
    ),
    response_class=EventStream,
    responses=problem_responses(404)
    | event_stream_response("The states of the job", event_stream({"$ref": REF.format(model="Job")}))
    | {204: {"description": "The job has ended and you have received its last state"}},
)
async def stream_job_events(job: OwnJob, place: PlaceDep, last_event_id: LastEventId = None) -> Response:
    if job.status.is_final and last_event_id:
        document = await to_thread.run_sync(place.documents.get, JOBS, job.id)
        if document and document.version == last_event_id:
            # This status stops an EventSource from reconnecting.
            return Response(status_code=204)
    # Keep proxies from buffering events.
    headers = {"X-Accel-Buffering": "no"}
    return EventStream(document_events(place.documents, job.id, last_event_id), headers=headers)
