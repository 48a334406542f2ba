"""The job document, which clients watch and which is the pipeline's unit of atomicity, and its search words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, field_validator

from shared.models import Model
from shared.models.shard import default_shard
from shared.models.video import TranscriptGap, Video
from shared.wiring import EXTRACT

HIDDEN = (
    "owner",
    "shard",
    "outbox",
    "wake_at",
    "source_expires_at",
    "trace",
    "search",
    "link_allowed",
    "requested_language",
    "earlier_limits",
    "counted",
)
"""Internal fields that clients do not see."""
_EXCLUDED: dict[str, Any] = dict.fromkeys(HIDDEN, True) | {"stages": {"__all__": {"lease"}}}
NO_TRACK = "none"
"""Value of the option `subtitle_track` that makes Clipwise ignore all subtitles."""
AUDIO_TRACK, SUBTITLE_TRACK = "audio_track", "subtitle_track"
"""Options that name tracks of the file, whatever the kind."""
LOCATION = "location"
"""Option of every kind that keeps where the video was recorded."""
SUMMED_FIELDS = ("tokens_in", "tokens_out", "audio_seconds", "frames", "cost_usd")
SOURCE_FIELDS = ("provider", "model", "prompt_version")
MAX_SEARCH_WORDS = 100
WORD = re.compile(r"\w+")


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
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
    CANCELLED = "cancelled"


class Lease(Model):
    """The exclusive right of one delivery to run a stage, until a time."""

    holder: str
    until: datetime


class JobError(Model):
    """Why a job or a stage failed."""

    code: str = Field(description="Stable, machine-readable error code.")
    message: str = Field(description="What happened and what to do, for people.")
    stage: str | None = Field(description="The stage that failed. Null if no stage had started.")
    retryable: bool = Field(description="Whether POST /v1/jobs/{id}/retry can help.")


class StageState(Model):
    """State of a stage of a job."""

    number: int = Field(
        1, description="Position among the job's stages, starting at 1. Maps in Firestore are unordered."
    )
    status: StageStatus = Field(StageStatus.PENDING, description="Status of the stage.")
    attempts: int = Field(0, description="Number of attempts so far.")
    interruptions: int = Field(0, description="Attempts without an outcome: their worker crashed, or the server ended.")
    parts: int | None = Field(None, description="Number of parts that the work is divided into. Null if undivided.")
    progress: float = Field(0, ge=0, le=1, description="Progress from 0 to 1.")
    started_at: datetime | None = Field(None, description="When the first attempt started.")
    ended_at: datetime | None = Field(None, description="When the stage ended.")
    message: str | None = Field(None, description="What the stage is doing, or why it is being retried.")
    error: JobError | None = Field(None, description="Why the last attempt failed, if it did.")
    lease: Lease | None = None


class OutboxMessage(Model):
    """A message that is recorded and may not be published yet."""

    id: str
    target: str = Field(description="The stage that the message triggers, or the dead-letter topic.")
    claimed: bool = Field(
        False,
        description="Whether the claim of the target removes it. Until it is sent, the delivery that decided to send it"
        " comes again.",
    )


class Upload(Model):
    """The upload of a job's file."""

    state: UploadState = Field(description="`waiting` for the bytes, `received`, `expired` or `cancelled`.")
    size: int | None = Field(None, description="Size of the file in bytes.")
    content_type: str | None = Field(None, description="Media type of the file.")
    expires_at: datetime | None = Field(None, description="When the upload expires if the bytes do not arrive.")


class Usage(Model):
    """Resources used by an analysis. Costs are estimates in US dollars."""

    provider: str | None = Field(None, description="The AI provider, e.g. `openai`, `gemini` or `offline`.")
    model: str | None = Field(None, description="The model.")
    prompt_version: str | None = Field(None, description="Version of the prompt.")
    tokens_in: int = Field(0, description="Number of input tokens.")
    tokens_out: int = Field(0, description="Number of output tokens.")
    audio_seconds: float = Field(0, description="Duration of transcribed audio in seconds.")
    frames: int = Field(0, description="Number of frames sent to the model.")
    cost_usd: float = Field(0, description="Estimated cost in US dollars.")
    notes: list[str] = Field([], description="Remarks, e.g. that another provider replaced one that was unavailable.")

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """Add up several usages; provider and model come from the last one that names them."""
        total = cls()
        for usage in usages:
            sums = {name: getattr(total, name) + getattr(usage, name) for name in SUMMED_FIELDS}
            names = {name: value for name in SOURCE_FIELDS if (value := getattr(usage, name)) is not None}
            notes = list(dict.fromkeys([*total.notes, *usage.notes]))
            total = total.model_copy(update=sums | names | {"notes": notes})
        return total


class CountedRun(Model):
    """What the statistics counted of a job before it ran again."""

    until: datetime
    cost_usd: float


class EmptyResult(Model):
    """Why the result of a finished job is empty, and what would help."""

    code: TranscriptGap | Literal["nothing_found"] = Field(
        description="`no_audio`, `silent`, `not_transcribed` (no speech model or AI key for its language),"
        " `no_speech` (transcribed, but no speech was recognized), or `nothing_found` (there are words, but nothing for"
        " this kind)."
    )
    message: str = Field(description="What is missing and why, for people.")
    advice: str = Field(description="What would help, for people.")


class Part(StageState):
    """A part of a divided stage: a separate document, claimed and retried on its own.

    `number` is its position among the parts, starting at 0.
    """

    job_id: str
    owner: str
    stage: str
    usage: Usage = Field(default_factory=Usage)
    outcome: dict[str, Any] | None = Field(None, description="Result of the part; None until it is done.")


