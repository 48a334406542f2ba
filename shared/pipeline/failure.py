"""What a failed attempt means: what the job says of it, and whether there is another one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from shared.errors import PROGRAMMING_ERRORS, ClipwiseError, PermanentError, new_incident
from shared.logs import bound
from shared.models.job import Job, JobError
from shared.pipeline.run import Run
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


def failure_of(run: Run[Any], error: BaseException) -> Failure:
    """Judge what ended an attempt."""
    if not isinstance(error, Exception):
        return Failure(None)
    used_up = run.attempts >= wiring().functions[run.stage].attempts
    if isinstance(error, ClipwiseError):
        permanent = isinstance(error, PermanentError)
        stated = JobError(code=error.code, message=error.message, stage=run.stage, retryable=error.retryable)
        return Failure(stated, permanent or used_up, used_up and not permanent)
    incident = new_incident()
    last = used_up or isinstance(error, PROGRAMMING_ERRORS)
    return Failure(unexpected(run.job, run.stage, error, incident), last, last, incident)


def unexpected(job: Job, stage: str, error: Exception, incident: str) -> JobError:
    """For an error that has no sentence for the user. A retry can help: with the next version if not with this one."""
    if isinstance(error, PROGRAMMING_ERRORS):
        kept = "The file is kept. " if keeps_file(job, stage) else ""
        message = (
            f"Clipwise has a bug in the stage “{stage}” (incident {incident}). {kept}"
            "Look for the incident in the log, or report it, and retry the job after an update."
        )
    else:
        message = (
            f"The stage “{stage}” failed unexpectedly (incident {incident}). "
            "Retry the job later; if that does not help, look for the incident in the log, or report it."
        )
    return JobError(code="internal", message=message, stage=stage, retryable=True)


def keeps_file(job: Job, stage: str) -> bool:
    """Whether the job has a video, and still has it when it fails in this stage."""
    return "extract" in job.stages and stage != "download" and job.keep_source is not False


def log_failure(failure: Failure, error: BaseException, what: str) -> None:
    """Write down that `what`, e.g. "attempt", failed, with the traceback."""
    with bound(incident=failure.incident):
        log.log(logging.ERROR if failure.last else logging.WARNING, "%s failed", what, exc_info=error)


def interrupted(stage: str) -> JobError:
    """For work that never came to say why it ended."""
    return JobError(
        code="interrupted",
        message=f"The stage “{stage}” was cut off every time it was tried; the video may need too much memory or time.",
        stage=stage,
        retryable=True,
    )
