"""What a failed attempt means: what the job says of it, and whether there is another one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from shared.errors import PROGRAMMING_ERRORS, ClipwiseError, PermanentError, new_incident_id
from shared.logs import log_context
from shared.models.job import Job, JobError
from shared.pipeline.run import LeasedRun
from shared.wiring import wiring

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """How an attempt failed.

    Attributes:
        error: For the job; None when the attempt was only interrupted by a shutdown, and does not count.
        last: Whether no other attempt follows.
        dead_letter: Whether the operators are told: of whatever ends a job, but for what its user can mend.
        incident: Where to find the traceback in the log; None where `error` says all there is to know.
    """

    error: JobError | None
    last: bool = False
    dead_letter: bool = False
    incident: str | None = None


def classify_failure(run: LeasedRun[Any], error: BaseException) -> Failure:
    """Judge what ended an attempt."""
    if not isinstance(error, Exception):
        return Failure(None)
    used_up = run.attempts >= wiring().functions[run.stage].attempts
    if isinstance(error, ClipwiseError):
        permanent = isinstance(error, PermanentError)
        job_error = JobError(code=error.code, message=error.message, stage=run.stage, retryable=error.retryable)
        return Failure(job_error, permanent or used_up, used_up and not permanent)
    incident = new_incident_id()
    last = used_up or isinstance(error, PROGRAMMING_ERRORS)
    return Failure(internal_error(run.job, run.stage, error, incident), last, last, incident)


def internal_error(job: Job, stage: str, error: Exception, incident: str) -> JobError:
    """For an error that has no sentence for the user. A retry can help: with the next version if not with this one."""
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


def is_file_kept(job: Job, stage: str) -> bool:
    """Whether the job has a video, and still has it when it fails in this stage."""
    return "extract" in job.stages and stage != "download" and job.keep_source is not False


def log_failure(failure: Failure, error: BaseException, subject: str) -> None:
    """Write down that `what`, e.g. "attempt", failed, with the traceback."""
    with log_context(incident=failure.incident):
        log.log(logging.ERROR if failure.last else logging.WARNING, "%s failed", subject, exc_info=error)


def interruption_error(stage: str) -> JobError:
    """For work that never came to say why it ended."""
    return JobError(
        code="interrupted",
        message=(
            f"The stage “{stage}” was cut off in every attempt; the video may need too much memory or time. "
            "Retry the job, or submit a shorter or smaller video."
        ),
        stage=stage,
        retryable=True,
    )
