"""The life of a job outside its stages: made, cancelled, tried again, deleted."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared import clock
from shared.analyses.kinds import kind_named, kinds
from shared.errors import ClipwiseError, NotFound, PermanentError, TransientError
from shared.logs import new_traceparent
from shared.models.job import Job, JobStatus, StageState, StageStatus, Upload, UploadState
from shared.models.video import Video
from shared.pipeline import jobs
from shared.pipeline.job_storage import (
    DELETED,
    JOBS,
    MEDIA,
    UPLOADS,
    VIDEOS,
    delete_segments,
    media_prefix,
    source_name,
)
from shared.pipeline.jobs import outgoing_message, relay_outbox
from shared.pipeline.parts import delete_parts, reset_parts
from shared.platform.documents import iterate_query
from shared.platform.ports import Document, Documents, Place
from shared.settings import settings
from shared.webhooks.deliveries import clear_job_deliveries

log = logging.getLogger(__name__)


class JobStateError(ClipwiseError):
    """A request that does not fit the state the job is in."""


def new_id() -> str:
    return uuid.uuid4().hex


def plan_job(
    *,
    owner: str,
    kind: str,
    language: str,
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
) -> Job:
    """A job that is not stored yet, with all the stages it will take.

    A job with a URL starts with its download; any other waits `upload_ttl_sec` seconds for its bytes.
    Raises PermanentError `unknown_kind`.
    """
    now = clock.now()
    stages = (("download",) if url else ()) + kind_named(kind).stages
    upload = None
    if not url:
        expires = now + timedelta(seconds=upload_ttl_sec or 0)
        upload = Upload(state=UploadState.WAITING, size=size, content_type=content_type, expires_at=expires)
    return Job(
        id=job_id or new_id(),
        owner=owner,
        kind=kind,
        language=language,
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
        created_at=now,
        updated_at=now,
        trace=trace or new_traceparent(),
    )


def start_job(place: Place, job: Job) -> Job:
    """Store the job and send what sets it off; a job of that id that is there already is returned unchanged.

    Once stored it is accepted: what cannot be sent now is in its outbox, and `sweep` sends it.
    """
    stored = jobs.create_job(place.documents, job)
    send_outbox(place, stored)
    return stored


def send_outbox(place: Place, job: Job) -> None:
    """Send what is in the job's outbox; what cannot be sent now, `sweep` sends."""
    try:
        relay_outbox(place, job)
    except (TransientError, NotFound) as error:
        log.warning("job %s waits for sweep", job.id, exc_info=error)


def cancel_job(place: Place, job_id: str) -> Job:
    """End an active job; its running stage stops at its next progress tick.

    Raises NotFound, or JobProblem `job_ended` when it is done or failed. Cancelling twice is the same as once.
    """

    def change(job: Job) -> bool:
        if job.status is JobStatus.CANCELLED:
            return False
        if job.status.is_final:
            raise JobStateError("job_ended", f"The job is already {job.status}, so there is nothing to cancel.")
        job.status = JobStatus.CANCELLED
        job.ended_at = clock.now()
        job.outbox = []
        for state in job.stages.values():
            state.lease = None
            if state.status is StageStatus.RUNNING:
                state.status = StageStatus.PENDING
                state.message = "Cancelled"
        return True

    job = jobs.change_job(place.documents, job_id, change)
    send_outbox(place, job)
    delete_unkept_source(place, job)
    return job


def retry_job(place: Place, job_id: str) -> Job:
    """Run a failed job again from the stage that failed; what earlier stages made is kept.

    Raises NotFound, or JobProblem: `not_failed`, `not_retryable`, `source_gone`.
    """

    def change(job: Job) -> bool:
        if job.status is not JobStatus.FAILED or job.error is None:
            raise JobStateError("not_failed", f"The job is {job.status}. Only a failed job can be retried.")
        if not job.error.retryable:
            raise JobStateError("not_retryable", f"A retry cannot help: {job.error.message}")
        stage = jobs.current_stage(job)
        if stage is None or (stage == "extract" and job.source_deleted):
            raise JobStateError("source_gone", "The video is no longer stored. Submit it again.")
        old = job.stages[stage]
        job.stages[stage] = StageState(number=old.number, parts=old.parts, progress=old.progress)
        job.status = JobStatus.QUEUED
        job.error = None
        job.ended_at = None
        job.outbox = [outgoing_message(stage)]
        return True

    failed = jobs.read_job(place.documents, job_id)
    if failed and failed.status is JobStatus.FAILED and (stage := jobs.current_stage(failed)):
        # First, while nobody works on the job: the message is not to find parts that have used up their attempts.
        reset_parts(place.documents, job_id, stage)
    job = jobs.change_job(place.documents, job_id, change)
    send_outbox(place, job)
    return job


def delete_job_records(place: Place, job_id: str) -> None:
    """Remove the job, its results and its media; a stage that is running finds out and cleans up after itself.

    A note that it was deleted stays until the last bytes of its upload can have come: those are nobody's then.
    The job that brought a video takes all others about this video with it.
    """
    for other in reanalysis_documents(place.documents, job_id):
        delete_job_records(place, other.id)
    until = clock.now() + timedelta(seconds=settings().upload_ttl_sec)
    place.documents.put(DELETED, job_id, {"expiresAt": until})
    place.documents.delete(JOBS, job_id)
    delete_job_data(place, job_id)


def reanalysis_documents(documents: Documents, video_id: str) -> list[Document]:
    """The jobs about a video but the one that brought it."""
    return list(iterate_query(documents, JOBS, [("ofVideo", "==", video_id)]))


def delete_job_data(place: Place, job_id: str) -> None:
    """Remove everything of a job but its document."""
    place.objects.delete(UPLOADS, source_name(job_id))
    place.objects.delete_prefix(MEDIA, media_prefix(job_id))
    delete_parts(place.documents, job_id)
    delete_segments(place.documents, job_id)
    clear_job_deliveries(place.documents, job_id)
    for collection in result_collections():
        place.documents.delete(collection, job_id)


def result_collections() -> list[str]:
    return [VIDEOS, *sorted({kind.collection for kind in kinds().values() if kind.collection})]


def read_own_job(place: Place, job_id: str, owner: str) -> Job:
    """The job if it is the owner's; raises NotFound for any other, so that ids cannot be probed."""
    job = jobs.read_job(place.documents, job_id)
    if job is None or job.owner != owner:
        raise NotFound(job_id)
    return job


def delete_unkept_source(place: Place, job: Job) -> None:
    """Remove the video of a job that has ended and was not to keep it; `sweep` makes up for what fails here."""
    if job.status.is_final and job.keep_source is False and not job.source_deleted:
        delete_source(place, job)


def delete_source(place: Place, job: Job) -> None:
    """Remove the uploaded or downloaded video; raises PermanentError while the job still needs it."""
    if not job.status.is_final:
        raise PermanentError("job_active", "The job still needs its video. Wait until it ends.")
    place.objects.delete(UPLOADS, source_name(job.id))

    def mark(current: Job) -> bool:
        current.source_deleted = current.status.is_final
        return True

    jobs.change_job(place.documents, job.id, mark)
