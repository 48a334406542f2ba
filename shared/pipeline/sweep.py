"""What nobody else would do: wake stuck jobs, expire uploads, delete old sources and forgotten keys."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from shared import clock
from shared.errors import NotFound
from shared.models.job import Job, JobError, StageStatus, UploadState
from shared.pipeline import lifecycle
from shared.pipeline.contract import fail
from shared.pipeline.jobs import change_job, current_stage
from shared.pipeline.once import ACTIVE, IDEMPOTENCY
from shared.pipeline.outbox import outgoing, relay
from shared.pipeline.paths import DELETED, JOBS, UPLOADS, source_name
from shared.platform.ports import Platform

log = logging.getLogger(__name__)

BATCH = 100


def sweep(platform: Platform) -> int:
    """Look at every job whose time has come; return how many there were."""
    seen = 0
    for job in _due(platform):
        seen += 1
        try:
            wake(platform, job)
        except NotFound:
            log.info("job %s went away while it was swept", job.id)
    for collection in (IDEMPOTENCY, ACTIVE, DELETED):
        _forget(platform, collection)
    return seen


def _due(platform: Platform) -> Iterator[Job]:
    now = clock.now()
    cursor = None
    while True:
        page = platform.documents.query(JOBS, [("wakeAt", "<=", now)], [("wakeAt", "asc")], BATCH, cursor)
        yield from (Job.read(document.data) for document in page.documents)
        if page.cursor is None:
            return
        cursor = page.cursor


def wake(platform: Platform, job: Job) -> None:
    """Do what the job waits for: send its outbox, delete its source, expire its upload, or set off its stage again."""
    if job.outbox:
        relay(platform, job)
    elif job.status.final:
        lifecycle.delete_source(platform, job)
    elif job.upload and job.upload.state is UploadState.WAITING and not _arrived(platform, job):
        change_job(platform.documents, job.id, _expire)
    else:
        relay(platform, change_job(platform.documents, job.id, _nudge))


def _arrived(platform: Platform, job: Job) -> bool:
    return platform.objects.stat(UPLOADS, source_name(job.id)) is not None


def _expire(job: Job) -> bool:
    """Give up an upload whose time is over; one that has time left is only looked at again later."""
    if job.status.final or job.upload is None or job.upload.state is not UploadState.WAITING:
        return False
    if job.upload.expires_at and job.upload.expires_at > clock.now():
        return True
    job.upload.state = UploadState.EXPIRED
    fail(
        job,
        None,
        JobError(
            code="upload_expired",
            message="The video was not uploaded in time; start a new upload.",
            stage=None,
            retryable=False,
        ),
    )
    return True


def _nudge(job: Job) -> bool:
    """Send the event of the stage the job stands at once more; the stage's claim bears one too many."""
    stage = current_stage(job)
    if job.status.final or stage is None or job.outbox:
        return False
    state = job.stages[stage]
    if state.lease and state.lease.until > clock.now():
        return False
    if state.status is StageStatus.RUNNING:
        state.lease = None
    job.outbox.append(outgoing(stage))
    return True


def _forget(platform: Platform, collection: str) -> None:
    page = platform.documents.query(collection, [("expiresAt", "<=", clock.now())], [("expiresAt", "asc")], BATCH)
    for document in page.documents:
        platform.documents.delete(collection, document.id)
