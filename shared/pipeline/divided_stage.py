"""How the work of a stage is divided into parts, and their progress in the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared import clock
from shared.models.job import Job, JobStatus, Part, StageStatus
from shared.pipeline import parts
from shared.pipeline.jobs import change_job, is_current_stage
from shared.pipeline.stage_run import WRITE_EVERY, StageRun
from shared.platform.documents import KnownDocument
from shared.platform.ports import Place

if TYPE_CHECKING:
    from shared.pipeline.division import PartRun

READS_PER_SEC = 50
"""Parts read per second to show the progress of a tolerant division."""


@dataclass(frozen=True)
class DividedStage:
    """How the work of a stage is divided.

    Attributes:
        work: Does one part and stores its outcome in it.
        update_job: Copies results of the parts so far into the job; may be applied twice.
        join: Makes the stage's result of all parts, in order. It may reopen some of them and set `run.repeat`.
        tolerant: A part that cannot be done stays failed, for `join` to judge, while the others continue. All parts are
            stored before the stage starts (`parts.plan_part`), and stay stored. Whether one was the last is learned
            without reading them all, and progress reads at most READS_PER_SEC of them.
        on_update: Called with the job after each visible change.
        alone: Does the whole stage of a job with at most one part, which then has no document, claim or message of its
            own. None if parts are planned with content of their own.
    """

    stage: str
    work: Callable[[PartRun], None]
    update_job: Callable[[Job, list[Part]], None]
    join: Callable[[StageRun, list[Part]], None]
    tolerant: bool = False
    on_update: Callable[[Place, Job], object] = lambda place, job: None
    alone: Callable[[StageRun], None] | None = None


def update_progress(
    place: Place, job_id: str, division: DividedStage, known: KnownDocument | None = None, *, at_once: bool = False
) -> None:
    """Write the progress of the parts to the job; raises NotFound.

    This reads all parts, so it happens when the stage starts and when a part ends; a tolerant division writes only when
    its interval has passed.
    """
    changed = False

    def record(job: Job) -> bool:
        nonlocal changed
        changed = False
        if not is_current_stage(job, division.stage):
            return False
        state = job.stages[division.stage]
        count = state.parts or 1
        interval = max(WRITE_EVERY, timedelta(seconds=count / READS_PER_SEC))
        due = clock.now() - job.updated_at >= interval if division.tolerant else at_once
        if not (due or state.status is StageStatus.PENDING):
            return False
        begun_parts = parts.parts_of(place.documents, job_id, division.stage)
        job.status, job.stage = JobStatus.RUNNING, division.stage
        # The stage's own claim, which removes it otherwise, comes when the parts are done.
        job.outbox = [message for message in job.outbox if not message.claimed or message.target != division.stage]
        state.status = StageStatus.RUNNING
        state.started_at = state.started_at or clock.now()
        state.progress = max(state.progress, parts.mean_progress(begun_parts, count))
        state.message = parts.progress_message(begun_parts, count)
        division.update_job(job, begun_parts)
        changed = True
        return True

    job = change_job(place.documents, job_id, record, known)
    if changed:
        division.on_update(place, job)
