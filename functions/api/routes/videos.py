"""The library of a user's videos, across all analyses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, RedirectResponse

from functions.api.dependencies import Cursor, Idempotency, Limit, PlaceDep, StartQuota
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.pages import location_header
from functions.api.request_models import Description, RequestModel, SpeakerNames, Tags, Title
from functions.api.schemas import NEXT_PAGE, AnalysisRequest, PublicJob
from shared.library import videos
from shared.library.deletion import delete_job
from shared.library.videos import read_transcript
from shared.logs import current_trace
from shared.models import Model
from shared.models.job import Job, JobError, JobStatus
from shared.models.video import Transcript, TranscriptSource
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import read_job, video_title
from shared.pipeline.lifecycle import JobStateError
from shared.settings import settings

router = APIRouter(prefix="/v1/videos", tags=["videos"], responses=problem_responses(401, 403, 422))


class VideoAnalysis(Model):
    """A job that analyzes the video. The first one is the job that stored the video."""

    job_id: str = Field(description="Identifier of the job.")
    kind: str = Field(description="Kind of analysis.")
    language: str = Field(description="Language of the result, as a BCP-47 tag.")
    status: JobStatus = Field(description="Status of the job.")
    created_at: datetime = Field(description="When the job was created.")


class VideoInfo(Model):
    """A stored video."""

    id: str = Field(description="Identifier of the video, and of its first job, which stored it.")
    title: str | None = Field(
        description="Title set by the owner, else the title given by its source or its first result."
    )
    description: str | None = Field(description="Description set by the owner.")
    tags: list[str] = Field(description="Tags set by the owner.")
    speakers: dict[str, str] = Field(
        description="Names of the speakers, set by the owner, by their labels in the transcript."
    )
    status: JobStatus = Field(description="Status of the first job.")
    progress: int = Field(description="Progress of the first job in percent.")
    error: JobError | None = Field(description="Why the first job failed, if it did.")
    filename: str | None = Field(description="Name of the uploaded file.")
    url: str | None = Field(description="URL that the video was downloaded from.")
    content_type: str | None = Field(description="Media type of the file.")
    author: str | None = Field(description="Author of the video, as its source names them.")
    duration_sec: float | None = Field(description="Duration in seconds.")
    width: int | None = Field(description="Display width in pixels.")
    height: int | None = Field(description="Display height in pixels.")
    thumbnail: str | None = Field(
        description="Media name of the thumbnail. Download it from GET /v1/jobs/{id}/media/{name}."
    )
    transcript_source: TranscriptSource | None = Field(
        description="Where the transcript comes from. Null without a transcript."
    )
    transcript_language: str | None = Field(description="Language of the transcript.")
    source_kept: bool = Field(description="Whether the video file is still stored and can be played or analyzed again.")
    created_at: datetime = Field(description="When the video was submitted.")
    updated_at: datetime = Field(description="When the video or its first job last changed.")


class VideoDetails(VideoInfo):
    """A stored video with its transcript and analyses."""

    transcript: str | None = Field(description="Text of the transcript, at most 20,000 characters.")
    analyses: list[VideoAnalysis] = Field(description="All jobs that analyze the video.")


class VideoPage(BaseModel):
    videos: list[VideoInfo] = Field(description="Videos, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


class VideoUpdateRequest(RequestModel):
    """Changes to a video. Omitted fields stay as they are; null removes the title or the description."""

    title: Title | None = Field(None, description="New title.")
    description: Description | None = Field(None, description="New description.")
    tags: Tags = Field([], description="New tags, which replace all previous ones.")
    speakers: SpeakerNames = Field(
        {},
        description=(
            "New names of the speakers, by their labels in the transcript; they replace all previous names. Two labels "
            "may have the same name. Transcripts, exports and citations show the names."
        ),
    )


def own_video(
    video_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The `id` of the video.")],
    user: Caller,
    place: PlaceDep,
) -> Job:
    return videos.read_own_video(place, video_id, user.id)


OwnVideo = Annotated[Job, Depends(own_video)]


def video_info(job: Job) -> dict[str, Any]:
    video, info = job.video, job.video.info
    return {
        "id": job.id,
        "title": video_title(job),
        "description": job.description,
        "tags": job.tags,
        "speakers": job.speakers,
        "status": job.status,
        "progress": job.progress,
        "error": job.error,
        "filename": job.filename,
        "url": job.url,
        "content_type": video.content_type,
        "author": video.author,
        "duration_sec": info.duration_sec if info else None,
        "width": info.width if info else None,
        "height": info.height if info else None,
        "thumbnail": video.thumbnail.name if video.thumbnail else None,
        "transcript_source": video.transcript_source,
        "transcript_language": video.transcript_language,
        "source_kept": not job.source_deleted and info is not None,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


@router.get(
    "",
    summary="List your videos",
    description=(
        "Returns your videos, newest first. With `q`, a page may hold fewer than `limit` videos although more follow; "
        "continue until `cursor` is null."
    ),
    response_model=VideoPage,
)
def list_videos(
    user: Caller,
    place: PlaceDep,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description=(
                "Search terms. Returns only videos whose title, tags, description, author and file name together "
                "contain all these words. Words match whole."
            ),
        ),
    ] = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Any:
    jobs, next_cursor = videos.search_videos(place.documents, user.id, q, limit, cursor)
    return {"videos": [video_info(job) for job in jobs], "cursor": next_cursor}


@router.get(
    "/{video_id}",
    summary="Get a video",
    description="Returns a video with its transcript and all its analyses.",
    response_model=VideoDetails,
    responses=problem_responses(404),
)
def get_video(video: OwnVideo, place: PlaceDep) -> Any:
    return video_details(video, place)


def video_details(video: Job, place: PlaceDep) -> dict[str, Any]:
    analyses = [
        job.model_dump(include={"kind", "language", "status", "created_at"}) | {"job_id": job.id}
        for job in videos.video_analyses(place.documents, video)
    ]
    return video_info(video) | {"transcript": video.video.transcript, "analyses": analyses}


@router.patch(
    "/{video_id}",
    summary="Update a video",
    description=(
        "Changes the title, description, tags or speaker names of a video. Omitted fields stay as they are; null "
        "removes the title or the description."
    ),
    response_model=VideoDetails,
    responses=problem_responses(404),
)
def update_video(video: OwnVideo, change: VideoUpdateRequest, place: PlaceDep) -> Any:
    return video_details(
        videos.update_video_details(place.documents, video.id, **change.model_dump(exclude_unset=True)), place
    )


@router.delete(
    "/{video_id}",
    summary="Delete a video",
    description="Deletes a video with all its analyses, media and results.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def delete_video(video: OwnVideo, place: PlaceDep) -> None:
    delete_job(place, video)


@router.post(
    "/{video_id}/analyses",
    summary="Analyze a stored video again",
    description=(
        "Creates a job that analyzes a stored video in another way, without another upload. "
        "Returns 409 if the video is not ready, or if the analysis needs the video file and it is no longer stored."
    ),
    status_code=202,
    response_model=PublicJob,
    responses=problem_responses(404, 409),
)
def create_analysis(
    video: OwnVideo,
    body: AnalysisRequest,
    request: Request,
    place: PlaceDep,
    quota: StartQuota,
    idempotency: Idempotency,
) -> Response:
    job_id = idempotency.reserve_id(body)
    job = read_job(place.documents, job_id)
    if job is None:
        quota.consume()
        trace = current_trace()
        job = videos.reanalyze_video(
            place,
            video,
            body.kind,
            body.language,
            requested_language=body.requested_language,
            options=body.options,
            job_id=job_id,
            trace=trace,
        )
    return JSONResponse(job.to_public(), 202, location_header(f"/v1/jobs/{job.id}"))


@router.get(
    "/{video_id}/transcript",
    summary="Get a video's transcript",
    description=(
        "Returns the whole transcript with its timestamps. Returns 409 until the first job is done, and if the video "
        "has no transcript. "
        "For text or subtitle files, use GET /v1/jobs/{job_id}/export."
    ),
    responses=problem_responses(404, 409),
)
def get_transcript(video: OwnVideo, place: PlaceDep) -> Transcript:
    return read_transcript(place, video)


@router.get(
    "/{video_id}/source",
    summary="Play a video",
    description=(
        "Redirects (307) to a short-lived link to the video. The link needs no token and supports range requests. "
        "Returns 409 if the video is not stored."
    ),
    status_code=307,
    response_class=RedirectResponse,
    responses=problem_responses(404, 409),
)
def play_video(video: OwnVideo, place: PlaceDep) -> RedirectResponse:
    return RedirectResponse(source_link(video, place))


def source_link(video: Job, place: PlaceDep) -> str:
    name = source_name(video.id)
    if place.objects.stat(UPLOADS, name) is None:
        raise JobStateError(
            "source_gone", "The video file is not stored: it has not arrived, or is no longer kept. Submit it again."
        )
    return place.objects.signed_url(UPLOADS, name, settings().signed_link_ttl_sec)
