"""Divided stages: parts, each claimed, retried and finished on its own, then joined.

A part is a document of its own; the job holds their number (`stages.{stage}.parts`) before its stage starts. A message
without a part starts all that are left. The last to end starts the join, an attempt that only one of two can claim.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from statistics import fmean

from cloudevents.http import CloudEvent

from shared import clock
from shared.errors import Cancelled, LeaseLost, NotFound, PermanentError
from shared.logs import bound
from shared.models.events import job_of, part_of
from shared.models.job import Job, JobStatus, Part, StageStatus
from shared.pipeline import parts
from shared.pipeline.contract import (
    end,
    erase_leftovers,
    fail,
    follow_up,
    give_back,
    hold,
    perform,
    refuse_held,
)
from shared.pipeline.failure import Failure, failure_of, interrupted, log_failure
from shared.pipeline.jobs import change_job, current_stage, read_job
from shared.pipeline.outbox import send
from shared.pipeline.run import WRITE_EVERY, Run, StageRun
from shared.platform.connect import platform
from shared.platform.ports import Platform
from shared.wiring import wiring

log = logging.getLogger(__name__)

READS_PER_SEC = 50
"""Of parts, to show how far a tolerant division is."""


@dataclass(frozen=True)
class Division:
    """How the work of a stage is divided.

    Attributes:
        work: Does one part and leaves its outcome in it.
        show: Lets the job show what there is of the parts so far; must bear being applied twice.
        join: Makes the stage's result of all the parts, in order. It may open some of them again and say `run.again`.
        tolerant: Parts that cannot be done are left behind as failed, for `join` to judge, while the others go on. All
            parts have documents before the stage is set off (`parts.plan_part`), and keep them: they are never all
            read to learn whether one was the last, and to show progress only so often that it is READS_PER_SEC in all.
        told: Is given the job whenever it has come to show something new.
    """

    stage: str
    work: Callable[[PartRun], None]
    show: Callable[[Job, list[Part]], None]
    join: Callable[[StageRun, list[Part]], None]
    tolerant: bool = False
    told: Callable[[Platform, Job], object] = lambda place, job: None


class PartRun(Run[Part]):
    """An attempt at one part; its results go into the part, and what the job shows follows.

    Attributes:
        again: Set by the work when it stops with something left: another attempt, which does not count as one, goes on.
    """

    def __init__(self, platform: Platform, job: Job, division: Division, part: Part, holder: str) -> None:
        super().__init__(platform, job, division.stage, holder)
        self.division = division
        self.number = part.number
        self.claimed = part
        self.again = False

    @property
    def attempts(self) -> int:
        return self.claimed.attempts

    @property
    def id(self) -> str:
        return parts.part_id(self.job.id, self.stage, self.number)

    def record(self) -> None:
        def update(part: Part) -> bool:
            self.check_lease(part)
            self.apply_results(part)
            self.show_progress(part)
            return True

        job = read_job(self.platform.documents, self.job.id)
        if job is None or not awaited(job, self.stage):
            raise Cancelled(self.job.id)
        parts.change_part(self.platform.documents, self.id, update)
        tell(self.platform, self.job.id, self.division)


def perform_divided(event: CloudEvent, division: Division) -> None:
    """Do what one delivery asks for: a part, the setting off of all that are left, or the joining.

    Returns when the delivery is to be acknowledged. Raises as `perform`.
    """
    place, job_id, number = platform(), job_of(event), part_of(event)
    with bound(job=job_id, stage=division.stage, event=event["id"]):
        if number is not None and not perform_part(place, division, job_id, number):
            return
        job = read_job(place.documents, job_id)
        if job is not None and awaited(job, division.stage):
            left = unfinished(place, job, division, all=number is None)
            if number is None and len(left) == 1:
                if not perform_part(place, division, job_id, left[0]):
                    return
            elif left:
                if number is None:
                    set_off(place, job, division.stage, left)
                return
    perform(event, division.stage, job_id, lambda run: join(run, division))
    if not division.tolerant:
        forget_parts(place, job_id, division.stage)


def awaited(job: Job, stage: str) -> bool:
    """Whether it is this stage's turn."""
    return not job.status.is_final and current_stage(job) == stage


