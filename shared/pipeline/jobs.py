"""Job documents: reads and changes them by compare-and-set, sends their outbox, deletes their source.

A video is read here, too: it is known by the job that brought it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.errors import AlreadyExists, NotFound, PermanentError
from shared.logs import current_trace, log_context
from shared.models.job import Job, JobStatus, OutboxMessage, StageStatus, UploadState, search_words
from shared.pipeline.job_storage import JOBS, UPLOADS, source_name
from shared.platform.documents import KnownDocument, change_model
from shared.platform.ports import Documents, Place
from shared.settings import settings
from shared.telemetry.spans import continued_trace, span
from shared.wiring import NOTIFY, RELEASE, wiring

log = logging.getLogger(__name__)
OUTBOX_GRACE = timedelta(seconds=30)
LEASE_GRACE = timedelta(seconds=30)
QUIET_GRACE = timedelta(minutes=5)
IN_LIMIT = 30
"""Values in one filter `in`."""


def read_job(documents: Documents, job_id: str, known: KnownDocument | None = None) -> Job | None:
    """Return the current job, None if there is none; `known` then holds its document."""
    stored = documents.get(JOBS, job_id)
    if known:
        known.document = stored
    return Job.read(stored.data) if stored else None


def create_job(documents: Documents, job: Job) -> Job:
    """Store a new job. Return the stored job if one with this id exists already."""
    refresh_derived_fields(job)
    try:
        documents.create(JOBS, job.id, job.to_document())
    except AlreadyExists:
        return read_job(documents, job.id) or job
    with log_context(job=job.id, trace=job.trace):
        log.info("job is made: %s", job.kind)
    return job


def change_job(
    documents: Documents, job_id: str, change: Callable[[Job], bool], known: KnownDocument | None = None
) -> Job:
    """Apply `change` to the current job and store it; repeat with the fresh job if another writer was first.

    `change` mutates the job and returns whether to store it; it may raise to stop. If the job ends and its owner has
    webhooks, the function `notify` gets a message through the outbox; if it belongs to a batch, `release` gets one.
    `known` spares the read, as in `compare_and_set`.

    Raises:
        NotFound: The job does not exist, or was deleted.
        Conflict: Other writers were first every time; try again later.
    """

    def apply_change(job: Job) -> bool:
        was_final = job.status.is_final
        if not change(job):
            return False
        if job.status.is_final and not was_final:
            if _has_webhooks(documents, job.owner):
                job.outbox.append(outgoing_message(NOTIFY))
            if job.batch_id:
                job.outbox.append(outgoing_message(RELEASE))
        refresh_derived_fields(job)
        return True

    return change_model(documents, JOBS, job_id, Job, apply_change, known=known)


def _has_webhooks(documents: Documents, owner: str) -> bool:
    # A cold start of an earlier stage needs no webhooks.
    from shared.webhooks.deliveries import has_webhooks

    return has_webhooks(documents, owner)


def refresh_derived_fields(job: Job) -> None:
    """Update the fields that follow from the rest of the document."""
    now = clock.now()
    job.updated_at = max(now, job.created_at, job.ended_at or now)
    job.progress = max(job.progress, overall_progress(job))
    job.wake_at = wake_time(job, now)
    job.source_expires_at = source_deletion_time(job) if job.status.is_final else None
    job.search = search_words(job)


def overall_progress(job: Job) -> int:
    """Return 0 to 100 over all stages by their weights; only a job that is done has 100."""
    if job.status is JobStatus.DONE:
        return 100
    functions = wiring().functions
    weights = {name: functions[name].weight for name in job.stages}
    done = sum(
        weights[name] * (1 if state.status is StageStatus.DONE else state.progress)
        for name, state in job.stages.items()
    )
    return min(99, int(100 * done / max(1, sum(weights.values()))))


def current_stage(job: Job) -> str | None:
    """Return the first stage that is not done; None if all are."""
    return next((name for name, state in job.stages.items() if state.status is not StageStatus.DONE), None)


def is_current_stage(job: Job, stage: str) -> bool:
    """Return True if the job has not ended and `stage` is its first stage that is not done."""
    return not job.status.is_final and current_stage(job) == stage


def wake_time(job: Job, now: datetime) -> datetime | None:
    """Return when `sweep` examines the job if nothing changes it before; None for never.

    The deletion of its source has a time of its own: rescues do not wait behind it.
    A job that waits for its upload or for a stage's event is examined after a pause that doubles with its age, so
    that `sweep` does not lengthen a long queue.
    """
    quiet = now + max(QUIET_GRACE, now - job.created_at)
    if job.unsent:
        return now + OUTBOX_GRACE
    if job.status.is_final:
        return None
    leases = [state.lease.until for state in job.stages.values() if state.lease]
    if leases:
        return now + (max(leases) - clock.steady_now()) + LEASE_GRACE
    if job.upload and job.upload.state is UploadState.WAITING and job.upload.expires_at:
        return min(quiet, job.upload.expires_at)
    return quiet


def source_deletion_time(job: Job) -> datetime | None:
    """Return when the video of an ended job is deleted; None if it stays, is gone, or belongs to another job."""
    if job.source_deleted or job.ended_at is None or job.keep_source or job.source_job != job.id:
        return None
    return job.ended_at + timedelta(hours=0 if job.keep_source is False else settings().source_retention_hours)


def end_job(job: Job) -> None:
    """Set the end of the job, never before its start: the clock may have been set back."""
    starts = [time for state in job.stages.values() for time in (state.started_at, state.ended_at) if time]
    job.ended_at = max([clock.now(), job.created_at, *starts])


def outgoing_message(target: str, *, claimed: bool = False) -> OutboxMessage:
    return OutboxMessage(id=uuid.uuid4().hex, target=target, claimed=claimed)


def relay_outbox(place: Place, job: Job, known: KnownDocument | None = None) -> None:
    """Publish the job's outbox, then remove the messages, except those that the claim of their stage removes.

    A crash between the two sends twice; a claim ignores that.
    """
    for message in job.outbox:
        send_message(place, job, message.target, message.id)
    sent = {message.id for message in job.unsent}
    if not sent:
        return

    def mark(current: Job) -> bool:
        current.outbox = [message for message in current.outbox if message.id not in sent]
        return True

    try:
        job.outbox = change_job(place.documents, job.id, mark, known).outbox
    except NotFound:
        job.outbox = []


def send_message(place: Place, job: Job, target: str, event_id: str, part: int | None = None) -> None:
    """Trigger a stage of the job or one part of it, or report the job to the dead-letter topic.

    A stage that listens to a bucket is triggered by its object's event only: there is no second way into it.
    """
    function = wiring().functions.get(target)
    if function and function.trigger.bucket:
        place.objects.finalize_again(function.trigger.bucket, source_name(job.id))
        return
    topic = function.trigger.topic if function else target
    assert topic is not None, f"{target} listens to nothing"  # noqa: S101  # a fault of the table, not of the input
    data: dict[str, Any] = {"jobId": job.id, "stage": target} | ({} if part is None else {"part": part})
    if function is None and job.error:
        data = {"jobId": job.id, "stage": job.error.stage, "code": job.error.code, "message": job.error.message}
    destination = {
        "messaging.system": "gcp_pubsub",
        "messaging.destination.name": topic,
        "messaging.operation.type": "send",
    }
    with span(f"send {topic}", "producer", destination | {"clipwise.job.id": job.id}, continued_trace(job.trace)):
        attributes = {"eventId": event_id} | ({"traceparent": trace} if (trace := current_trace()) else {})
        place.bus.publish(topic, data, attributes)


def delete_unkept_source(place: Place, job: Job, known: KnownDocument | None = None) -> None:
    """Delete the video of an ended job that does not keep it; `sweep` repeats a deletion that fails here."""
    if job.status.is_final and job.keep_source is False and not job.source_deleted:
        delete_source(place, job, known)


def delete_source(place: Place, job: Job, known: KnownDocument | None = None) -> None:
    """Delete the uploaded or downloaded video; raises PermanentError `job_active` until the job ends."""
    if not job.status.is_final:
        raise PermanentError("job_active", "The job still needs its video. Wait until it ends.")
    place.objects.delete(UPLOADS, source_name(job.id))

    def mark(current: Job) -> bool:
        current.source_deleted = current.status.is_final
        return True

    change_job(place.documents, job.id, mark, known)


def read_jobs(documents: Documents, ids: Iterable[str], owner: str) -> dict[str, Job]:
    """Return the jobs among `ids` that exist and belong to `owner`, by id, in the order of `ids`."""
    unique = list(dict.fromkeys(ids))
    jobs: dict[str, Job] = {}
    for start in range(0, len(unique), IN_LIMIT):
        some = unique[start : start + IN_LIMIT]
        page = documents.query(JOBS, [("owner", "==", owner), ("id", "in", some)], limit=IN_LIMIT)
        jobs |= {document.id: Job.read(document.data) for document in page.documents}
    return {id: jobs[id] for id in unique if id in jobs}


def read_videos(documents: Documents, ids: Iterable[str], owner: str) -> dict[str, Job]:
    """Return the videos among `ids` that exist and belong to `owner`, by id, in the order of `ids`."""
    return {id: job for id, job in read_jobs(documents, ids, owner).items() if job.of_video is None}


def video_title(job: Job) -> str | None:
    """Return the title set by the owner, else the source's, else the result's."""
    return job.title or job.video.title or (job.result or {}).get("title")
