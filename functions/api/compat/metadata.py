"""The paths of the earlier video metadata service: jobs of the kind `metadata` for a file."""

from __future__ import annotations

from datetime import UTC
from hmac import compare_digest
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from functions.api import submission
from functions.api.compat.routing import PAGE_SIZE, all_items, own_task
from functions.api.dependencies import PlaceDep, StartQuota
from functions.api.identity import Caller
from functions.api.openapi import FORM_LIMIT, inline_request_body, problem_responses
from functions.api.request_bodies import read_form
from functions.api.request_models import CompatRequestModel
from functions.api.schemas import FileJobRequest
from shared.analyses.metadata import clock_time
from shared.errors import NotFound
from shared.logs import current_trace
from shared.models.job import Job, JobStatus
from shared.pipeline.idempotency import digest_id
from shared.pipeline.job_storage import JOBS, MEDIA, media_name
from shared.pipeline.jobs import read_job
from shared.platform.ports import Filter, Place
from shared.settings import settings

KIND = "metadata"
State = Literal["pending", "processing", "done", "failed"]
STATES: dict[JobStatus, State] = {
    JobStatus.QUEUED: "pending",
    JobStatus.RUNNING: "processing",
    JobStatus.DONE: "done",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "failed",
}

router = APIRouter(tags=["compat: video metadata"], responses=problem_responses(401, 403, 422))


class MetadataUploadForm(CompatRequestModel):
    """A form with no fields other than the file."""


class VideoUploadResponse(BaseModel):
    id: str = Field(description="Identifier of the video, and of its job.")
    filename: str = Field(description="Name of the file.")
    message: str = Field(description="What happened, for people.")


class VideoStatus(BaseModel):
    id: str = Field(description="Identifier of the video, and of its job.")
    status: State = Field(description="Status of the video.")


class VideoMetadata(VideoStatus):
    filename: str = Field(description="Name of the file.")
    upload_time: str = Field(
        description="When the video was uploaded, in UTC, as `YYYY-MM-DDTHH:MM:SS`.", examples=["2025-06-16T10:00:00"]
    )
    duration: str | None = Field(description="Duration as `HH:MM:SS`. Null until known.", examples=["00:01:05"])
    thumbnail_url: str | None = Field(
        description=(
            "Path on this host of a JPEG, 320 pixels wide, of the frame at 10 % of the duration. It needs no token and "
            "works as long as the video exists. Null until known."
        ),
        examples=["/thumbnails/thumb_7d4b1c0e9f2a4e5b8c6d3f1a2b4c5d6e_0c9f2a4e5b8c6d3f1a2b4c5d6e7d4b1c.jpg"],
    )


@router.post(
    "/upload-video",
    summary="Upload a video for metadata",
    description="Compatible with the video metadata service: prefer POST /v1/jobs with the kind `metadata`. "
    + FORM_LIMIT,
    responses=problem_responses(400, 413, 415, 503),
    openapi_extra=inline_request_body("multipart/form-data", MetadataUploadForm.model_json_schema(), file="The video."),
)
async def upload_metadata_video(
    request: Request, user: Caller, place: PlaceDep, quota: StartQuota
) -> VideoUploadResponse:
    await run_in_threadpool(quota.check)
    job_request = FileJobRequest(kind=KIND)
    async with read_form(request, MetadataUploadForm, settings()) as (_, file):
        trace = current_trace()
        job = await run_in_threadpool(
            submission.submit_file, place, user, job_request, file, None, trace, quota, earlier_limits=True
        )
    return VideoUploadResponse(
        id=job.id, filename=job.filename or "", message="The video was received and is being processed."
    )


OwnTask = Annotated[Job, Depends(own_task(KIND))]


@router.get(
    "/video-status/{task_id}",
    summary="Get a video's status",
    description="Compatible with the video metadata service: prefer GET /v1/jobs/{job_id}.",
    responses=problem_responses(404),
)
def get_video_status(job: OwnTask) -> VideoStatus:
    return VideoStatus(id=job.id, status=STATES[job.status])


@router.get(
    "/video-metadata/{task_id}",
    summary="Get a video's metadata",
    description="Compatible with the video metadata service: prefer GET /v1/jobs/{job_id}.",
    responses=problem_responses(404),
)
def get_video_metadata(job: OwnTask) -> VideoMetadata:
    return metadata_of(job)


@router.get(
    "/videos",
    summary="List the metadata of videos",
    description=(
        "Compatible with the video metadata service: prefer GET /v1/videos. "
        "Returns the metadata of your videos, newest first: at most 1,000, without pages."
    ),
)
def list_video_metadata(user: Caller, place: PlaceDep) -> list[VideoMetadata]:
    return list(all_items(lambda cursor: metadata_page(place, user.id, cursor)))


def metadata_page(place: Place, owner: str, cursor: str | None) -> tuple[list[VideoMetadata], str | None]:
    filters: list[Filter] = [("owner", "==", owner), ("kind", "==", KIND)]
    page = place.documents.query(JOBS, filters, [("createdAt", "desc")], PAGE_SIZE, cursor)
    return [metadata_of(Job.read(document.data)) for document in page.documents], page.cursor


def metadata_of(job: Job) -> VideoMetadata:
    info = job.video.info
    return VideoMetadata(
        id=job.id,
        filename=job.filename or "",
        upload_time=job.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        status=STATES[job.status],
        duration=clock_time(info.duration_sec) if info else None,
        thumbnail_url=f"/thumbnails/{thumbnail_name(job)}" if job.video.thumbnail else None,
    )


def thumbnail_name(job: Job) -> str:
    """Return a file name that only those know who got it from the owner: the id alone opens nothing."""
    return f"thumb_{job.id}_{digest_id('thumbnail', job.id, job.owner)[:32]}.jpg"


@router.get(
    "/thumbnails/{name}",
    summary="Get a video's thumbnail",
    description=(
        "Compatible with the video metadata service: prefer GET /v1/jobs/{job_id}/media/{name}. "
        "Returns the JPEG that `thumbnail_url` names."
    ),
    response_class=Response,
    responses={200: {"description": "The thumbnail, as image/jpeg"}, **problem_responses(404)},
)
def get_thumbnail(
    name: Annotated[str, Path(max_length=100, description="Last part of `thumbnail_url`.")], place: PlaceDep
) -> Response:
    job = read_job(place.documents, name.removeprefix("thumb_")[:32])
    if job is None or job.video.thumbnail is None or not compare_digest(name.encode(), thumbnail_name(job).encode()):
        raise NotFound(name)
    with place.objects.open(MEDIA, media_name(job.id, job.video.thumbnail.name)) as image:
        return Response(image.read(), media_type="image/jpeg")
