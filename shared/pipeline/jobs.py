"""Reading and changing job documents: every change is one compare-and-set, retried with jitter."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.errors import AlreadyExists, NotFound
from shared.logs import log_context
from shared.models.job import Job, JobStatus, OutboxMessage, StageStatus, UploadState, search_words
from shared.pipeline.job_storage import JOBS, source_name
from shared.platform.documents import change_model
from shared.platform.ports import Documents, Place
from shared.settings import settings
from shared.webhooks.deliveries import NOTIFY, has_webhooks
from shared.wiring import wiring

log = logging.getLogger(__name__)
OUTBOX_GRACE = timedelta(seconds=30)
LEASE_GRACE = timedelta(seconds=30)
QUIET_GRACE = timedelta(minutes=5)


def read_job(documents: Documents, job_id: str) -> Job | None:
    stored = documents.get(JOBS, job_id)
    return Job.read(stored.data) if stored else None


def create_job(documents: Documents, job: Job) -> Job:
    """Store a new job; one of that id that is there already is returned as it is."""
    refresh_derived_fields(job)
    try:
        documents.create(JOBS, job.id, job.to_document())
    except AlreadyExists:
        return read_job(documents, job.id) or job
    with log_context(job=job.id, trace=job.trace):
        log.info("job is made: %s", job.kind)
    return job


def change_job(documents: Documents, job_id: str, change: Callable[[Job], bool]) -> Job:
    """Apply `change` to the current job and store it; run again on the fresh job when another writer was first.

    `change` mutates the job it is given and says whether to write; it may raise to give up. A job that ends with it
    gets the message in its outbox that tells its owner's webhooks, if there are any.

    Raises:
        NotFound: There is no such job (any more).
        Conflict: Others kept winning; the caller's delivery is to come back later.
    """

    def apply_change(job: Job) -> bool:
        was_final = job.status.is_final
        if not change(job):
            return False
        if job.status.is_final and not was_final and has_webhooks(documents, job.owner):
            job.outbox.append(OutboxMessage(id=uuid.uuid4().hex, target=NOTIFY))
        refresh_derived_fields(job)
        return True

    return change_model(documents, JOBS, job_id, Job, apply_change)


def refresh_derived_fields(job: Job) -> None:
    """Bring what follows from the rest of the document up to date."""
    now = clock.now()
    job.updated_at = now
    job.progress = max(job.progress, overall_progress(job))
    job.wake_at = wake_time(job, now)
    job.search = search_words(job)


def overall_progress(job: Job) -> int:
    """0-100 over all stages by their weights; 100 is reached only by being done."""
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
    """The first stage that is not done; None when all are."""
    return next((name for name, state in job.stages.items() if state.status is not StageStatus.DONE), None)


def wake_time(job: Job, now: datetime) -> datetime | None:
    """When sweep is to look at the job, if nothing happens before.

    A job that waits, for its upload or for a stage's event, is looked at after a pause that doubles with its age, so
    that a long queue is not made longer.
    """
    quiet = now + max(QUIET_GRACE, now - job.created_at)
    if job.outbox:
        return now + OUTBOX_GRACE
    if job.status.is_final:
        if job.source_deleted or job.ended_at is None or job.keep_source or job.source_job != job.id:
            return None
        return job.ended_at + timedelta(hours=0 if job.keep_source is False else settings().source_retention_hours)
    leases = [state.lease.until for state in job.stages.values() if state.lease]
    if leases:
        return max(leases) + LEASE_GRACE
    if job.upload and job.upload.state is UploadState.WAITING and job.upload.expires_at:
        return min(quiet, job.upload.expires_at)
    return quiet


IN_LIMIT = 30


def read_videos(documents: Documents, ids: Iterable[str], owner: str) -> dict[str, Job]:
    """The videos among `ids` that exist and belong to `owner`, by id, in the order of `ids`."""
    unique = list(dict.fromkeys(ids))
    videos: dict[str, Job] = {}
    for start in range(0, len(unique), IN_LIMIT):
        batch = unique[start : start + IN_LIMIT]
        page = documents.query(JOBS, [("owner", "==", owner), ("id", "in", batch)], limit=IN_LIMIT)
        videos |= {document.id: Job.read(document.data) for document in page.documents}
    return {id: videos[id] for id in unique if id in videos and videos[id].of_video is None}


def video_titles(documents: Documents, ids: Iterable[str], owner: str) -> dict[str, str | None]:
    """Titles of the videos among `ids` that exist and belong to `owner`, by id; None for one without any name."""
    return {id: video_title(job) or job.filename for id, job in read_videos(documents, ids, owner).items()}


def video_title(job: Job) -> str | None:
    """The title that its owner gave the video, else its source's, else the result's."""
    return job.title or job.video.title or (job.result or {}).get("title")


def outgoing_message(target: str) -> OutboxMessage:
    return OutboxMessage(id=uuid.uuid4().hex, target=target)


def relay_outbox(place: Place, job: Job) -> None:
    """Publish the job's outbox, then mark it sent. A crash between the two sends twice, which the claim bears."""
    if not job.outbox:
        return
    sent = set()
    for message in job.outbox:
        send_message(place, job, message.target, message.id)
        sent.add(message.id)

    def mark(current: Job) -> bool:
        current.outbox = [message for message in current.outbox if message.id not in sent]
        return True

    try:
        job.outbox = change_job(place.documents, job.id, mark).outbox
    except NotFound:
        job.outbox = []


def send_message(place: Place, job: Job, target: str, event_id: str, part: int | None = None) -> None:
    """Set off a stage of the job, or one part of it, or tell the dead-letter topic of the job.

    A stage that listens to a bucket is set off by its object's event: there is no second way into it.
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
    attributes = {"eventId": event_id} | ({"traceparent": job.trace} if job.trace else {})
    place.bus.publish(topic, data, attributes)