def unfinished(place: Platform, job: Job, division: Division, *, all: bool) -> list[int]:
    """Numbers of the parts that are left; of a tolerant division one is enough unless `all` are asked for."""
    stage = division.stage
    if division.tolerant:
        return parts.parts_left(place.documents, job.id, stage, all=all)
    done = {part.number for part in parts.parts_of(place.documents, job.id, stage) if part.status is StageStatus.DONE}
    return [number for number in range(job.stages[stage].parts or 0) if number not in done]


def set_off(place: Platform, job: Job, stage: str, numbers: list[int]) -> None:
    log.info("sets off %s parts", len(numbers))
    for number in numbers:
        send(place, job, stage, uuid.uuid4().hex, number)


def perform_part(place: Platform, division: Division, job_id: str, number: int) -> bool:
    """Do one part if it is to be done; say whether the stage can do without it now.

    Raises:
        NotNow: Another delivery is at it.
        Exception: The attempt failed and may be tried again.
    """
    job = read_job(place.documents, job_id)
    if job is None or not awaited(job, division.stage):
        return True
    with bound(trace=job.trace, part=str(number)):
        taken = claim_part(place, division, job, number)
        if isinstance(taken, bool):
            return taken
        run = PartRun(place, job, division, *taken)
        log.info("attempt %s at part %s", run.attempts, number)
        return attempt_part(run)


def claim_part(place: Platform, division: Division, job: Job, number: int) -> tuple[Part, str] | bool:
    """The part and its holder; or, when there is nothing to be done, whether the stage can do without it."""
    stage, holder = division.stage, uuid.uuid4().hex
    used_up = False

    def take(part: Part) -> bool:
        nonlocal used_up
        used_up = False
        if part.status is StageStatus.DONE:
            return False
        refuse_held(part, f"part {number} of {stage} of {job.id}")
        if part.status is StageStatus.FAILED or part.attempts >= wiring().functions[stage].attempts:
            used_up = True
            if part.status is StageStatus.FAILED or not division.tolerant:
                return False
            part.error = part.error or interrupted(stage)
            end(part, StageStatus.FAILED)
            return True
        hold(part, holder)
        return True

    id = parts.part_id(job.id, stage, number)
    new = None if division.tolerant else partial(parts.new_part, job, stage, number)
    try:
        part = parts.change_part(place.documents, id, take, new)
    except NotFound:
        # Planned anew meanwhile, into fewer.
        return True
    if used_up and division.tolerant:
        return True
    if used_up:
        fail_job(place, job.id, part, dead_letter=True)
        return False
    return True if part.status is StageStatus.DONE else (part, holder)


def attempt_part(run: PartRun) -> bool:
    """Do the work under its lease and settle how it ended; say whether the stage can do without the part now."""
    try:
        with run:
            # Whoever waits sees at once that it has begun, and one that came too late stops before it costs anything.
            run.write()
            run.division.work(run)
        finish_part(run)
    except PermanentError as error:
        log.info("part %s refused its input: %s", run.number, error.code)
        settle_part(run, failure_of(run, error))
        return run.division.tolerant
    except Cancelled:
        log.info("the job ended meanwhile")
        erase_leftovers(run.platform, run.job.id)
        return False
    except LeaseLost:
        log.warning("another delivery took part %s over", run.number)
        raise
    except BaseException as error:
        failure = failure_of(run, error)
        log_failure(failure, error, f"attempt at part {run.number}")
        if not settle_part(run, failure):
            raise
        return run.division.tolerant
    return not run.again


