"""The life of a job outside its stages: planned, started, cancelled, retried, deleted."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared import clock
from shared.analyses.kinds import kind_named
from shared.errors import ClipwiseError, NotFound, TransientError
from shared.logs import new_traceparent
from shared.models.job import Job, JobStatus, StageState, StageStatus, Upload, UploadState
from shared.models.video import Video
from shared.pipeline import jobs
from shared.pipeline.cleanup import delete_job_data
from shared.pipeline.job_storage import DELETED, JOBS
from shared.pipeline.jobs import delete_unkept_source, outgoing_message, relay_outbox
from shared.pipeline.parts import reset_parts
from shared.pipeline.statistics import counted_run
from shared.platform.documents import iterate_query
from shared.platform.ports import Document, Documents, Place
from shared.settings import settings
from shared.wiring import DOWNLOAD, EXTRACT

log = logging.getLogger(__name__)


class JobStateError(ClipwiseError):
    """A request that the state of the job does not allow."""


def new_id() -> str:
    return uuid.uuid4().hex


def plan_job(
    *,
    owner: str,
    kind: str,
    language: str,
    requested_language: str | None = None,
    url: str | None = None,
    filename: str | None = None,
    content_type: str | None = None,
    size: int | None = None,
    upload_ttl_sec: int | None = None,
    options: dict[str, Any] | None = None,
    keep_source: bool | None = None,
    job_id: str | None = None,
    trace: str | None = None,
    title: str | None = None,
    description: str | None = None,
    tags: Sequence[str] = (),
    earlier_limits: bool = False,
    link_allowed: bool = False,
    batch_id: str | None = None,
) -> Job:
    """Return a job that is not stored yet, with all its stages.

    A job with a URL starts with its download; any other waits `upload_ttl_sec` seconds for its upload.
    Raises PermanentError `unknown_kind`.
    """
    now = clock.now()
    stages = ((DOWNLOAD,) if url else ()) + kind_named(kind).stages
    upload = None
    if not url:
        expires = now + timedelta(seconds=upload_ttl_sec or 0)
        upload = Upload(state=UploadState.WAITING, size=size, content_type=content_type, expires_at=expires)
    return Job(
        id=job_id or new_id(),
        owner=owner,
        kind=kind,
        language=language,
        requested_language=requested_language,
        url=url,
        filename=filename,
        options=options or {},
        keep_source=keep_source,
        stages={name: StageState(number=number) for number, name in enumerate(stages, start=1)},
        upload=upload,
        video=Video(filename=filename, content_type=content_type),
        outbox=[outgoing_message(stages[0])] if url else [],
        title=title,
        description=description,
        tags=list(tags),
        earlier_limits=earlier_limits,
        created_at=now,
        updated_at=now,
        trace=trace or new_traceparent(),
        link_allowed=link_allowed,
        batch_id=batch_id,
    )


def start_job(place: Place, job: Job) -> Job:
    """Store the job and send its first message. Return the stored job if one with this id exists already.

    A stored job is accepted: `sweep` sends a message of its outbox that cannot be sent now.
    """
    stored = jobs.create_job(place.documents, job)
    send_outbox(place, stored)
    return stored


def send_outbox(place: Place, job: Job) -> None:
    """Send the job's outbox; `sweep` sends a message that cannot be sent now."""
    try:
        relay_outbox(place, job)
    except (TransientError, NotFound) as error:
        log.warning("job %s waits for sweep", job.id, exc_info=error)


def cancel_job(place: Place, job_id: str) -> Job:
    """End an active job; its running stage stops at its next progress tick. A cancelled job stays as it is.

    Raises NotFound, or JobStateError `job_ended` if the job is done or failed.
    """

    def change(job: Job) -> bool:
        if job.status is JobStatus.CANCELLED:
            return False
        if job.status.is_final:
            raise JobStateError("job_ended", f"The job is already {job.status}, so there is nothing to cancel.")
        mark_cancelled(job)
        return True

    job = jobs.change_job(place.documents, job_id, change)
    send_outbox(place, job)
    delete_unkept_source(place, job)
    return job


def mark_cancelled(job: Job) -> None:
    job.status = JobStatus.CANCELLED
    jobs.end_job(job)
    job.outbox = []
    for state in job.stages.values():
        state.lease = None
        if state.status is StageStatus.RUNNING:
            state.status = StageStatus.PENDING
            state.message = "Cancelled"


def retry_job(place: Place, job_id: str) -> Job:
    """Run a failed job again from the stage that failed; results of earlier stages are kept.

    Raises NotFound, or JobStateError `not_failed`, `not_retryable`, `source_gone`.
    """

    def change(job: Job) -> bool:
        if job.status is not JobStatus.FAILED or job.error is None:
            raise JobStateError("not_failed", f"The job is {job.status}. Only a failed job can be retried.")
        if not job.error.retryable:
            raise JobStateError("not_retryable", f"A retry cannot help: {job.error.message}")
        stage = jobs.current_stage(job)
        if stage is None or (stage == EXTRACT and job.source_deleted):
            raise JobStateError("source_gone", "The video is no longer stored. Submit it again.")
        old = job.stages[stage]
        job.stages[stage] = StageState(number=old.number, parts=old.parts, progress=old.progress)
        job.counted = counted_run(place.documents, job)
        job.status = JobStatus.QUEUED
        job.error = None
        job.ended_at = None
        job.outbox = [outgoing_message(stage)]
        return True

    failed = jobs.read_job(place.documents, job_id)
    if failed and failed.status is JobStatus.FAILED and (stage := jobs.current_stage(failed)):
        # Before the job is active again: its message must not meet parts without attempts left.
        reset_parts(place.documents, job_id, stage)
    job = jobs.change_job(place.documents, job_id, change)
    send_outbox(place, job)
    return job


def delete_job_records(place: Place, job: Job) -> None:
    """Delete the job, its results and its media; a running stage stops and deletes what it wrote meanwhile.

    A record of the deletion stays until the upload link has expired, so that late bytes are deleted, too.
    With the job that brought a video, all other jobs about the video are deleted.
    """
    for other in reanalysis_documents(place.documents, job.id):
        delete_job_records(place, Job.read(other.data))
    record_deletion(place.documents, job, job.owner)
    place.documents.delete(JOBS, job.id)
    delete_job_data(place, job.id)


def record_deletion(documents: Documents, job: Job, owner: str | None, prefix: str = "") -> None:
    """Store that the job is deleted, and what statistics count of it for `owner` if it has ended.

    With a `prefix` of the record's id, stages do not find it, and leave what belongs to others.

    Call this before the deletion, so that statistics find the job in one place or the other.
    """
    until = clock.now() + timedelta(seconds=settings().upload_ttl_sec)
    record: dict[str, Any] = {"shard": job.shard, "expiresAt": until}
    if job.ended_at:
        record |= {"endedAt": job.ended_at, "counts": job.to_counted_part(owner)}
    documents.put(DELETED, f"{prefix}{job.id}", record)


def reanalysis_documents(documents: Documents, video_id: str) -> list[Document]:
    """Return the jobs about a video, except the one that brought it."""
    return list(iterate_query(documents, JOBS, [("ofVideo", "==", video_id)]))


def read_own_job(place: Place, job_id: str, owner: str) -> Job:
    """Return the owner's job; raises NotFound for any other, so that ids cannot be probed."""
    job = jobs.read_job(place.documents, job_id)
    if job is None or job.owner != owner:
        raise NotFound(job_id)
    return job
