"""A user's videos, whatever has been made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse

from functions.api.access import Place, Starts, wrong_cursor
from functions.api.frame import request_trace
from functions.api.identity import Caller
from functions.api.openapi import problems
from functions.api.schemas import AnalysisWish, Description, PublicJob, Tags, Title
from shared.library import videos
from shared.library.deletion import delete_job
from shared.library.videos import transcript_of
from shared.models.base import Model
from shared.models.job import Job, JobError, JobStatus
from shared.models.transcript import Transcript
from shared.models.video import TranscriptSource
from shared.pipeline.lifecycle import JobProblem
from shared.pipeline.paths import UPLOADS, source_name
from shared.pipeline.videos import video_title
from shared.settings import settings

router = APIRouter(prefix="/v1/videos", tags=["videos"], responses=problems(401, 403, 422))


class Analysis(Model):
    """A job about the video; the first is the one that brought it."""

    job_id: str
    kind: str
    language: str
    status: JobStatus
    created_at: datetime


class VideoInfo(Model):
    id: str = Field(description="Also the id of the job that brought it.")
    title: str | None = Field(description="The owner's, else what its source or its first result calls it.")
    description: str | None
    tags: list[str]
    status: JobStatus = Field(description="Of the first job.")
    progress: int
    error: JobError | None
    filename: str | None
    url: str | None
    content_type: str | None
    author: str | None
    duration_sec: float | None
    width: int | None
    height: int | None
    thumbnail: str | None = Field(description="Media name, to be read at /v1/jobs/{id}/media/{name}.")
    transcript_source: TranscriptSource | None
    transcript_language: str | None
    source_kept: bool = Field(description="Whether the video itself is still there to be played or analysed anew.")
    created_at: datetime
    updated_at: datetime


class VideoDetails(VideoInfo):
    transcript: str | None = Field(description="The words, at most 20 000 characters.")
    analyses: list[Analysis]


class VideoPage(BaseModel):
    videos: list[VideoInfo] = Field(description="Newest first.")
    cursor: str | None = Field(description="Give it back to get the next page; null on the last one.")


class VideoChange(BaseModel):
    """What is left out stays as it is; null takes it away."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    description: Description | None = None
    tags: Tags = []


def own_video(video_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], user: Caller, place: Place) -> Job:
    return videos.own_video(place, video_id, user.id)


OwnVideo = Annotated[Job, Depends(own_video)]


def shown(job: Job) -> dict[str, Any]:
    video, info = job.video, job.video.info
    return {
        "id": job.id,
        "title": video_title(job),
        "description": job.description,
        "tags": job.tags,
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


@router.get("", summary="List your videos, newest first", response_model=VideoPage)
def list_videos(
    user: Caller,
    place: Place,
    q: Annotated[
        str,
        Query(max_length=200, description="Whole words that all stand in title, tags, description, author or name."),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000, description="From the page before.")] = None,
) -> Any:
    """With `q` a page may hold fewer than `limit` although there are more: go on while there is a cursor."""
    try:
        found, after = videos.videos_of(place.documents, user.id, q, limit, cursor)
    except ValueError:
        raise wrong_cursor() from None
    return {"videos": [shown(job) for job in found], "cursor": after}


@router.get("/{video_id}", summary="Look at a video", response_model=VideoDetails, responses=problems(404))
def show_video(video: OwnVideo, place: Place) -> Any:
    return details(video, place)


def details(video: Job, place: Place) -> dict[str, Any]:
    analyses = [
        job.model_dump(include={"kind", "language", "status", "created_at"}) | {"job_id": job.id}
        for job in videos.analyses_of(place.documents, video)
    ]
    return shown(video) | {"transcript": video.video.transcript, "analyses": analyses}


@router.patch(
    "/{video_id}",
    summary="Change a video's title, description or tags",
    response_model=VideoDetails,
    responses=problems(404),
)
def change_video(video: OwnVideo, change: VideoChange, place: Place) -> Any:
    return details(videos.describe(place.documents, video.id, **change.model_dump(exclude_unset=True)), place)


@router.delete(
    "/{video_id}",
    summary="Delete a video with all that was made of it",
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def delete_video(video: OwnVideo, place: Place) -> None:
    delete_job(place, video)


@router.post(
    "/{video_id}/analyses",
    summary="Make something else of a video, without sending it again",
    status_code=202,
    response_model=PublicJob,
    responses=problems(404, 409),
)
def analyse_again(video: OwnVideo, wish: AnalysisWish, request: Request, place: Place, starts: Starts) -> Response:
    starts.take()
    job = videos.analyse_again(
        place, video, wish.kind, wish.language, options=wish.options, trace=request_trace(request.scope)
    )
    return JSONResponse(job.public(), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get(
    "/{video_id}/transcript",
    summary="Get all words of a video with their times",
    description="As text or subtitles: GET /v1/jobs/{video_id}/export.",
    responses=problems(404, 409),
)
def transcript(video: OwnVideo, place: Place) -> Transcript:
    return transcript_of(place, video)


@router.get(
    "/{video_id}/source",
    summary="Play the video",
    description="Answers with a short-lived link, which works without a token and serves ranges, as players want them.",
    status_code=307,
    response_class=RedirectResponse,
    responses=problems(404, 409),
)
def source(video: OwnVideo, place: Place) -> RedirectResponse:
    return RedirectResponse(source_link(video, place))


def source_link(video: Job, place: Place) -> str:
    name = source_name(video.id)
    if place.objects.stat(UPLOADS, name) is None:
        raise JobProblem("source_gone", "The video itself is not there: it has not come yet, or is no longer kept.")
    return place.objects.signed_url(UPLOADS, name, settings().signed_link_ttl_sec)