def finish_part(run: PartRun) -> None:
    def complete(part: Part) -> bool:
        run.check_lease(part)
        run.apply_results(part)
        if run.again:
            give_back(part, None, counts=False)
            part.status = StageStatus.PENDING
        else:
            end(part, StageStatus.DONE)
        return True

    try:
        parts.change_part(run.platform.documents, run.id, complete)
        tell(run.platform, run.job.id, run.division, at_once=True)
    except NotFound:
        raise Cancelled(run.job.id) from None
    if run.again:
        set_off(run.platform, run.job, run.stage, [run.number])
    log.info("part %s %s", run.number, "goes on" if run.again else "is done")


def settle_part(run: PartRun, failure: Failure) -> bool:
    """Write down a failed attempt and give the lease back; say whether the job has ended with it."""
    ended = False

    def record(part: Part) -> bool:
        nonlocal ended
        ended = False
        if not part.lease or part.lease.holder != run.holder:
            return False
        if not failure.incident:
            # Otherwise the results may be what is wrong.
            run.apply_results(part)
        if failure.last:
            end(part, StageStatus.FAILED)
            part.error = failure.error
            ended = True
        else:
            give_back(part, failure.error, counts=failure.error is not None)
        return True

    # What is gone needs no note.
    with suppress(NotFound):
        part = parts.change_part(run.platform.documents, run.id, record)
        tell(run.platform, run.job.id, run.division, at_once=True)
        if ended and not run.division.tolerant:
            fail_job(run.platform, run.job.id, part, dead_letter=failure.dead_letter)
    return ended


def fail_job(place: Platform, job_id: str, part: Part, *, dead_letter: bool) -> None:
    """End the job for a part that cannot be done."""

    def record(job: Job) -> bool:
        if not awaited(job, part.stage):
            return False
        fail(job, part.stage, part.error or interrupted(part.stage), dead_letter=dead_letter)
        return True

    with suppress(NotFound):
        follow_up(place, change_job(place.documents, job_id, record))


def tell(place: Platform, job_id: str, division: Division, *, at_once: bool = False) -> None:
    """Let the job show how far the parts are; raises NotFound.

    All of them are read for that, so it is done when one begins the stage or ends. Only a single one tells more often,
    and those of a tolerant division whenever it is time again.
    """
    changed = False

    def record(job: Job) -> bool:
        nonlocal changed
        changed = False
        if not awaited(job, division.stage):
            return False
        state = job.stages[division.stage]
        count = state.parts or 1
        pause = clock.now() - job.updated_at
        if division.tolerant:
            due = pause >= max(WRITE_EVERY, timedelta(seconds=count / READS_PER_SEC))
        else:
            due = at_once or (count == 1 and pause >= WRITE_EVERY)
        if not (due or state.status is StageStatus.PENDING):
            return False
        begun = parts.parts_of(place.documents, job_id, division.stage)
        done = sum(part.status is StageStatus.DONE for part in begun)
        job.status, job.stage = JobStatus.RUNNING, division.stage
        state.status = StageStatus.RUNNING
        state.started_at = state.started_at or clock.now()
        far = [1 if part.status is StageStatus.FAILED else part.progress for part in begun]
        state.progress = max(state.progress, fmean(far + [0.0] * (count - len(begun))))
        again = next((part.message for part in begun if part.error and part.message), None)
        state.message = again or (f"{done} of {count} parts are done" if count > 1 else begun[0].message)
        division.show(job, begun)
        changed = True
        return True

    job = change_job(place.documents, job_id, record)
    if changed:
        division.told(place, job)


def join(run: StageRun, division: Division) -> None:
    found = parts.parts_of(run.platform.documents, run.job.id, division.stage)
    if found:
        # Whoever ended the last one may have died before it could tell.
        run.leave(lambda job: division.show(job, found))
    division.join(run, found)


def forget_parts(place: Platform, job_id: str, stage: str) -> None:
    """Remove the parts once the stage has their result."""
    job = read_job(place.documents, job_id)
    if job is None or stage not in job.stages or job.stages[stage].status is StageStatus.DONE:
        parts.delete_parts(place.documents, job_id, stage)