class Job(Model):
    """A job: one analysis of one video."""

    id: str = Field(description="Identifier of the job.")
    shard: int = Field(default_factory=default_shard, description="Range of the indexes by time.")
    owner: str
    kind: str = Field(description="Kind of analysis.")
    language: str = Field(description="Language of the result, as a BCP-47 tag.")
    requested_language: str | None = Field(None, description="The language, if the request names one.")
    url: str | None = Field(None, description="URL of the video. Null for an uploaded file.")
    filename: str | None = Field(None, description="Name of the file.")
    options: dict[str, Any] = Field({}, description="Options of the kind.")
    status: JobStatus = Field(JobStatus.QUEUED, description="Status of the job.")
    stage: str | None = Field(None, description="The stage that runs or ran last. Null before the first one.")
    progress: int = Field(0, ge=0, le=100, description="Progress in percent. It never decreases.")
    stages: dict[str, StageState] = Field({}, description="All stages of the job, in order.")
    upload: Upload | None = Field(None, description="The upload of the file. Null for a URL.")
    video: Video = Field(default_factory=Video, description="The video. Fields are set as stages determine them.")
    result: dict[str, Any] | None = Field(
        None, description="The result, in the form that GET /v1/kinds describes. Null until the job is done."
    )
    result_empty: EmptyResult | None = Field(
        None, description="Why the result is empty, and what would help. Null if it is not, and until the job is done."
    )
    usage: Usage = Field(default_factory=Usage, description="Resources used by the job.")
    error: JobError | None = Field(None, description="Why the job failed, if it did.")
    created_at: datetime = Field(description="When the job was created.")
    updated_at: datetime = Field(description="When the job last changed.")
    ended_at: datetime | None = Field(None, description="When the job ended.")
    outbox: list[OutboxMessage] = []
    wake_at: datetime | None = Field(None, description="When `sweep` checks this job next; None: never.")
    source_expires_at: datetime | None = Field(None, description="When `sweep` deletes the video file; None: never.")
    keep_source: bool | None = Field(
        None,
        description="How long the video file is kept. `true`: as long as the job. `false`: until the job ends. `null`:"
        " SOURCE_RETENTION_HOURS longer.",
    )
    source_deleted: bool = Field(False, description="Whether the video file was deleted.")
    title: str | None = Field(None, description="Title of the video, set by the owner.")
    description: str | None = Field(None, description="Description of the video, set by the owner.")
    tags: list[str] = Field([], description="Tags of the video, set by the owner.")
    speakers: dict[str, str] = Field(
        {}, description="Names of the speakers, set by the owner, by their labels in the transcript, such as `A`."
    )
    batch_id: str | None = Field(None, description="The batch that created the job, if one did.")
    of_video: str | None = Field(
        None,
        description="The job that stored the video, if this one analyzes it again. Null for the job that stored it.",
    )
    search: list[str] = Field([], description="Search words of the video.")
    earlier_limits: bool = Field(False, description="Whether the limits of the earlier systems' paths apply.")
    link_allowed: bool = Field(
        False, description="Whether the provider may read the video from its public link, without a download."
    )
    trace: str | None = Field(None, description="W3C traceparent of the request that created the job.")
    counted: CountedRun | None = None

    @property
    def unsent(self) -> list[OutboxMessage]:
        """The messages that nobody sends again but `sweep`."""
        return [message for message in self.outbox if not message.claimed]

    def to_counted_part(self, owner: str | None) -> dict[str, Any]:
        """Return the document of this ended job with only what statistics count, for the user `owner`."""
        stages = {
            name: StageState(
                number=state.number, status=state.status, started_at=state.started_at, ended_at=state.ended_at
            )
            for name, state in self.stages.items()
        }
        error = self.error and self.error.model_copy(update={"message": ""})
        part = Job(
            id=self.id,
            owner=owner or "",
            kind=self.kind,
            language="",
            status=self.status,
            stages=stages,
            upload=self.upload and Upload(state=self.upload.state),
            result_empty=self.result_empty,
            usage=Usage(cost_usd=self.usage.cost_usd),
            error=error,
            created_at=self.created_at,
            updated_at=self.updated_at,
            ended_at=self.ended_at,
            counted=self.counted,
        )
        return part.model_dump(mode="python", by_alias=True, exclude_defaults=True)

    @property
    def source_job(self) -> str:
        """Return the id of the job whose object in `uploads` is the video."""
        return self.id if self.of_video is None or EXTRACT in self.stages else self.of_video

    @field_validator("stages")
    @classmethod
    def sort_stages(cls, stages: dict[str, StageState]) -> dict[str, StageState]:
        return dict(sorted(stages.items(), key=lambda item: item[1].number))

    def to_public(self) -> dict[str, Any]:
        """Return the form that clients see, without internal fields."""
        return self.model_dump(mode="json", by_alias=True, exclude=_EXCLUDED)

    def to_public_json(self) -> str:
        """Return `to_public` as JSON text, in a third of the time that both steps take."""
        return self.model_dump_json(by_alias=True, exclude=_EXCLUDED)


def words_in(text: str) -> list[str]:
    """Return the distinct words of a text in order, in lower case and without accents."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return list(dict.fromkeys(WORD.findall(letters)))


def search_words(job: Job) -> list[str]:
    """Return the words of the video's titles, tags, author and captions, at most MAX_SEARCH_WORDS, the titles first."""
    result = job.result or {}
    names = [job.title, *job.tags, result.get("title"), *(result.get("tags") or []), job.video.title, job.filename]
    texts = [job.video.author, job.description, job.video.caption]
    return words_in(" ".join(str(text) for text in [*names, *texts] if text))[:MAX_SEARCH_WORDS]
