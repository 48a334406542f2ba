"""What nobody else would do: wake stuck jobs, expire uploads, delete old sources and forgotten keys."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from shared import clock
from shared.errors import NotFound
from shared.logs import bound
from shared.models.job import Job, JobError, UploadState
from shared.pipeline import lifecycle
from shared.pipeline.contract import fail
from shared.pipeline.jobs import change_job, current_stage
from shared.pipeline.once import ANSWERS, IDEMPOTENCY
from shared.pipeline.outbox import outgoing, relay
from shared.pipeline.paths import DELETED, JOBS, UPLOADS, source_name
from shared.platform.ports import Document, Platform
from shared.platform.queries import iterate_query
from shared.platform.rates import RATES
from shared.webhooks.deliveries import DELIVERIES, wake_due
from shared.wiring import wiring

log = logging.getLogger(__name__)

BATCH = 100


def sweep(platform: Platform) -> int:
    """Look at every job, and every delivery to a webhook, whose time has come; return how many there were.

    Raises ExceptionGroup when some could not be woken, after all the others were.
    """
    seen = 0
    troubles = []
    for document in _due(platform):
        seen += 1
        with bound(job=document.id):
            try:
                wake(platform, Job.read(document.data))
            except NotFound as missing:
                log.info("job was not woken: %s", missing)
            except Exception as trouble:
                log.exception("job could not be woken")
                troubles.append(trouble)
    seen += sum(1 for _ in wake_due(platform))
    for collection in (IDEMPOTENCY, ANSWERS, RATES, DELIVERIES, DELETED):
        for id in _expired(platform, collection):
            if collection == DELETED:
                # Whose deletion was cut off, or whose upload came when no stage was there to clean up after it.
                lifecycle.erase(platform, id)
            platform.documents.delete(collection, id)
    if troubles:
        raise ExceptionGroup("jobs that could not be woken", troubles)
    return seen


def _due(platform: Platform) -> Iterator[Document]:
    return iterate_query(platform.documents, JOBS, [("wakeAt", "<=", clock.now())], [("wakeAt", "asc")])


def wake(platform: Platform, job: Job) -> None:
    """Do what the job waits for: send its outbox, delete its source, expire its upload, or set off its stage again."""
    if job.outbox:
        relay(platform, job)
    elif job.status.is_final:
        lifecycle.delete_source(platform, job)
    elif _needs_bytes(job) and not _arrived(platform, job):
        relay(platform, change_job(platform.documents, job.id, _give_up))
    else:
        relay(platform, change_job(platform.documents, job.id, _nudge))


def _needs_bytes(job: Job) -> bool:
    """Whether the job's video is what sets off its next stage."""
    stage = current_stage(job)
    return stage is not None and wiring().functions[stage].trigger.bucket is not None


def _arrived(platform: Platform, job: Job) -> bool:
    return platform.objects.stat(UPLOADS, source_name(job.id)) is not None


def _give_up(job: Job) -> bool:
    """End a job whose video is gone, or did not come in time; one that has time left is only looked at again later."""
    stage = current_stage(job)
    if job.status.is_final or stage is None or not _needs_bytes(job) or _is_held(job, stage):
        return False
    if job.upload and job.upload.state is UploadState.WAITING:
        if job.upload.expires_at and job.upload.expires_at > clock.now():
            return True
        job.upload.state = UploadState.EXPIRED
        message = "The video was not uploaded in time. Start a new upload."
        fail(job, None, JobError(code="upload_expired", message=message, stage=None, retryable=False))
    else:
        message = "The video is no longer stored. Submit it again."
        fail(job, stage, JobError(code="source_gone", message=message, stage=stage, retryable=False))
    return True


def _is_held(job: Job, stage: str) -> bool:
    lease = job.stages[stage].lease
    return lease is not None and lease.until > clock.now()


def _nudge(job: Job) -> bool:
    """Send the event of the stage the job stands at once more; the stage's claim bears one too many."""
    stage = current_stage(job)
    if job.status.is_final or stage is None or job.outbox:
        return False
    if _is_held(job, stage):
        return False
    job.stages[stage].lease = None
    job.outbox.append(outgoing(stage))
    return True


def _expired(platform: Platform, collection: str) -> list[str]:
    page = platform.documents.query(collection, [("expiresAt", "<=", clock.now())], [("expiresAt", "asc")], BATCH)
    return [document.id for document in page.documents]
