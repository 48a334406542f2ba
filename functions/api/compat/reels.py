"""The paths of the earlier reel scripter: a job of the kind `reel` for a file that is not kept."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from functions.api import intake
from functions.api.access import Place, Starts
from functions.api.bodies import SentFile, read_form
from functions.api.compat.tasks import own_task
from functions.api.frame import request_trace
from functions.api.identity import Caller, User
from functions.api.openapi import inline_body, problems
from functions.api.problems import BadRequest
from functions.api.schemas import FileWish, LanguageTag
from functions.api.throttle import Quota
from shared.errors import PermanentError
from shared.media.header_duration import header_duration
from shared.media.sniff import HEAD_BYTES, accepted_media_type
from shared.models.job import Job, JobStatus
from shared.models.reel import Reel
from shared.platform.ports import Platform
from shared.settings import settings

KIND = "reel"
TYPES = ("video/mp4", "video/quicktime", "video/webm")
LANGUAGE = "ru"
ROUNDING_SEC = 0.1

State = Literal["PENDING", "PROGRESS", "SUCCESS", "FAILURE"]
STATES: dict[JobStatus, State] = {
    JobStatus.QUEUED: "PENDING",
    JobStatus.RUNNING: "PROGRESS",
    JobStatus.DONE: "SUCCESS",
    JobStatus.FAILED: "FAILURE",
    JobStatus.CANCELLED: "FAILURE",
}

router = APIRouter(prefix="/api", tags=["compat: reel scripter"], responses=problems(401, 403, 422))


class UploadForm(BaseModel):
    """The field beside the file."""

    language: LanguageTag = Field(LANGUAGE, description="Language of translation and script, a BCP-47 tag.")


class UploadTask(BaseModel):
    success: Literal[True] = True
    task_id: str
    message: str


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TaskOriginal(Shown):
    """Empty where nothing is said, or could not be heard or translated."""

    transcription: str
    translation: str


class TaskKey(Shown):
    title: str
    description: str


class TaskScene(Shown):
    time: str = Field(examples=["00:03–00:07"])
    visual: str
    text: str
    note: str


class TaskRecommendation(Shown):
    category: str
    text: str


class ReelResult(Shown):
    original: TaskOriginal
    keys: list[TaskKey] = Field(description="Five.")
    script: list[TaskScene]
    recommendations: list[TaskRecommendation]


class ReelTask(BaseModel):
    """`result` is there once it is done."""

    state: State
    progress: int = Field(ge=0, le=100)
    status: str = Field("", description="What is being done, or why it failed; a sentence for people.")
    result: ReelResult | None = None


@router.post(
    "/upload",
    summary="Send a video to be taken apart",
    description=(
        "As POST /v1/jobs with the kind `reel` and `keep_source` false. MP4, MOV and WebM up to MAX_FILE_SIZE_MB and "
        "MAX_VIDEO_DURATION_SEC. A file whose header does not tell its duration is taken and judged by what it holds."
    ),
    responses=problems(400, 503),
    openapi_extra=inline_body(
        "multipart/form-data", UploadForm.model_json_schema(), video="The video, declared as what it is."
    ),
)
async def upload_reel(request: Request, user: Caller, place: Place, starts: Starts) -> UploadTask:
    await run_in_threadpool(starts.look)
    try:
        async with read_form(request, UploadForm, "video") as (form, file):
            job = await run_in_threadpool(take, place, user, form, file, request_trace(request.scope), starts)
    except PermanentError as refused:
        raise BadRequest(refused.code, refused.message) from None
    return UploadTask(task_id=job.id, message="The video is being worked on; ask for its status by the task_id.")


def take(place: Platform, user: User, form: UploadForm, file: SentFile, trace: str | None, starts: Quota) -> Job:
    check(file)
    wish = FileWish(kind=KIND, language=form.language, keep_source=False)
    return intake.take_file(place, user, wish, file, None, trace, starts)


def check(file: SentFile) -> None:
    """Raises PermanentError `empty_file`, `unsupported_media`, `too_long`."""
    content_type = accepted_media_type(file.stream.read(HEAD_BYTES), file.filename)
    if not {content_type, file.content_type} <= set(TYPES):
        raise PermanentError(
            "unsupported_media", "Only MP4, MOV and WebM videos are accepted. Send one with its Content-Type."
        )
    seconds = header_duration(file.stream)
    longest = settings().max_video_duration_sec
    if seconds is not None and seconds > longest + ROUNDING_SEC:
        raise PermanentError("too_long", f"The video is longer than {longest:g} seconds. Send a shorter one.")
    file.stream.seek(0)


@router.get(
    "/status/{task_id}",
    summary="Look at the taking apart of a video",
    response_model_exclude_unset=True,
    responses=problems(404),
)
def show_reel_task(job: Annotated[Job, Depends(own_task(KIND))]) -> ReelTask:
    task = ReelTask(state=STATES[job.status], progress=job.progress)
    words = status_of(job)
    if words:
        task.status = words
    if job.status is JobStatus.DONE:
        task.result = result_of(job)
    return task


def status_of(job: Job) -> str | None:
    if job.status is JobStatus.CANCELLED:
        return "The job was cancelled."
    if job.error:
        return job.error.message
    return job.stages[job.stage].message if job.stage else None


def result_of(job: Job) -> ReelResult:
    reel = Reel.read(job.result or {})
    original = reel.original
    original.transcription = original.transcription or ""
    original.translation = original.translation or ""
    return ReelResult.model_validate(reel)
