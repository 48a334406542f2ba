"""What happens to work whose process ended: a restart gives attempts back, and a crash of a worker has a reason."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from shared import clock
from shared.error_codes.jobs import JobCode
from shared.errors import NotFound
from shared.models.job import Job, JobError, JobStatus, Part, StageState, StageStatus
from shared.models.webhook import DeliveryStatus, WebhookDelivery
from shared.pipeline.contract import end_stage, fail_job, release_lease, send_and_clean_up
from shared.pipeline.job_storage import JOBS, PARTS
from shared.pipeline.jobs import change_job
from shared.pipeline.parts import change_part
from shared.pipeline.stage_run import is_held_by
from shared.platform.documents import iterate_query
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.ports import Documents
from shared.webhooks.deliveries import DELIVERIES, change_delivery
from shared.wiring import wiring

log = logging.getLogger(__name__)
MAX_RESTARTS = 20
"""Restarts of the server that cost a stage no attempt: more suggest that its file brings the machine down."""
TIMEOUT_EXIT_CODE = 70
"""Exit code of a worker that ended itself because a function exceeded its timeout; SIGALRM if its keeper had to."""
CRASH_CODES = frozenset({JobCode.WORKER_CRASHED, JobCode.TIMED_OUT, JobCode.OUT_OF_MEMORY})
"""Reasons that lie in the file or the machine: the second crash in a row ends the stage."""


def recover_work(place: EmbeddedPlace) -> None:
    """Release everything that the workers of a stopped or killed server held; the caller holds the data folder's lock.

    Interrupted attempts do not count, up to MAX_RESTARTS, so that no stage fails because the machine was restarted.
    """
    place.queue.release_all()
    documents = place.place.documents
    for id in _ids_with_status(documents, JOBS, JobStatus.RUNNING):
        change_job(documents, id, _release_job)
    for id in _ids_with_status(documents, PARTS, StageStatus.RUNNING):
        change_part(documents, id, _release_stage)
    for id in _ids_with_status(documents, DELIVERIES, DeliveryStatus.SENDING):
        change_delivery(documents, id, _release_delivery)


def record_crash(embedded: EmbeddedPlace, process_id: int, crash_error: Callable[[str], JobError]) -> None:
    """Record why a worker ended in each stage and part that it held, and release them.

    A stage whose worker crashes twice in a row, the second time with no other stage in it, ends with that error.
    """
    place = embedded.place
    held_jobs, held_parts = _held_by(place.documents, process_id)
    is_alone = len(held_jobs) + len(held_parts) == 1

    def end_attempt(state: StageState, error: JobError) -> bool:
        """Release the lease; return True if the stage has crashed twice."""
        last_code = state.error.code if state.error else None
        is_repeated = is_alone and last_code in CRASH_CODES and error.code in CRASH_CODES
        state.interruptions += 1
        release_lease(state, error, counts=True)
        return is_repeated

    def end_stages(job: Job) -> bool:
        held = {name: state for name, state in job.stages.items() if is_held_by(state, process_id)}
        for name, state in held.items():
            error = crash_error(name)
            if end_attempt(state, error):
                fail_job(job, name, error, dead_letter=True)
        return bool(held)

    def end_part(part: Part) -> bool:
        if not is_held_by(part, process_id):
            return False
        error = crash_error(part.stage)
        if end_attempt(part, error):
            # The next delivery ends the job or, if the stage tolerates failed parts, goes on without this one.
            end_stage(part, StageStatus.FAILED)
        return True

    for id in held_jobs:
        with suppress(NotFound):
            send_and_clean_up(place, change_job(place.documents, id, end_stages))
    for id in held_parts:
        with suppress(NotFound):
            change_part(place.documents, id, end_part)
    embedded.queue.expire_leases(process_id)


def crash_reason(code: int, *, out_of_memory: bool) -> Callable[[str], JobError]:
    """Return the job error for each stage in a worker that ended with an exit code (-N = signal N).

    `out_of_memory`: the kernel has ended a process since the worker started, because the machine had no memory left.
    """
    return partial(_crash_error, code, out_of_memory)


def _crash_error(code: int, out_of_memory: bool, stage: str) -> JobError:
    if code in (TIMEOUT_EXIT_CODE, -signal.SIGALRM):
        message = (
            f"The stage “{stage}” ran for longer than {wiring().functions[stage].timeout_sec} seconds. "
            "Submit a shorter or smaller file, or retry the job when the machine is less busy."
        )
        return JobError(code="timed_out", message=message, stage=stage, retryable=True)
    if code == -signal.SIGKILL and out_of_memory:
        message = (
            f"The system ended the worker of the stage “{stage}”, because the machine had no memory left. "
            "Submit a shorter or smaller file, lower WORKER_MEMORY_MB, or add memory. Then retry the job."
        )
        return JobError(code="out_of_memory", message=message, stage=stage, retryable=True)
    if code in (-signal.SIGKILL, -signal.SIGTERM):
        message = f"The worker of the stage “{stage}” was ended from outside ({_exit_name(code)}). Retry the job."
        return JobError(code="interrupted", message=message, stage=stage, retryable=True)
    message = (
        f"The worker crashed in the stage “{stage}” ({_exit_name(code)}). A retry is likely to crash again. "
        "Convert the file to MP4 (H.264 and AAC) and submit it again. The log contains the place of the crash."
    )
    return JobError(code="worker_crashed", message=message, stage=stage, retryable=False)


def _exit_name(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"


def count_memory_kills() -> int:
    """Return how many processes the kernel has ended for lack of memory; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _held_by(documents: Documents, process_id: int) -> tuple[list[str], list[str]]:
    """Return the ids of the jobs and of the parts that the process leased."""
    running_jobs = iterate_query(documents, JOBS, [("status", "==", JobStatus.RUNNING)])
    running_parts = iterate_query(documents, PARTS, [("status", "==", StageStatus.RUNNING)])
    jobs = [
        document.id
        for document in running_jobs
        if any(is_held_by(state, process_id) for state in Job.read(document.data).stages.values())
    ]
    parts = [document.id for document in running_parts if is_held_by(Part.read(document.data), process_id)]
    return jobs, parts


def _ids_with_status(documents: Documents, collection: str, status: str) -> Iterator[str]:
    return (document.id for document in iterate_query(documents, collection, [("status", "==", status)]))


def _release_job(job: Job) -> bool:
    released = [_release_stage(state) for state in job.stages.values()]
    job.updated_at = clock.now()
    return any(released)


def _release_stage(state: StageState) -> bool:
    if state.lease is None:
        return False
    state.lease = None
    state.interruptions += 1
    state.attempts -= state.interruptions <= MAX_RESTARTS
    state.status = StageStatus.PENDING
    state.message = None
    return True


def _release_delivery(delivery: WebhookDelivery) -> bool:
    delivery.status = DeliveryStatus.PENDING
    delivery.due_at = delivery.wake_at = clock.now()
    delivery.tries -= 1
    return True
