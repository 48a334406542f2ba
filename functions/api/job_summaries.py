"""The compact form of a job, for lists that show many: a title, a picture and a state, without the results."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from functions.api.schemas import NEXT_PAGE
from shared.models import Model
from shared.models.job import Job, JobStatus
from shared.pipeline.jobs import video_title


class JobSummary(Model):
    """A job as a list shows it. GET /v1/jobs/{id} returns all of it."""

    id: str = Field(description="Identifier of the job.")
    video_id: str = Field(description="The video that the job analyzes.")
    kind: str = Field(description="Kind of analysis.")
    language: str = Field(description="Language of the result, as a BCP-47 tag.")
    status: JobStatus = Field(description="Status of the job.")
    progress: int = Field(description="Progress in percent.")
    is_empty: bool = Field(description="Whether the job is done and its result is empty.")
    title: str | None = Field(
        description="Title set by the owner, else the title given by the video's source, else by the result."
    )
    filename: str | None = Field(description="Name of the file.")
    url: str | None = Field(description="URL of the video. Null for an uploaded file.")
    tags: list[str] = Field(description="Tags set by the owner, then those of the result.")
    duration_sec: float | None = Field(description="Duration of the video in seconds.")
    thumbnail: str | None = Field(
        description="Media name of the picture. Download it from GET /v1/jobs/{id}/media/{name}."
    )
    created_at: datetime = Field(description="When the job was created.")
    updated_at: datetime = Field(description="When the job last changed.")


class JobSummaryPage(BaseModel):
    jobs: list[JobSummary] = Field(description="Jobs, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


def summarize_job(job: Job) -> dict[str, Any]:
    """Return the JSON form of a JobSummary."""
    result, video = job.result or {}, job.video
    summary = JobSummary(
        **job.model_dump(include={"id", "kind", "language", "status", "progress", "url", "created_at", "updated_at"}),
        video_id=job.of_video or job.id,
        is_empty=job.result_empty is not None,
        title=video_title(job),
        filename=job.filename or video.filename,
        tags=list(dict.fromkeys([*job.tags, *(result.get("tags") or [])])),
        duration_sec=video.info.duration_sec if video.info else None,
        thumbnail=_thumbnail_name(result.get("thumbnail")) or (video.thumbnail.name if video.thumbnail else None),
    )
    return summary.to_json()


def _thumbnail_name(thumbnail: Any) -> str | None:
    """Return the media name in a result: `metadata` has a picture with its size there, other kinds only its name."""
    return thumbnail.get("name") if isinstance(thumbnail, dict) else thumbnail
