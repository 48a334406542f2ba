"""The video paths of the earlier ask-video: library videos, created by jobs of the kind `transcript`."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from functions.api import submission
from functions.api.compat.routing import PAGE_SIZE, all_items, create_ask_video_router
from functions.api.dependencies import PlaceDep, StartQuota
from functions.api.identity import Caller
from functions.api.openapi import FORM_LIMIT, inline_request_body, problem_responses
from functions.api.rate_limits import Quota
from functions.api.request_bodies import UploadedFile, read_form
from functions.api.request_models import CompatRequestModel, Description, Title
from functions.api.schemas import FileJobRequest
from shared.errors import NotFound, PermanentError
from shared.library import videos
from shared.library.deletion import delete_job
from shared.library.numbers import find_id, number_ids
from shared.logs import current_trace
from shared.media.file_type import HEAD_BYTES, require_media_type
from shared.models.job import Job, JobStatus
from shared.pipeline.job_storage import UPLOADS, load_transcript, source_name
from shared.platform.accounts import User
from shared.platform.ports import Place
from shared.settings import settings

KIND = "transcript"
ACCEPTED_TYPES = (
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "video/mp4",
    "video/mpeg",
    "video/quicktime",
    "video/webm",
)
LINKS_AT_ONCE = 16
State = Literal["pending", "processing", "completed", "error"]
STATES: dict[JobStatus, State] = {
    JobStatus.QUEUED: "pending",
    JobStatus.RUNNING: "processing",
    JobStatus.DONE: "completed",
    JobStatus.FAILED: "error",
    JobStatus.CANCELLED: "error",
}
router = create_ask_video_router("/api/videos", 401, 403)


class AskVideoUploadForm(CompatRequestModel):
    """The form fields next to the file."""

    title: Title | None = Field(None, description="Title of the video. Defaults to the name of the file.")
    description: Description | None = Field(None, description="Description of the video.")


class AskVideoUpdateRequest(CompatRequestModel):
    """Changes to a video. Omitted fields stay as they are."""

    title: Title | None = Field(None, description="New title of the video.")
    description: Description | None = Field(None, description="New description of the video.")


class AskVideoInfo(BaseModel):
    """A video. Strings without a value are empty."""

    id: int = Field(description="Number of the video among its owner's videos.")
    file: str | None = Field(
        description="Short-lived link to the media file. It needs no token. Null if the file is not stored."
    )
    title: str = Field(description="Title of the video.")
    description: str = Field(description="Description of the video.")
    uploaded_at: datetime = Field(description="When the video was uploaded.")
    status: State = Field(description="Status of the transcription.")


class AskVideoDetails(AskVideoInfo):
    transcript: str = Field(
        description="The transcript, once the video is `completed`. In a list, at most 20,000 characters."
    )
    error_message: str = Field(description="Why the transcription failed, if it did.")


def own_video(
    video_id: Annotated[int, Path(description="The `id` of the video.")], user: Caller, place: PlaceDep
) -> Job:
    return videos.read_own_video(place, find_id(place.documents, user.id, "video", video_id), user.id)


OwnVideo = Annotated[Job, Depends(own_video)]


@router.post(
    "",
    summary="Upload a video or recording for transcription",
    description=(
        "Compatible with ask-video: prefer POST /v1/jobs with the kind `transcript` and `keep_source` true. Accepts "
        "FLAC, M4A, MP3, OGG, WAV, WebM, MP4, MPEG and MOV up to MAX_FILE_SIZE_MB and MAX_SPEECH_DURATION_SEC. "
        + FORM_LIMIT
    ),
    status_code=201,
    responses=problem_responses(413, 503),
    openapi_extra=inline_request_body(
        "multipart/form-data", AskVideoUploadForm.model_json_schema(), file="The video or audio file."
    ),
)
async def upload_video_compat(request: Request, user: Caller, place: PlaceDep, quota: StartQuota) -> AskVideoDetails:
    await run_in_threadpool(quota.check)
    async with read_form(request, AskVideoUploadForm, settings()) as (form, file):
        job = await run_in_threadpool(submit_upload, place, user, form, file, current_trace(), quota)
    return load_video_details(job, place)


def submit_upload(
    place: Place, user: User, form: AskVideoUploadForm, file: UploadedFile, trace: str | None, quota: Quota
) -> Job:
    """Create a job for the file; raises PermanentError `empty_file`, `unsupported_media`."""
    if require_media_type(file.stream.read(HEAD_BYTES), file.filename) not in ACCEPTED_TYPES:
        raise PermanentError(
            "unsupported_media",
            "This file type is not accepted. Send FLAC, M4A, MP3, OGG, WAV, WebM, MP4, MPEG or MOV.",
        )
    file.stream.seek(0)
    job_request = FileJobRequest(kind=KIND, keep_source=True, title=form.title, description=form.description)
    return submission.submit_file(place, user, job_request, file, None, trace, quota, earlier_limits=True)


@router.get(
    "",
    summary="List your videos",
    description=(
        "Compatible with ask-video: prefer GET /v1/videos. "
        "Returns your videos, newest first: at most 1,000, without pages."
    ),
)
def list_videos_compat(user: Caller, place: PlaceDep) -> list[AskVideoDetails]:
    jobs = list(all_items(lambda cursor: videos.search_videos(place.documents, user.id, "", PAGE_SIZE, cursor)))
    links = media_links(place, jobs)
    # The oldest video gets the smallest number.
    numbers = number_ids(place.documents, user.id, "video", (job.id for job in reversed(jobs)))
    return [video_details(numbers[job.id], job, links[job.id], job.video.transcript) for job in jobs]


@router.get(
    "/{video_id}",
    summary="Get a video",
    description="Compatible with ask-video: prefer GET /v1/videos/{video_id}.",
    responses=problem_responses(404),
)
def get_video_compat(video: OwnVideo, place: PlaceDep) -> AskVideoDetails:
    return load_video_details(video, place)


@router.patch(
    "/{video_id}",
    summary="Update a video",
    description="Compatible with ask-video: prefer PATCH /v1/videos/{video_id}.",
    responses=problem_responses(404),
)
def update_video_compat(video: OwnVideo, change: AskVideoUpdateRequest, place: PlaceDep) -> AskVideoDetails:
    return load_video_details(
        videos.update_video_details(place.documents, video.id, **change.model_dump(exclude_unset=True)), place
    )


@router.delete(
    "/{video_id}",
    summary="Delete a video",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/videos/{video_id}. Deletes the video with its transcript."
    ),
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def delete_video_compat(video: OwnVideo, place: PlaceDep) -> None:
    delete_job(place, video)


def media_links(place: Place, jobs: Iterable[Job]) -> dict[str, str | None]:
    """Sign links to the media of each job in parallel: in the cloud, each takes a request."""
    job_list = list(jobs)
    with ThreadPoolExecutor(LINKS_AT_ONCE) as threads:
        return dict(
            zip((job.id for job in job_list), threads.map(lambda job: media_link(place, job), job_list), strict=True)
        )


def media_link(place: Place, job: Job) -> str | None:
    if job.source_deleted or job.video.info is None:
        return None
    return place.objects.signed_url(UPLOADS, source_name(job.id), settings().signed_link_ttl_sec)


def load_video_details(job: Job, place: Place) -> AskVideoDetails:
    number = number_ids(place.documents, job.owner, "video", [job.id])[job.id]
    transcript = transcript_text(job, place) if job.status is JobStatus.DONE else None
    return video_details(number, job, media_link(place, job), transcript)


def transcript_text(job: Job, place: Place) -> str:
    """Return the transcript, one line per segment."""
    try:
        return "\n".join(segment.text for segment in load_transcript(place.objects, job.id).segments)
    except NotFound:
        return ""


def video_info(number: int, job: Job, link: str | None) -> AskVideoInfo:
    return AskVideoInfo(
        id=number,
        file=link,
        title=job.title or job.video.title or job.filename or "",
        description=job.description or "",
        uploaded_at=job.created_at,
        status=STATES[job.status],
    )


def video_details(number: int, job: Job, link: str | None, transcript: str | None) -> AskVideoDetails:
    cancelled_message = "The job was cancelled." if job.status is JobStatus.CANCELLED else ""
    return AskVideoDetails(
        **dict(video_info(number, job, link)),
        transcript=(transcript or "") if job.status is JobStatus.DONE else "",
        error_message=job.error.message if job.error else cancelled_message,
    )
