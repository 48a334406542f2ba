"""Exports of a job's result as a file."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Path, Query
from starlette.responses import RedirectResponse, Response

from functions.api.dependencies import OwnJob, PlaceDep
from functions.api.event_streams import EventStream, LastEventId, document_events
from functions.api.openapi import problem_responses
from shared.errors import NotFound
from shared.exports.formats import FORMATS, find_format
from shared.exports.job_content import JobContent
from shared.exports.markup import plain_text
from shared.models.job import Job
from shared.pipeline.job_storage import JOBS, MEDIA, media_name
from shared.security.filenames import safe_filename
from shared.settings import settings

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], responses=problem_responses(401, 403, 422))
MAX_SERVINGS = 1000
NAMES = ", ".join(dict.fromkeys(row.name for row in FORMATS))


@router.get(
    "/export",
    summary="Export a job's result",
    description=(
        "Returns a result or a transcript as a file. Recipes: schema.org JSON-LD (`jsonld`; its image is a short-lived "
        "link). Recipes, reels and summaries: Markdown (`md`) and a printable page (`html`). Every result: `json`; for "
        "a `transcript` job, it contains all segments with their timestamps. Every job with a transcript: `txt`, `srt` "
        "and `vtt`. Returns 409 while the job is not done, or if there is nothing to export in this format."
    ),
    response_class=Response,
    responses={
        200: {"content": {row.media_type.partition(";")[0]: {} for row in FORMATS}, "description": "The file"},
        **problem_responses(404, 409),
    },
)
def export_result(
    job: OwnJob,
    place: PlaceDep,
    format: Annotated[str, Query(max_length=20, description=f"File format, one of: {NAMES}.", examples=["md"])],
    servings: Annotated[
        float | None,
        Query(gt=0, le=MAX_SERVINGS, description="Scale the amounts of a recipe to this number of servings."),
    ] = None,
) -> Response:
    file_format = find_format(format, job.kind)
    text = file_format.write(JobContent(place.objects, job, servings))
    disposition = "inline" if file_format.policy else "attachment"
    headers = {"Content-Disposition": f"{disposition}; {file_name(job, file_format.name)}"}
    if file_format.policy:
        headers["Content-Security-Policy"] = file_format.policy
    return Response(text.encode(), media_type=file_format.media_type, headers=headers)


def file_name(job: Job, extension: str) -> str:
    """Build the parameters of Content-Disposition (RFC 6266): the title in ASCII, and in full as UTF-8."""
    title = re.sub(r"[/\\]", "-", plain_text(str((job.result or {}).get("title") or "")))
    full = safe_filename(f"{title.strip(' .') or job.kind}.{extension}") or f"{job.kind}.{extension}"
    ascii_letters = unicodedata.normalize("NFKD", full.removesuffix(f".{extension}")).encode("ascii", "ignore").decode()
    simple = re.sub(r"[^A-Za-z0-9]+", "-", ascii_letters).strip("-") or job.kind
    return f"filename=\"{simple}.{extension}\"; filename*=UTF-8''{quote(full, safe='')}"


# Stages name their files so; no part can be `.` or `..`.
MAX_NAME_LENGTH = 200
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@router.get(
    "/media/{name:path}",
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
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name) or place.objects.stat(MEDIA, stored) is None:
        raise NotFound(stored)
    return RedirectResponse(place.objects.signed_url(MEDIA, stored, settings().signed_link_ttl_sec))


@router.get(
    "/events",
    summary="Stream a job's events",
    description=(
        "Streams server-sent events. The data of each event is the job as GET /v1/jobs/{job_id} returns it; its id is "
        "the version of the job. The stream ends when the job has ended. With `Last-Event-ID`, only newer states are "
        "sent; 204 means that there will be none."
    ),
    response_class=EventStream,
    responses=problem_responses(404) | {204: {"description": "The job has ended and you have received its last state"}},
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
