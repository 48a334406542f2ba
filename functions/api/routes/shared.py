"""What a share link shows, to anyone who has it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import RedirectResponse

from functions.api.access import Place
from functions.api.openapi import problems
from functions.api.routes.videos import source_link
from shared.errors import NotFound
from shared.library import groups, shares
from shared.library.videos import thumbnail_link, transcript_of
from shared.models.base import Model
from shared.models.group import Group
from shared.models.job import Job
from shared.models.transcript import Transcript
from shared.pipeline.videos import video_title

router = APIRouter(prefix="/v1/shared/{token}", tags=["shared"], responses=problems(404, 422))


class SharedVideo(Model):
    id: str
    title: str | None
    description: str | None
    duration_sec: float | None
    transcript_language: str | None
    thumbnail_url: str | None = Field(description="A link that soon stops working; ask again for another.")


class Start(Model):
    """Where the link points to."""

    video_id: str
    seconds: float


class SharedGroup(Model):
    name: str
    description: str | None
    videos: list[SharedVideo] = Field(description="In the order of the group.")
    start: Start | None = Field(description="Where to begin, if the link says so.")
    expires_at: datetime | None


def shown_group(token: Annotated[str, Path(max_length=100)], place: Place) -> Group:
    """Raises NotFound for a token that is unknown, revoked or expired."""
    return shares.shared_group(place.documents, token)


Shown = Annotated[Group, Depends(shown_group)]


def shown_video(video_id: str, group: Shown, place: Place) -> Job:
    """Raises NotFound for a video that is not in the group."""
    found = {job.id: job for job in groups.videos_in(place.documents, group)}
    if video_id not in found:
        raise NotFound(video_id)
    return found[video_id]


ShownVideo = Annotated[Job, Depends(shown_video)]


@router.get("", summary="Look at a shared group", response_model=SharedGroup)
def show_shared(
    group: Shown,
    place: Place,
    video: Annotated[str | None, Query(max_length=100, description="Which video to begin with.")] = None,
    t: Annotated[float, Query(ge=0, description="At which second.")] = 0,
) -> Any:
    found = groups.videos_in(place.documents, group)
    known = {job.id: job for job in found}
    first = known.get(video or "") or (found[0] if found and video is None and t else None)
    assert group.share is not None  # noqa: S101  # it is what led here
    return {
        "name": group.name,
        "description": group.description,
        "videos": [describe(job, place) for job in found],
        "start": {"video_id": first.id, "seconds": within(t, first)} if first else None,
        "expires_at": group.share.expires_at,
    }


def describe(job: Job, place: Place) -> dict[str, Any]:
    video = job.video
    return {
        "id": job.id,
        "title": video_title(job) or job.filename,
        "description": job.description,
        "duration_sec": video.info.duration_sec if video.info else None,
        "transcript_language": video.transcript_language,
        "thumbnail_url": thumbnail_link(place, job),
    }


def within(seconds: float, job: Job) -> float:
    return min(seconds, job.video.info.duration_sec) if job.video.info else seconds


@router.get("/videos/{video_id}/transcript", summary="Get all words of a shared video", responses=problems(409))
def shared_transcript(video: ShownVideo, place: Place) -> Transcript:
    return transcript_of(place, video)


@router.get(
    "/videos/{video_id}/source",
    summary="Play a shared video",
    description="Answers with a short-lived link that serves ranges.",
    status_code=307,
    response_class=RedirectResponse,
    responses=problems(409),
)
def shared_source(video: ShownVideo, place: Place) -> RedirectResponse:
    return RedirectResponse(source_link(video, place))
