"""Groups of videos behind a share link, without an account."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, RedirectResponse

from functions.api.dependencies import PlaceDep
from functions.api.openapi import problem_responses
from functions.api.pages import prefers_html
from functions.api.routes.shared_page import NO_INDEX, ended_page, preferred_language, shared_group_page
from functions.api.routes.videos import source_link
from shared.errors import NotFound
from shared.library import groups
from shared.library.groups import Group
from shared.library.videos import read_transcript, thumbnail_link
from shared.models import Model
from shared.models.job import Job
from shared.models.video import Transcript
from shared.pipeline.job_storage import MEDIA, media_name
from shared.pipeline.jobs import video_title
from shared.pipeline.sample_archive import publish_media
from shared.settings import settings

router = APIRouter(prefix="/v1/shared/{token}", tags=["shared"], responses=problem_responses(404, 422))


PICTURE_NAME = re.compile(r"thumbnail\.jpg|(frames|samples)/[0-9A-Za-z_-]{1,40}\.jpg")
"""Pictures of a video, which its viewers can see anyway; no other media are shared."""


class SharedVideo(Model):
    """A video of a shared group."""

    id: str = Field(description="Identifier of the video.")
    title: str | None = Field(description="Title of the video.")
    description: str | None = Field(description="Description of the video.")
    duration_sec: float | None = Field(description="Duration in seconds.")
    transcript_language: str | None = Field(description="Language of the transcript.")
    thumbnail_url: str | None = Field(description="Short-lived link to the thumbnail. It needs no token.")


class StartPosition(Model):
    """The moment that a link points to."""

    video_id: str = Field(description="The video to begin with.")
    seconds: float = Field(description="The position to begin at, in seconds.")


class SharedGroup(Model):
    """A group as a share link shows it."""

    name: str = Field(description="Name of the group.")
    description: str | None = Field(description="Description of the group.")
    videos: list[SharedVideo] = Field(description="The videos, in the order of the group.")
    start: StartPosition | None = Field(description="The moment to begin at. Null if the link does not set one.")
    chat: bool = Field(description="Whether POST /v1/chat answers questions with the token.")
    expires_at: datetime | None = Field(description="When the link expires. Null: it works until it is revoked.")


ShareToken = Annotated[str, Path(max_length=100, description="Token of the share link.")]


def share_link_group(token: ShareToken, place: PlaceDep) -> Group:
    """Return the shared group; raises NotFound for a token that is unknown, revoked or expired."""
    return groups.find_shared_group(place.documents, token)


ShareLinkGroup = Annotated[Group, Depends(share_link_group)]


def share_link_video(
    video_id: Annotated[str, Path(description="The `id` of the video.")], group: ShareLinkGroup, place: PlaceDep
) -> Job:
    """Return a video of the group; raises NotFound for one that is not in it."""
    jobs_by_id = {job.id: job for job in groups.group_videos(place.documents, group)}
    if video_id not in jobs_by_id:
        raise NotFound(video_id)
    return jobs_by_id[video_id]


ShareLinkVideo = Annotated[Job, Depends(share_link_video)]


@router.get(
    "",
    summary="Get a shared group",
    description=(
        "Returns a shared group with its videos. Returns 404 if the token is unknown, revoked or expired. Browsers, "
        "which prefer `text/html`, get a page, which needs no JavaScript to read."
    ),
    response_model=SharedGroup,
)
def get_shared_group(
    request: Request,
    token: ShareToken,
    place: PlaceDep,
    video: Annotated[str | None, Query(max_length=100, description="The `id` of the video to begin with.")] = None,
    t: Annotated[float, Query(ge=0, description="The position to begin at, in seconds.")] = 0,
) -> Any:
    language = preferred_language(request.headers.get("accept-language", ""))
    is_page = prefers_html(request.headers.get("accept", ""))
    try:
        group = share_link_group(token, place)
    except NotFound:
        if is_page:
            return ended_page(language)
        raise
    jobs = groups.group_videos(place.documents, group)
    jobs_by_id = {job.id: job for job in jobs}
    first_job = jobs_by_id.get(video or "") or (jobs[0] if jobs and video is None and t else None)
    start = (first_job, clamp_position(t, first_job)) if first_job else None
    if is_page:
        return shared_group_page(place, group, jobs, token, start, language)
    assert group.share is not None  # noqa: S101  # the group was found by it
    content = SharedGroup.model_validate(
        {
            "name": group.name,
            "description": group.description,
            "videos": [video_summary(job, place) for job in jobs],
            "start": {"video_id": start[0].id, "seconds": start[1]} if start else None,
            "chat": group.share.chat,
            "expires_at": group.share.expires_at,
        }
    )
    return JSONResponse(content.to_json(), headers=NO_INDEX)


def video_summary(job: Job, place: PlaceDep) -> dict[str, Any]:
    video = job.video
    return {
        "id": job.id,
        "title": video_title(job) or job.filename,
        "description": job.description,
        "duration_sec": video.info.duration_sec if video.info else None,
        "transcript_language": video.transcript_language,
        "thumbnail_url": thumbnail_link(place, job),
    }


def clamp_position(seconds: float, job: Job) -> float:
    return min(seconds, job.video.info.duration_sec) if job.video.info else seconds


@router.get(
    "/videos/{video_id}/transcript",
    summary="Get a shared video's transcript",
    description=(
        "Returns the whole transcript with its timestamps. Returns 409 until the video is processed, and if it has no "
        "transcript."
    ),
    responses=problem_responses(409),
)
def get_shared_transcript(video: ShareLinkVideo, place: PlaceDep) -> Transcript:
    return read_transcript(place, video)


@router.get(
    "/videos/{video_id}/media/{name:path}",
    summary="Download a shared video's picture",
    description=(
        "Redirects (307) to a short-lived link to a thumbnail or frame of the video. The address itself works as long "
        "as the share link, so that other sites can show the picture."
    ),
    status_code=307,
    response_class=RedirectResponse,
)
def download_shared_picture(
    video: ShareLinkVideo,
    place: PlaceDep,
    name: Annotated[str, Path(description="Media name of the picture.", examples=["frames/03.jpg"])],
) -> RedirectResponse:
    stored = media_name(video.id, name)
    if not PICTURE_NAME.fullmatch(name) or not publish_media(place.objects, video.id, name):
        raise NotFound(stored)
    return RedirectResponse(place.objects.signed_url(MEDIA, stored, settings().signed_link_ttl_sec))


@router.get(
    "/videos/{video_id}/source",
    summary="Play a shared video",
    description=(
        "Redirects (307) to a short-lived link to the video, which supports range requests. "
        "Returns 409 if the video is not stored."
    ),
    status_code=307,
    response_class=RedirectResponse,
    responses=problem_responses(409),
)
def play_shared_video(video: ShareLinkVideo, place: PlaceDep) -> RedirectResponse:
    return RedirectResponse(source_link(video, place))
