"""What the failure of an attempt means: for its job, for the next attempt and for the operators."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import (
    PROGRAMMING_ERRORS,
    STORAGE_FULL,
    ClipwiseError,
    PermanentError,
    StorageUnavailable,
    new_incident_id,
)
from shared.logs import log_context
from shared.models.job import Job, JobError
from shared.wiring import DOWNLOAD, EXTRACT, wiring

if TYPE_CHECKING:
    from shared.pipeline.stage_run import LeasedRun

log = logging.getLogger(__name__)
FIRST_PAUSE_SEC, LONGEST_PAUSE_SEC = 1.0, 30.0
_OPENCV_NO_MEMORY = -4  # cv2.Error.StsNoMem
T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """How an attempt failed.

    Attributes:
        error: For the job; None if a shutdown interrupted the attempt.
        counts: Whether the attempt counts; not after a shutdown, or with a busy or full storage.
        last: Whether no other attempt follows.
        dead_letter: Whether to report it to the operators: for every cause that ends a job and its user cannot remove.
        incident: Identifies the traceback in the log; None if `error` is complete.
    """

    error: JobError | None
    counts: bool = True
    last: bool = False
    dead_letter: bool = False
    incident: str | None = None


def classify_failure(run: LeasedRun[Any], error: BaseException) -> Failure:
    """Map the exception that ended an attempt to a failure."""
    if not isinstance(error, Exception):
        return Failure(None, counts=False)
    if run.is_disk_full or isinstance(error, StorageUnavailable):
        busy = error if isinstance(error, StorageUnavailable) else StorageUnavailable("storage_full", STORAGE_FULL)
        job_error = JobError(code=busy.code, message=busy.message, stage=run.stage, retryable=True)
        return Failure(job_error, counts=False)
    used_up = run.attempts >= wiring().functions[run.stage].attempts
    if isinstance(error, ClipwiseError):
        permanent = isinstance(error, PermanentError)
        job_error = JobError(code=error.code, message=error.message, stage=run.stage, retryable=error.retryable)
        return Failure(job_error, last=permanent or used_up, dead_letter=used_up and not permanent)
    if is_out_of_memory(error):
        # A CPU-bound stage has the process to itself: the next attempt would need as much.
        return Failure(memory_error(run.stage), last=used_up or wiring().functions[run.stage].cpu_bound)
    incident = new_incident_id()
    last = used_up or isinstance(error, PROGRAMMING_ERRORS)
    job_error = internal_error(run.job, run.stage, error, incident)
    return Failure(job_error, last=last, dead_letter=last, incident=incident)


def record_despite_storage(record: Callable[[], T]) -> T:
    """Record how an attempt ended, as soon as the storage takes it."""
    pause = FIRST_PAUSE_SEC
    while True:
        try:
            return record()
        except StorageUnavailable as error:
            log.warning("waiting for the storage: %s", error)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SEC)


def internal_error(job: Job, stage: str, error: Exception, incident: str) -> JobError:
    """Return the job error for an unexpected exception. It is retryable: the next version may have a fix."""
    if isinstance(error, PROGRAMMING_ERRORS):
        kept_note = "The file is kept. " if is_file_kept(job, stage) else ""
        message = (
            f"Clipwise has a bug in the stage “{stage}” (incident {incident}). {kept_note}"
            "Find the incident in the log, or report it, and retry the job after an update."
        )
    else:
        message = (
            f"The stage “{stage}” failed unexpectedly (incident {incident}). "
            "Retry the job later. If that does not help, find the incident in the log, or report it."
        )
    return JobError(code="internal", message=message, stage=stage, retryable=True)


def is_out_of_memory(error: Exception) -> bool:
    """Return True if an allocation failed, in Python, in a system call or in OpenCV."""
    return (
        isinstance(error, MemoryError)
        or getattr(error, "errno", None) == errno.ENOMEM
        or getattr(error, "code", None) == _OPENCV_NO_MEMORY
    )


def memory_error(stage: str) -> JobError:
    return JobError(
        code="out_of_memory",
        message=(
            f"The stage “{stage}” needs more memory than a worker may use. "
            "Submit a shorter or smaller file, or raise WORKER_MEMORY_MB or, in the cloud, the function's memory."
        ),
        stage=stage,
        retryable=True,
    )


def is_file_kept(job: Job, stage: str) -> bool:
    """Return True if the job has a video that stays stored when it fails in this stage."""
    return EXTRACT in job.stages and stage != DOWNLOAD and job.keep_source is not False


def log_failure(failure: Failure, error: BaseException, subject: str) -> None:
    """Log that `subject`, such as "attempt", failed, with the traceback."""
    with log_context(incident=failure.incident):
        log.log(logging.ERROR if failure.last else logging.WARNING, "%s failed", subject, exc_info=error)


def interruption_error(stage: str) -> JobError:
    """Return the job error for attempts that ended without recording why."""
    return JobError(
        code="interrupted",
        message=(
            f"The stage “{stage}” was cut off in every attempt; the video may need too much memory or time. "
            "Retry the job, or submit a shorter or smaller video."
        ),
        stage=stage,
        retryable=True,
    )
