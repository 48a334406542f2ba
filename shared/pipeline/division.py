"""Divided stages: parts, each claimed, retried and finished on its own, then joined.

A part is a document of its own; the job holds their number (`stages.{stage}.parts`) before its stage starts. A message
without a part number starts all remaining parts. The last part to end starts the join, which one delivery can claim.
"""

from __future__ import annotations

import logging
import uuid
from contextlib import suppress

from cloudevents.http import CloudEvent

from shared.errors import Cancelled, LeaseLost, NotFound, PermanentError
from shared.logs import log_context
from shared.models.events import job_of, part_of, trace_of
from shared.models.job import Job, Part, StageStatus
from shared.pipeline import parts
from shared.pipeline.contract import (
    acquire_lease,
    check_not_leased,
    delete_leftovers,
    end_stage,
    fail_job,
    release_lease,
    run_stage,
    send_and_clean_up,
)
from shared.pipeline.divided_stage import DividedStage, update_progress
from shared.pipeline.failures import (
    Failure,
    classify_failure,
    interruption_error,
    log_failure,
    record_despite_storage,
)
from shared.pipeline.jobs import change_job, is_current_stage, read_job, send_message
from shared.pipeline.lease_keeper import Hold
from shared.pipeline.observation import observe_attempt
from shared.pipeline.stage_run import (
    LeasedRun,
    StageRun,
    new_holder,
)
from shared.platform.documents import KnownDocument
from shared.platform.place import current_place
from shared.platform.ports import Place
from shared.wiring import wiring

log = logging.getLogger(__name__)


class PartRun(LeasedRun[Part]):
    """An attempt at one part; its results go into the part, and the job's progress follows.

    Attributes:
        repeat: Set by the work when it stops before the end: another attempt, which does not count as one, continues.
    """

    def __init__(
        self, place: Place, job: Job, division: DividedStage, part: Part, holder: str, known: KnownDocument
    ) -> None:
        super().__init__(place, job, division.stage, holder, known)
        self.division = division
        self.number = part.number
        self.claimed_part = part
        self.repeat = False

    @property
    def attempts(self) -> int:
        return self.claimed_part.attempts

    @property
    def hold(self) -> Hold:
        return Hold(self.job.id, self.stage, self.number, self.holder)

    @property
    def id(self) -> str:
        return parts.part_id(self.job.id, self.stage, self.number)

    def record(self) -> None:
        def update(part: Part) -> bool:
            self.check_lease(part)
            self.apply_results(part)
            self.apply_progress(part)
            return True

        known_job = self._check_current()
        parts.change_part(self.place.documents, self.id, update, known=self.known)
        update_progress(self.place, self.job.id, self.division, known_job)

    def check(self) -> None:
        self._check_current()

    def _check_current(self) -> KnownDocument:
        """Return the document of the job; raises Cancelled unless its stage is still wanted."""
        known_job = KnownDocument()
        job = read_job(self.place.documents, self.job.id, known_job)
        if job is None or not is_current_stage(job, self.stage):
            raise Cancelled(self.job.id)
        return known_job


def run_divided_stage(event: CloudEvent, division: DividedStage) -> None:
    """Handle one delivery: run a part, start all remaining parts, or join them.

    Returns when the delivery is to be acknowledged. Raises as `run_stage`.
    """
    place, job_id, number = current_place(), job_of(event), part_of(event)
    with log_context(job=job_id, stage=division.stage, event=event["id"], trace=trace_of(event)):
        if number is not None and not run_part(place, division, job_id, number):
            return
        known = KnownDocument()
        job = read_job(place.documents, job_id, known)
        if job is not None and is_current_stage(job, division.stage):
            if number is None and division.alone and (job.stages[division.stage].parts or 0) <= 1:
                run_stage(event, division.stage, job_id, division.alone, known)
                return
            remaining = remaining_parts(place, job, division, all=number is None)
            if number is None and len(remaining) == 1:
                if not run_part(place, division, job_id, remaining[0]):
                    return
            elif remaining:
                if number is None:
                    fan_out(place, job, division.stage, remaining)
                return
    run_stage(event, division.stage, job_id, lambda run: join_parts(run, division))
    if not division.tolerant:
        parts.clean_up_parts(place.documents, job_id, division.stage)


def remaining_parts(place: Place, job: Job, division: DividedStage, *, all: bool) -> list[int]:
    """Return the numbers of the remaining parts; at most one for a tolerant division, unless `all`."""
    stage = division.stage
    if division.tolerant:
        return parts.remaining_numbers(place.documents, job.id, stage, all=all)
    done = {part.number for part in parts.parts_of(place.documents, job.id, stage) if part.status is StageStatus.DONE}
    return [number for number in range(job.stages[stage].parts or 0) if number not in done]


def fan_out(place: Place, job: Job, stage: str, numbers: list[int]) -> None:
    log.info("sets off %s parts", len(numbers))
    for number in numbers:
        send_message(place, job, stage, uuid.uuid4().hex, number)


