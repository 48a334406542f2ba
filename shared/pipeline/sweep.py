"""The steps of `sweep`: wakes stuck jobs and batches, expires uploads, deletes old sources and expired documents.

Each step does as much as its scope says and leaves the rest due, so that any later run continues it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from shared import clock
from shared.errors import NotFound
from shared.logs import log_context
from shared.models.batch import Batch
from shared.models.job import Job, JobError, Upload, UploadState
from shared.models.shard import ALL_SHARDS
from shared.pipeline.batches import BATCH_ITEMS, BATCHES, send_messages
from shared.pipeline.cleanup import delete_job_data
from shared.pipeline.contract import fail_job
from shared.pipeline.deadline import Deadline
from shared.pipeline.idempotency import ANSWERS, IDEMPOTENCY
from shared.pipeline.job_storage import DELETED, JOBS, UPLOADS, job_of_source, source_name
from shared.pipeline.jobs import (
    change_job,
    current_stage,
    outgoing_message,
    relay_outbox,
)
from shared.pipeline.lifecycle import mark_cancelled
from shared.pipeline.statistics import STATISTICS, counted_until
from shared.pipeline.sweep_scope import PAGE, RUN_SEC, SweepScope, run_steps
from shared.platform.ports import Document, Place
from shared.platform.rate_limits import RATES
from shared.webhooks.deliveries import DELIVERIES, wake_delivery
from shared.wiring import SWEEP, wiring

log = logging.getLogger(__name__)
TICK = str(wiring().functions[SWEEP].trigger.topic)
EXPIRING = (IDEMPOTENCY, ANSWERS, RATES, DELIVERIES, STATISTICS, BATCHES, BATCH_ITEMS)
"""Collections whose documents are only deleted when they expire."""


def sweep(place: Place, deadline: Deadline | None = None) -> None:
    """Do a page of each step for the jobs of all shards; if more is due, publish a tick for each shard.

    Raises ExceptionGroup, after all steps, if some failed.
    """
    deadline = deadline or Deadline(RUN_SEC)
    scope = SweepScope(ALL_SHARDS, deadline, whole=False)
    steps = [partial(step, place, scope) for step in SHARD_STEPS]
    try:
        run_steps(*steps, partial(delete_expired_documents, place, deadline))
    finally:
        for shard in ALL_SHARDS if scope.has_more else ():
            place.bus.publish(TICK, {"shard": shard})


def sweep_shard(place: Place, shard: int, deadline: Deadline) -> None:
    """Do the steps for one shard until nothing is due or the deadline has passed; raises ExceptionGroup as `sweep`."""
    scope = SweepScope((shard,), deadline, whole=True)
    run_steps(*(partial(step, place, scope) for step in SHARD_STEPS))


def wake_jobs(place: Place, scope: SweepScope) -> None:
    """Wake every job that is due. Raises ExceptionGroup, after all others were woken, if some could not be."""
    errors = []
    for page in scope.due(place.documents, JOBS, "wakeAt", clock.now()):
        for document in page:
            with log_context(job=document.id):
                try:
                    wake_job(place, Job.read(document.data))
                except NotFound as missing:
                    log.info("job was not woken: %s", missing)
                except Exception as error:
                    log.exception("job could not be woken")
                    errors.append(error)
            if scope.deadline.has_passed():
                break
    if errors:
        raise ExceptionGroup("jobs that could not be woken", errors)


def wake_deliveries(place: Place, scope: SweepScope) -> None:
    """Trigger every webhook delivery that is due."""
    for page in scope.due(place.documents, DELIVERIES, "wakeAt", clock.now()):
        for document in page:
            wake_delivery(place, document.id)
            if scope.deadline.has_passed():
                break


def wake_batches(place: Place, scope: SweepScope) -> None:
    """Send the messages of every batch that is due."""
    for page in scope.due(place.documents, BATCHES, "wakeAt", clock.now()):
        for document in page:
            send_messages(place, Batch.read(document.data))
            if scope.deadline.has_passed():
                break


def delete_expired_sources(place: Place, scope: SweepScope) -> None:
    """Delete the videos whose retention has ended, a page in two requests. A job that changes meanwhile stays due."""
    for page in scope.due(place.documents, JOBS, "sourceExpiresAt", clock.deletion_clock.now()):
        place.objects.delete_many(UPLOADS, [source_name(document.id) for document in page])
        mark = {"sourceDeleted": True, "sourceExpiresAt": None, "updatedAt": clock.now()}
        changes = [Document(document.id, mark, document.version) for document in page]
        if conflicts := place.documents.update_many(JOBS, changes):
            log.info("jobs changed meanwhile: %s", ", ".join(conflicts))


def delete_expired_documents(place: Place, deadline: Deadline) -> None:
    """Delete documents that have expired, where the place does not."""
    for collection in EXPIRING:
        while not deadline.has_passed():
            if place.documents.delete_expired(collection, clock.deletion_clock.now(), PAGE) < PAGE:
                break


def end_deletions(place: Place, scope: SweepScope) -> None:
    """Delete once more what belongs to deleted jobs, then the records of their deletion.

    A deletion may have been interrupted, or its upload may have arrived after it. Statistics count a record first.
    """
    counted = counted_until(place.documents)
    for page in scope.due(place.documents, DELETED, "expiresAt", clock.deletion_clock.now()):
        for document in page:
            ended_at = document.data.get("endedAt")
            if ended_at and (counted is None or ended_at >= counted):
                continue
            delete_job_data(place, document.id)
            place.documents.delete(DELETED, document.id)
            if scope.deadline.has_passed():
                break


SHARD_STEPS: tuple[Callable[[Place, SweepScope], object], ...] = (
    wake_jobs,
    wake_deliveries,
    wake_batches,
    delete_expired_sources,
    end_deletions,
)
"""In this order: no rescue waits for old sources."""


def wake_job(place: Place, job: Job) -> None:
    """Send the job's outbox, expire its upload, or trigger its stage again."""
    if job.unsent:
        relay_outbox(place, job)
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
    if job.status.is_final or stage is None or job.unsent:
        return False
    if _is_leased(job, stage):
        return False
    job.stages[stage].lease = None
    job.outbox = [outgoing_message(stage)]
    return True
