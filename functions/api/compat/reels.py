"""The paths of the earlier reel scripter: jobs of the kind `reel` for a file that is not kept."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from functions.api import submission
from functions.api.compat.routing import own_task
from functions.api.dependencies import PlaceDep, StartQuota
from functions.api.identity import Caller
from functions.api.openapi import FORM_LIMIT, inline_request_body, problem_responses
from functions.api.problems import BadRequest
from functions.api.rate_limits import Quota
from functions.api.request_bodies import UploadedFile, read_form
from functions.api.request_models import CompatRequestModel
from functions.api.schemas import FileJobRequest, LanguageTag
from shared.analyses.reel import Reel
from shared.errors import PermanentError
from shared.logs import current_trace
from shared.media.file_type import HEAD_BYTES, require_media_type
from shared.media.header_duration import header_duration
from shared.models.job import Job, JobStatus
from shared.platform.accounts import User
from shared.platform.ports import Place
from shared.settings import settings

KIND = "reel"
ACCEPTED_TYPES = ("video/mp4", "video/quicktime", "video/webm")
DEFAULT_LANGUAGE = "ru"
ROUNDING_SEC = 0.1

State = Literal["PENDING", "PROGRESS", "SUCCESS", "FAILURE"]
STATES: dict[JobStatus, State] = {
    JobStatus.QUEUED: "PENDING",
    JobStatus.RUNNING: "PROGRESS",
    JobStatus.DONE: "SUCCESS",
    JobStatus.FAILED: "FAILURE",
    JobStatus.CANCELLED: "FAILURE",
}

router = APIRouter(prefix="/api", tags=["compat: reel scripter"], responses=problem_responses(401, 403, 422))


class ReelUploadForm(CompatRequestModel):
    """The form fields next to the file."""

    language: LanguageTag = Field(
        DEFAULT_LANGUAGE, description="Language of the translation and the script, as a BCP-47 tag."
    )


class ReelUploadResponse(BaseModel):
    success: Literal[True] = Field(True, description="Always true.")
    task_id: str = Field(description="Identifier of the task, which is a job.")
    message: str = Field(description="What happened, for people.")


class ReelSchema(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TaskOriginal(ReelSchema):
    """The spoken words. Empty if nothing is said, or if it could not be transcribed or translated."""

    transcription: str = Field(description="The spoken words in their language.")
    translation: str = Field(description="The spoken words, translated.")


class TaskKey(ReelSchema):
    title: str = Field(description="Short title.")
    description: str = Field(description="What the video does to keep people watching.")


class TaskScene(ReelSchema):
    time: str = Field(description="Start and end as `MM:SS–MM:SS`.", examples=["00:03–00:07"])
    visual: str = Field(description="What is visible.")
    text: str = Field(description="What is said or shown as text.")
    note: str = Field(description="Notes on camera, cut, sound or mood.")


class TaskRecommendation(ReelSchema):
    category: str = Field(description="Category of the recommendation, e.g. `hook` or `sound`.")
    text: str = Field(description="The recommendation.")


class ReelResult(ReelSchema):
    original: TaskOriginal = Field(description="The spoken words.")
    keys: list[TaskKey] = Field(description="Five things that keep people watching.")
    script: list[TaskScene] = Field(description="The video scene by scene, from start to end.")
    recommendations: list[TaskRecommendation] = Field(description="What would improve the video.")


class ReelTask(BaseModel):
    """`result` is present once the task is done."""

    state: State = Field(description="State of the task.")
    progress: int = Field(ge=0, le=100, description="Progress in percent.")
    status: str = Field("", description="What the task is doing, or why it failed, for people.")
    result: ReelResult | None = Field(None, description="The result.")


@router.post(
    "/upload",
    summary="Upload a video for reel analysis",
    description=(
        "Compatible with the reel scripter: prefer POST /v1/jobs with the kind `reel` and `keep_source` false. Accepts "
        "MP4, MOV and WebM up to MAX_FILE_SIZE_MB and MAX_VIDEO_DURATION_SEC. If the header of a file does not contain "
        "its duration, the limit is checked while the file is processed. " + FORM_LIMIT
    ),
    responses=problem_responses(400, 503),
    openapi_extra=inline_request_body(
        "multipart/form-data", ReelUploadForm.model_json_schema(), video="The video file, with its actual media type."
    ),
)
async def upload_reel(request: Request, user: Caller, place: PlaceDep, quota: StartQuota) -> ReelUploadResponse:
    await run_in_threadpool(quota.check)
    try:
        async with read_form(request, ReelUploadForm, settings(), "video") as (form, file):
            job = await run_in_threadpool(submit_reel, place, user, form, file, current_trace(), quota)
    except PermanentError as error:
        raise BadRequest(error.code, error.message) from None
    return ReelUploadResponse(
        task_id=job.id, message="The video is being processed. Use the task_id to get its status."
    )


def submit_reel(
    place: Place, user: User, form: ReelUploadForm, file: UploadedFile, trace: str | None, quota: Quota
) -> Job:
    check_video_file(file)
    job_request = FileJobRequest(kind=KIND, language=form.language, keep_source=False)
    return submission.submit_file(place, user, job_request, file, None, trace, quota, earlier_limits=True)


def check_video_file(file: UploadedFile) -> None:
    """Check type and duration; raises PermanentError `empty_file`, `unsupported_media`, `too_long`."""
    content_type = require_media_type(file.stream.read(HEAD_BYTES), file.filename)
    if not {content_type, file.content_type} <= set(ACCEPTED_TYPES):
        raise PermanentError(
            "unsupported_media", "Only MP4, MOV and WebM videos are accepted. Send one with its Content-Type."
        )
    seconds = header_duration(file.stream)
    limit = settings().max_video_duration_sec
    if seconds is not None and seconds > limit + ROUNDING_SEC:
        raise PermanentError("too_long", f"The video is longer than {limit:g} seconds. Send a shorter one.")
    file.stream.seek(0)


@router.get(
    "/status/{task_id}",
    summary="Get a reel analysis's status",
    description="Compatible with the reel scripter: prefer GET /v1/jobs/{job_id}.",
    response_model_exclude_unset=True,
    responses=problem_responses(404),
)
def get_reel_task(job: Annotated[Job, Depends(own_task(KIND))]) -> ReelTask:
    task = ReelTask(state=STATES[job.status], progress=job.progress)
    message = status_message(job)
    if message:
        task.status = message
    if job.status is JobStatus.DONE:
        task.result = reel_result(job)
    return task


def status_message(job: Job) -> str | None:
    if job.status is JobStatus.CANCELLED:
        return "The job was cancelled."
    if job.error:
        return job.error.message
    return job.stages[job.stage].message if job.stage else None


def reel_result(job: Job) -> ReelResult:
    reel = Reel.read(job.result or {})
    original = reel.original
    original.transcription = original.transcription or ""
    original.translation = original.translation or ""
    return ReelResult.model_validate(reel)
