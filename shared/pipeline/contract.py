"""The stage contract: exactly-once effects from at-least-once, unordered, lossy delivery.

Every stage runs through `run_stage`: claim by compare-and-set, run, finish in one compare-and-set that also records the
messages to send, then send them. After a failure at any point, a redelivery or `sweep` resumes the job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cloudevents.http import CloudEvent

from shared import clock
from shared.errors import Cancelled, LeaseLost, NotFound, PermanentError, RetryLater
from shared.logs import log_context
from shared.models.events import trace_of
from shared.models.job import Job, JobError, JobStatus, Lease, StageState, StageStatus, UploadState
from shared.pipeline.failures import (
    Failure,
    classify_failure,
    interruption_error,
    log_failure,
    record_despite_storage,
)
from shared.pipeline.job_storage import DELETED, UPLOADS, source_name
from shared.pipeline.jobs import (
    change_job,
    delete_unkept_source,
    end_job,
    outgoing_message,
    read_job,
    relay_outbox,
)
from shared.pipeline.observation import observe_attempt
from shared.pipeline.stage_run import (
    StageRun,
    lease_end,
    new_holder,
)
from shared.platform.documents import KnownDocument
from shared.platform.place import current_place
from shared.platform.ports import Place
from shared.wiring import wiring

log = logging.getLogger(__name__)

Work = Callable[[StageRun], None]


@dataclass(frozen=True)
class StageClaim:
    """A claim that succeeded; `known` holds the document that it wrote."""

    job: Job
    holder: str
    known: KnownDocument


def run_stage(event: CloudEvent, stage: str, job_id: str, work: Work, known: KnownDocument | None = None) -> None:
    """Run one stage of one job for one delivery of its event.

    Returns when the delivery is to be acknowledged: the stage is done, was done before, or is no longer needed.

    Args:
        known: The job's document, if it has been read.

    Raises:
        RetryLater: Another delivery holds the stage.
        Exception: The attempt failed and may be repeated. Raising refuses the delivery.
    """
    place = current_place()
    with log_context(job=job_id, stage=stage, event=event["id"], trace=trace_of(event)):
        try:
            stage_claim = claim_stage(place, stage, job_id, known)
        except RetryLater as reason:
            log.info("refused for now: %s", reason)
            raise
        if stage_claim is None:
            log.info("nothing to do")
            delete_leftovers(place, job_id)
            return
        run = StageRun(place, stage_claim.job, stage, stage_claim.holder, stage_claim.known)
        with observe_attempt(run):
            attempt_stage(run, work)


def attempt_stage(run: StageRun, work: Work) -> None:
    """Do the work under its lease and record its outcome."""
    log.info("attempt %s begins", run.attempts)
    try:
        with run:
            work(run)
        finish_stage(run)
    except PermanentError as error:
        failure = classify_failure(run, error)
        log.info("stage refused its input: %s", error.code)
        _record_failure(run, failure)
        if not failure.last:
            raise
    except Cancelled:
        log.info("the job ended meanwhile")
        delete_leftovers(run.place, run.job.id)
    except LeaseLost:
        log.warning("another delivery took the stage over")
        raise
    except BaseException as error:
        failure = classify_failure(run, error)
        log_failure(failure, error, "attempt")
        if not _record_failure(run, failure):
            raise


def claim_stage(place: Place, stage: str, job_id: str, known: KnownDocument | None = None) -> StageClaim | None:
    """Claim the stage. Return None if there is nothing to do; raises RetryLater if it cannot run yet."""
    known = known or KnownDocument()
    holder = new_holder()
    row = wiring().functions[stage]
    claimed = False

    def begin_attempt(job: Job) -> bool:
        nonlocal claimed
        claimed = False
        if job.status.is_final or stage not in job.stages:
            return False
        state = job.stages[stage]
        if state.status is StageStatus.DONE:
            return False
        _complete_earlier_stages(job, stage)
        check_not_leased(state, f"{stage} of {job_id}")
        if state.attempts >= row.attempts:
            fail_job(job, stage, state.error or interruption_error(stage), dead_letter=True)
            return True
        acquire_lease(state, holder)
        # The sender may have died before it removed the message, and this stage may not be allowed to send it.
        job.outbox = [message for message in job.outbox if message.target != stage]
        job.status = JobStatus.RUNNING
        job.stage = stage
        claimed = True
        return True

    try:
        job = change_job(place.documents, job_id, begin_attempt, known)
    except NotFound:
        return None
    if claimed:
        return StageClaim(job, holder, known)
    send_and_clean_up(place, job, known)
    return None


def _complete_earlier_stages(job: Job, stage: str) -> None:
    """Mark earlier stages as done: an object in the bucket proves that its writer finished, recorded or not."""
    names = list(job.stages)
    earlier = [job.stages[name] for name in names[: names.index(stage)]]
    unfinished = [state for state in earlier if state.status is not StageStatus.DONE]
    if unfinished and wiring().functions[stage].trigger.bucket is None:
        raise RetryLater(f"{stage} of {job.id} came before its time")
    for state in unfinished:
        end_stage(state, StageStatus.DONE)
    if job.upload and wiring().functions[stage].trigger.bucket:
        job.upload.state = UploadState.RECEIVED


def finish_stage(run: StageRun) -> None:
    """Record the stage as done together with its results and messages, then send the messages."""

    def complete(job: Job) -> bool:
        state = job.stages[run.stage]
        if state.status is StageStatus.DONE or job.status.is_final:
            return False
        run.check_held(job)
        run.apply_results(job)
        if run.repeat:
            release_lease(state, None, counts=False)
            job.outbox.append(outgoing_message(run.stage))
            return True
        end_stage(state, StageStatus.DONE)
        names = list(job.stages)
        after = names[names.index(run.stage) + 1 :]
        if not after:
            job.status = JobStatus.DONE
            end_job(job)
        elif wiring().functions[after[0]].trigger.bucket is None:
            job.outbox.append(outgoing_message(after[0], claimed=True))
        return True

    try:
        with run.place.one_commit():
            job = _record_end(run, complete)
            relay_outbox(run.place, job, run.known)
    except BaseException:
        # What was written may be undone.
        run.known.document = None
        raise
    log.info("stage %s", "goes on" if run.repeat else "is done")
    delete_unkept_source(run.place, job, run.known)


def _record_end(run: StageRun, complete: Callable[[Job], bool]) -> Job:
    """Return the changed job; raises Cancelled if it was cancelled or deleted meanwhile."""
    try:
        job = change_job(run.place.documents, run.job.id, complete, run.known)
    except NotFound:
        raise Cancelled(run.job.id) from None
    if job.status is JobStatus.CANCELLED:
        raise Cancelled(job.id)
    return job


def send_and_clean_up(place: Place, job: Job, known: KnownDocument | None = None) -> None:
    """Send the messages of a changed job; if it has ended, delete a video that it does not keep."""
    relay_outbox(place, job, known)
    delete_unkept_source(place, job, known)


def _record_failure(run: StageRun, failure: Failure) -> bool:
    """Record a failed attempt and release the lease; return whether the job has ended."""
    ended = False

    def record(job: Job) -> bool:
        nonlocal ended
        ended = False
        state = job.stages[run.stage]
        if job.status.is_final or not state.lease or state.lease.holder != run.holder:
            return False
        if not failure.incident:
            # After an unexpected error the results may be wrong.
            run.apply_results(job)
        if failure.last and failure.error:
            fail_job(job, run.stage, failure.error, dead_letter=failure.dead_letter)
            ended = True
        else:
            release_lease(state, failure.error, counts=failure.counts)
        return True

    # A deleted job needs no record. After a Conflict, `sweep` examines the job when the lease has expired.
    with suppress(NotFound):
        job = record_despite_storage(lambda: change_job(run.place.documents, run.job.id, record, run.known))
        send_and_clean_up(run.place, job, run.known)
    return ended


def check_not_leased(state: StageState, subject: str) -> None:
    """Raises RetryLater while another delivery holds a lease."""
    if state.lease and state.lease.until > clock.steady_now():
        raise RetryLater(f"{subject} is being worked on")


def acquire_lease(state: StageState, holder: str) -> None:
    """Start an attempt."""
    state.attempts += 1
    state.status = StageStatus.RUNNING
    state.started_at = state.started_at or clock.now()
    state.lease = Lease(holder=holder, until=lease_end())


def fail_job(job: Job, stage: str | None, error: JobError, *, dead_letter: bool = False) -> None:
    """End the job as failed. `dead_letter` reports it to the operators, for a cause that its user cannot remove."""
    job.status = JobStatus.FAILED
    job.error = error
    end_job(job)
    job.outbox = [outgoing_message(wiring().dead_letter_topic)] if dead_letter else []
    if stage in job.stages:
        end_stage(job.stages[stage], StageStatus.FAILED)
        job.stages[stage].message = error.message


def release_lease(state: StageState, error: JobError | None, *, counts: bool) -> None:
    """Let another delivery try the stage; `counts` is False for an attempt that a shutdown interrupted."""
    state.lease = None
    state.error = error
    state.message = f"Retrying: {error.message}" if error else None
    if not counts:
        state.attempts -= 1


def end_stage(state: StageState, status: StageStatus) -> None:
    state.status = status
    # The clock may have been set back.
    state.ended_at = max(filter(None, (clock.now(), state.started_at)))
    state.lease = None
    if status is StageStatus.DONE:
        state.progress = 1
        state.message = None
        state.error = None


def delete_leftovers(place: Place, job_id: str) -> None:
    """Delete data written after the job was deleted, and a source that arrived after its deletion.

    A job that is not visible yet keeps its data: only a record in `deleted` proves a deletion.
    """
    job = read_job(place.documents, job_id)
    if job is None:
        if place.documents.get(DELETED, job_id):
            # A cold start needs neither webhooks nor kinds.
            from shared.pipeline.cleanup import delete_job_data

            delete_job_data(place, job_id)
    elif job.source_deleted:
        place.objects.delete(UPLOADS, source_name(job_id))
