"""The video paths of the earlier ask-video: library videos, created by jobs of the kind `transcript`."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from functions.api import intake
from functions.api.access import Place, Starts, check_id
from functions.api.bodies import SentFile, read_form
from functions.api.compat.ask import PAGE, all_of, ask_router
from functions.api.frame import request_trace
from functions.api.identity import Caller, User
from functions.api.openapi import inline_body, problems
from functions.api.schemas import Description, FileWish, Title
from functions.api.throttle import Quota
from shared.errors import NotFound, PermanentError
from shared.library import videos
from shared.library.deletion import delete_job
from shared.media.file.file_type import HEAD_BYTES, accepted_media_type
from shared.models.job import Job, JobStatus
from shared.pipeline.media import load_transcript
from shared.pipeline.paths import UPLOADS, source_name
from shared.platform.ports import Platform
from shared.settings import settings

KIND = "transcript"
TYPES = (
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

router = ask_router("/api/videos", 401, 403)


class VideoForm(BaseModel):
    """The form fields next to the file."""

    title: Title | None = Field(None, description="Title of the video. Defaults to the name of the file.")
    description: Description | None = Field(None, description="Description of the video.")


class VideoChange(BaseModel):
    """Changes to a video. Omitted fields stay as they are."""

    title: Title | None = Field(None, description="New title of the video.")
    description: Description | None = Field(None, description="New description of the video.")


class ListedVideo(BaseModel):
    """A video. Strings without a value are empty."""

    id: str = Field(description="Identifier of the video: a string, where ask-video used a number.")
    file: str | None = Field(
        description="Short-lived link to the media file. It needs no token. Null if the file is not stored."
    )
    title: str = Field(description="Title of the video.")
    description: str = Field(description="Description of the video.")
    uploaded_at: datetime = Field(description="When the video was uploaded.")
    status: State = Field(description="Status of the transcription.")


class AskVideo(ListedVideo):
    transcript: str = Field(
        description="The transcript, once the video is `completed`. In a list, at most 20,000 characters."
    )
    error_message: str = Field(description="Why the transcription failed, if it did.")


def own_video(video_id: Annotated[str, Path(description="The `id` of the video.")], user: Caller, place: Place) -> Job:
    return videos.own_video(place, check_id(video_id), user.id)


OwnVideo = Annotated[Job, Depends(own_video)]


@router.post(
    "/",
    summary="Upload a video or recording for transcription",
    description=(
        "Compatible with ask-video: prefer POST /v1/jobs with the kind `transcript` and `keep_source` true. Accepts "
        "FLAC, M4A, MP3, OGG, WAV, WebM, MP4, MPEG and MOV up to MAX_FILE_SIZE_MB and MAX_SPEECH_DURATION_SEC."
    ),
    status_code=201,
    responses=problems(413, 503),
    openapi_extra=inline_body("multipart/form-data", VideoForm.model_json_schema(), file="The video or audio file."),
)
async def ask_upload(request: Request, user: Caller, place: Place, starts: Starts) -> AskVideo:
    await run_in_threadpool(starts.look)
    async with read_form(request, VideoForm) as (form, file):
        job = await run_in_threadpool(take, place, user, form, file, request_trace(request.scope), starts)
    return whole(job, place)


def take(place: Platform, user: User, form: VideoForm, file: SentFile, trace: str | None, starts: Quota) -> Job:
    """Raises PermanentError `empty_file`, `unsupported_media`."""
    if accepted_media_type(file.stream.read(HEAD_BYTES), file.filename) not in TYPES:
        raise PermanentError(
            "unsupported_media",
            "This file type is not accepted. Send FLAC, M4A, MP3, OGG, WAV, WebM, MP4, MPEG or MOV.",
        )
    file.stream.seek(0)
    wish = FileWish(kind=KIND, keep_source=True, title=form.title, description=form.description)
    return intake.take_file(place, user, wish, file, None, trace, starts)


@router.get(
    "/",
    summary="List your videos",
    description=(
        "Compatible with ask-video: prefer GET /v1/videos. "
        "Returns your videos, newest first: at most 1,000, without pages."
    ),
)
def ask_videos(user: Caller, place: Place) -> list[AskVideo]:
    def page(cursor: str | None) -> tuple[list[AskVideo], str | None]:
        found, after = videos.videos_of(place.documents, user.id, "", PAGE, cursor)
        links = media_links(place, found)
        return [asked(job, links[job.id], job.video.transcript) for job in found], after

    return list(all_of(page))


@router.get(
    "/{video_id}/",
    summary="Get a video",
    description="Compatible with ask-video: prefer GET /v1/videos/{video_id}.",
    responses=problems(404),
)
def ask_video(video: OwnVideo, place: Place) -> AskVideo:
    return whole(video, place)


@router.patch(
    "/{video_id}/",
    summary="Update a video",
    description="Compatible with ask-video: prefer PATCH /v1/videos/{video_id}.",
    responses=problems(404),
)
def ask_change(video: OwnVideo, change: VideoChange, place: Place) -> AskVideo:
    return whole(videos.describe(place.documents, video.id, **change.model_dump(exclude_unset=True)), place)


@router.delete(
    "/{video_id}/",
    summary="Delete a video",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/videos/{video_id}. Deletes the video with its transcript."
    ),
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def ask_delete(video: OwnVideo, place: Place) -> None:
    delete_job(place, video)


def media_links(place: Platform, jobs: Iterable[Job]) -> dict[str, str | None]:
    """Sign links to the media of each job in parallel: in the cloud, each takes a request."""
    found = list(jobs)
    with ThreadPoolExecutor(LINKS_AT_ONCE) as threads:
        return dict(zip((job.id for job in found), threads.map(lambda job: media_link(place, job), found), strict=True))


def media_link(place: Platform, job: Job) -> str | None:
    if job.source_deleted or job.video.info is None:
        return None
    return place.objects.signed_url(UPLOADS, source_name(job.id), settings().signed_link_ttl_sec)


def whole(job: Job, place: Platform) -> AskVideo:
    return asked(job, media_link(place, job), words_of(job, place) if job.status is JobStatus.DONE else None)


def words_of(job: Job, place: Platform) -> str:
    """Return the transcript, one line per segment."""
    try:
        return "\n".join(segment.text for segment in load_transcript(place.objects, job.id).segments)
    except NotFound:
        return ""


def listed(job: Job, link: str | None) -> ListedVideo:
    return ListedVideo(
        id=job.id,
        file=link,
        title=job.title or job.video.title or job.filename or "",
        description=job.description or "",
        uploaded_at=job.created_at,
        status=STATES[job.status],
    )


def asked(job: Job, link: str | None, said: str | None) -> AskVideo:
    wrong = "The job was cancelled." if job.status is JobStatus.CANCELLED else ""
    return AskVideo(
        **dict(listed(job, link)),
        transcript=(said or "") if job.status is JobStatus.DONE else "",
        error_message=job.error.message if job.error else wrong,
    )
