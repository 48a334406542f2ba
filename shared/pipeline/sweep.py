"""Wakes stuck jobs and batches, expires uploads, and deletes old sources and expired documents."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress

from shared import clock
from shared.errors import NotFound
from shared.logs import log_context
from shared.models.batch import Batch
from shared.models.job import Job, JobError, Upload, UploadState
from shared.pipeline.batches import BATCH_ITEMS, BATCHES, send_messages
from shared.pipeline.cleanup import delete_job_data
from shared.pipeline.contract import fail_job
from shared.pipeline.idempotency import ANSWERS, IDEMPOTENCY
from shared.pipeline.job_storage import DELETED, JOBS, UPLOADS, job_of_source, source_name
from shared.pipeline.jobs import (
    change_job,
    current_stage,
    delete_source,
    outgoing_message,
    relay_outbox,
    source_deletion_time,
)
from shared.pipeline.lifecycle import mark_cancelled
from shared.pipeline.statistics import STATISTICS
from shared.platform.documents import iterate_query
from shared.platform.ports import Document, Place
from shared.platform.rate_limits import RATES
from shared.webhooks.deliveries import DELIVERIES, wake_due_deliveries
from shared.wiring import wiring

log = logging.getLogger(__name__)

BATCH = 100


def sweep(place: Place) -> int:
    """Wake every job, webhook delivery and batch that is due; return how many there were.

    Raises ExceptionGroup, after all others were woken, if some could not be.
    """
    count = 0
    errors = []
    for document in _due_jobs(place):
        count += 1
        with log_context(job=document.id):
            try:
                wake_job(place, Job.read(document.data))
            except NotFound as missing:
                log.info("job was not woken: %s", missing)
            except Exception as error:
                log.exception("job could not be woken")
                errors.append(error)
    count += sum(1 for _ in wake_due_deliveries(place))
    for batch in iterate_query(place.documents, BATCHES, [("wakeAt", "<=", clock.now())], [("wakeAt", "asc")]):
        count += 1
        send_messages(place, Batch.read(batch.data))
    for collection in (IDEMPOTENCY, ANSWERS, RATES, DELIVERIES, DELETED, STATISTICS, BATCHES, BATCH_ITEMS):
        for id in _ids_past_expiry(place, collection):
            if collection == DELETED:
                # Its deletion may have been interrupted, or its upload may have arrived after it.
                delete_job_data(place, id)
            place.documents.delete(collection, id)
    if errors:
        raise ExceptionGroup("jobs that could not be woken", errors)
    return count


def _due_jobs(place: Place) -> Iterator[Document]:
    return iterate_query(place.documents, JOBS, [("wakeAt", "<=", clock.now())], [("wakeAt", "asc")])


def wake_job(place: Place, job: Job) -> None:
    """Send the job's outbox, delete its source, expire its upload, or trigger its stage again."""
    if job.outbox:
        relay_outbox(place, job)
    elif job.status.is_final:
        if (due := source_deletion_time(job)) and due <= clock.deletion_clock.now():
            delete_source(place, job)
    elif _is_waiting_for_source(job) and not _has_source(place, job):
        relay_outbox(place, change_job(place.documents, job.id, _fail_without_source))
    else:
        relay_outbox(place, change_job(place.documents, job.id, _resend_stage_event))


def _is_waiting_for_source(job: Job) -> bool:
    """Return True if the arrival of the job's video triggers its next stage."""
    stage = current_stage(job)
    return stage is not None and wiring().functions[stage].trigger.bucket is not None


def _has_source(place: Place, job: Job) -> bool:
    return place.objects.stat(UPLOADS, source_name(job.id)) is not None


def _fail_without_source(job: Job) -> bool:
    """Fail a job whose video is gone, or was not uploaded in time; before that time, only renew its wake time."""
    stage = current_stage(job)
    if job.status.is_final or stage is None or not _is_waiting_for_source(job) or _is_leased(job, stage):
        return False
    if job.upload and job.upload.state is UploadState.WAITING:
        if job.upload.expires_at and job.upload.expires_at > clock.deletion_clock.now():
            return True
        _expire_upload(job, job.upload, "The video was not uploaded in time. Start a new upload.")
    else:
        message = "The video is no longer stored. Submit it again."
        fail_job(job, stage, JobError(code="source_gone", message=message, stage=stage, retryable=False))
    return True


def _expire_upload(job: Job, upload: Upload, message: str) -> None:
    upload.state = UploadState.EXPIRED
    fail_job(job, None, JobError(code="upload_expired", message=message, stage=None, retryable=False))


def abort_upload(place: Place, bucket: str, name: str, reason: str | None) -> None:
    """End the job whose upload the storage has rejected for a reason, or the client has cancelled (None)."""

    def end(job: Job) -> bool:
        if job.status.is_final or job.upload is None or job.upload.state is not UploadState.WAITING:
            return False
        if reason is None:
            job.upload.state = UploadState.CANCELLED
            mark_cancelled(job)
        else:
            _expire_upload(job, job.upload, reason)
        return True

    if bucket == UPLOADS:
        with suppress(NotFound):
            relay_outbox(place, change_job(place.documents, job_of_source(name), end))


def _is_leased(job: Job, stage: str) -> bool:
    lease = job.stages[stage].lease
    return lease is not None and lease.until > clock.steady_now()


def _resend_stage_event(job: Job) -> bool:
    """Send the event of the current stage again; the stage's claim ignores a duplicate."""
    stage = current_stage(job)
    if job.status.is_final or stage is None or job.outbox:
        return False
    if _is_leased(job, stage):
        return False
    job.stages[stage].lease = None
    job.outbox.append(outgoing_message(stage))
    return True


def _ids_past_expiry(place: Place, collection: str) -> list[str]:
    page = place.documents.query(
        collection, [("expiresAt", "<=", clock.deletion_clock.now())], [("expiresAt", "asc")], BATCH
    )
    return [document.id for document in page.documents]