def run_part(place: Place, division: DividedStage, job_id: str, number: int) -> bool:
    """Run one part unless it has ended; return whether the stage no longer waits for it.

    Raises:
        RetryLater: Another delivery holds the part.
        Exception: The attempt failed and may be repeated.
    """
    job = read_job(place.documents, job_id)
    if job is None or not is_current_stage(job, division.stage):
        return True
    with log_context(part=str(number)):
        run = claim_part(place, division, job, number)
        if isinstance(run, bool):
            return run
        with observe_attempt(run, number):
            log.info("attempt %s at part %s", run.attempts, number)
            return attempt_part(run)


def claim_part(place: Place, division: DividedStage, job: Job, number: int) -> PartRun | bool:
    """Return an attempt at the part or, if there is nothing to do, whether the stage no longer waits for it."""
    stage, holder, known = division.stage, new_holder(), KnownDocument()
    used_up = False

    def begin_attempt(part: Part) -> bool:
        nonlocal used_up
        used_up = False
        if part.status is StageStatus.DONE:
            return False
        check_not_leased(part, f"part {number} of {stage} of {job.id}")
        if part.status is StageStatus.FAILED or part.attempts >= wiring().functions[stage].attempts:
            used_up = True
            if part.status is StageStatus.FAILED or not division.tolerant:
                return False
            part.error = part.error or interruption_error(stage)
            end_stage(part, StageStatus.FAILED)
            return True
        acquire_lease(part, holder)
        return True

    id = parts.part_id(job.id, stage, number)
    new = None if division.tolerant else lambda: parts.new_part(job, stage, number)
    try:
        part = parts.change_part(place.documents, id, begin_attempt, new, known)
    except NotFound:
        # A new plan has fewer parts.
        return True
    if used_up and division.tolerant:
        return True
    if used_up:
        fail_job_of_part(place, job.id, part, dead_letter=True)
        return False
    return True if part.status is StageStatus.DONE else PartRun(place, job, division, part, holder, known)


def attempt_part(run: PartRun) -> bool:
    """Do the work under its lease and record its outcome; return whether the stage no longer waits for the part."""
    try:
        with run:
            # Shows clients the start at once, and stops an attempt that comes too late before it costs anything.
            run.write()
            run.division.work(run)
        finish_part(run)
    except PermanentError as error:
        failure = classify_failure(run, error)
        log.info("part %s refused its input: %s", run.number, error.code)
        record_part_failure(run, failure)
        if not failure.last:
            raise
        return run.division.tolerant
    except Cancelled:
        log.info("the job ended meanwhile")
        delete_leftovers(run.place, run.job.id)
        return False
    except LeaseLost:
        log.warning("another delivery took part %s over", run.number)
        raise
    except BaseException as error:
        failure = classify_failure(run, error)
        log_failure(failure, error, f"attempt at part {run.number}")
        if not record_part_failure(run, failure):
            raise
        return run.division.tolerant
    return not run.repeat


def finish_part(run: PartRun) -> None:
    def complete(part: Part) -> bool:
        run.check_lease(part)
        run.apply_results(part)
        if run.repeat:
            release_lease(part, None, counts=False)
            part.status = StageStatus.PENDING
        else:
            end_stage(part, StageStatus.DONE)
        return True

    try:
        parts.change_part(run.place.documents, run.id, complete, known=run.known)
        update_progress(run.place, run.job.id, run.division, at_once=True)
    except NotFound:
        raise Cancelled(run.job.id) from None
    if run.repeat:
        fan_out(run.place, run.job, run.stage, [run.number])
    log.info("part %s %s", run.number, "goes on" if run.repeat else "is done")


def record_part_failure(run: PartRun, failure: Failure) -> bool:
    """Record a failed attempt and release the lease; return whether the part has ended."""
    ended = False

    def record(part: Part) -> bool:
        nonlocal ended
        ended = False
        if not part.lease or part.lease.holder != run.holder:
            return False
        if not failure.incident:
            # After an unexpected error the results may be wrong.
            run.apply_results(part)
        if failure.last:
            end_stage(part, StageStatus.FAILED)
            part.error = failure.error
            ended = True
        else:
            release_lease(part, failure.error, counts=failure.counts)
        return True

    # A deleted part needs no record.
    with suppress(NotFound):
        part = record_despite_storage(lambda: parts.change_part(run.place.documents, run.id, record, known=run.known))
        update_progress(run.place, run.job.id, run.division, at_once=True)
        if ended and not run.division.tolerant:
            fail_job_of_part(run.place, run.job.id, part, dead_letter=failure.dead_letter)
    return ended


def fail_job_of_part(place: Place, job_id: str, part: Part, *, dead_letter: bool) -> None:
    """End the job because a part cannot be done."""

    def record(job: Job) -> bool:
        if not is_current_stage(job, part.stage):
            return False
        fail_job(job, part.stage, part.error or interruption_error(part.stage), dead_letter=dead_letter)
        return True

    with suppress(NotFound):
        send_and_clean_up(place, change_job(place.documents, job_id, record))


def join_parts(run: StageRun, division: DividedStage) -> None:
    stored_parts = parts.parts_of(run.place.documents, run.job.id, division.stage)
    if stored_parts:
        # The delivery that ended the last part may have died before it updated the job.
        run.add_result(lambda job: division.update_job(job, stored_parts))
    division.join(run, stored_parts)
