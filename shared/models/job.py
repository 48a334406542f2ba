"""The job document: what frontends watch, and the unit of atomicity of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator

from shared.models.base import Model
from shared.models.video import Video


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


class StageStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class UploadState(StrEnum):
    WAITING = "waiting"
    RECEIVED = "received"
    EXPIRED = "expired"


class Lease(Model):
    """The right of one delivery to work on a stage until a time."""

    holder: str
    until: datetime


class JobError(Model):
    code: str
    message: str
    stage: str | None
    retryable: bool = Field(description="Whether POST /v1/jobs/{id}/retry can help.")


class StageState(Model):
    number: int = Field(1, description="Place among the job's stages, from 1; maps in Firestore have no order.")
    status: StageStatus = StageStatus.PENDING
    attempts: int = 0
    parts: int | None = Field(None, description="Into how many parts its work is divided; None = it is not.")
    progress: float = Field(0, ge=0, le=1)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    message: str | None = Field(None, description="What the stage is doing or why it is being tried again.")
    error: JobError | None = Field(None, description="Why its last attempt failed.")
    lease: Lease | None = None


class Outgoing(Model):
    """A message that is decided but perhaps not yet published."""

    id: str
    target: str = Field(description="The stage that the message sets off, or the dead-letter topic.")


class Upload(Model):
    state: UploadState
    size: int | None = None
    content_type: str | None = None
    expires_at: datetime | None = None


class Usage(Model):
    """What an analysis took. Costs are estimates in US dollars."""

    provider: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    audio_seconds: float = 0
    frames: int = 0
    cost_usd: float = 0
    notes: list[str] = Field([], description="E.g. that a provider was down and another one stood in.")

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """What several took together; who made it is taken from the last that says so."""
        whole = cls()
        for one in usages:
            sums = {name: getattr(whole, name) + getattr(one, name) for name in ADDED}
            named = {name: value for name in NAMED if (value := getattr(one, name)) is not None}
            notes = list(dict.fromkeys([*whole.notes, *one.notes]))
            whole = whole.model_copy(update=sums | named | {"notes": notes})
        return whole


HIDDEN = ("owner", "outbox", "wake_at", "trace", "search")
"""What of a job is machinery, or goes without saying, and not shown to its owner."""
ADDED = ("tokens_in", "tokens_out", "audio_seconds", "frames", "cost_usd")
NAMED = ("provider", "model", "prompt_version")


class Part(StageState):
    """A part of a stage whose work is divided: a document of its own, claimed and tried again by itself.

    `number` is its place among the parts, from 0.
    """

    job_id: str
    owner: str
    stage: str
    usage: Usage = Field(default_factory=Usage)
    outcome: dict[str, Any] | None = Field(None, description="What it gave; None while it is not done.")


class Job(Model):
    id: str
    owner: str
    kind: str
    language: str
    url: str | None = None
    filename: str | None = None
    options: dict[str, Any] = {}
    status: JobStatus = JobStatus.QUEUED
    stage: str | None = Field(None, description="The stage that runs or ran last.")
    progress: int = Field(0, ge=0, le=100)
    stages: dict[str, StageState] = Field({}, description="All the stages this job will take, in order.")
    upload: Upload | None = None
    video: Video = Field(default_factory=Video)
    result: dict[str, Any] | None = None
    usage: Usage = Field(default_factory=Usage)
    error: JobError | None = None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    outbox: list[Outgoing] = []
    wake_at: datetime | None = Field(None, description="When sweep is to look at this job next; None = never.")
    keep_source: bool | None = Field(
        None,
        description="`true`: its video is kept as long as the job. `false`: it is deleted at the job's end. `null`:"
        " SOURCE_RETENTION_HOURS after that.",
    )
    source_deleted: bool = False
    title: str | None = Field(None, description="As its owner calls the video.")
    description: str | None = None
    tags: list[str] = []
    of_video: str | None = Field(
        None, description="The job that brought the video which this one analyses again; null for that job itself."
    )
    search: list[str] = Field([], description="Words that the video is found by.")
    trace: str | None = Field(None, description="W3C traceparent of the request that made the job.")

    @property
    def source_job(self) -> str:
        """Whose object in `uploads` the video is."""
        return self.id if self.of_video is None or "extract" in self.stages else self.of_video

    @field_validator("stages")
    @classmethod
    def in_order(cls, stages: dict[str, StageState]) -> dict[str, StageState]:
        return dict(sorted(stages.items(), key=lambda item: item[1].number))

    def public(self) -> dict[str, Any]:
        """What its owner sees: everything but the machinery."""
        return self.model_dump(
            mode="json",
            by_alias=True,
            exclude=dict.fromkeys(HIDDEN, True) | {"stages": {"__all__": {"lease"}}},
        )
