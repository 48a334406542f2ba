"""One attempt at a piece of work: its lease, its progress, its workspace, the results it will leave."""

from __future__ import annotations

import errno
import logging
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from shared import clock
from shared.errors import (
    PROGRAMMING_ERRORS,
    Cancelled,
    ClipwiseError,
    Conflict,
    LeaseLost,
    NotFound,
    PermanentError,
    new_incident_id,
)
from shared.logs import log_context
from shared.models.job import Job, JobError, StageState
from shared.pipeline.jobs import change_job
from shared.platform.ports import Place
from shared.settings import settings
from shared.wiring import wiring

WRITE_EVERY = timedelta(seconds=1)
_OPENCV_NO_MEMORY = -4  # cv2.Error.StsNoMem
D = TypeVar("D")


class LeasedRun(ABC, Generic[D]):
    """What work is given, and what its results are left in: a document of type `D`.

    Attributes:
        platform: The ports.
        job: The job as it was when the work was claimed.
        stage: The name of the stage.
        workspace: An empty folder that goes away with the attempt.
    """

    workspace: Path

    def __init__(self, place: Place, job: Job, stage: str, holder: str) -> None:
        self.place = place
        self.job = job
        self.stage = stage
        self.holder = holder
        self._folder = tempfile.TemporaryDirectory(prefix="clipwise-")
        self._results: list[Callable[[D], None]] = []
        self._fraction = 0.0
        self._message: str | None = None
        self._written_at = clock.now()
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._lease_thread = threading.Thread(target=self._renew_lease, name=f"lease-{stage}", daemon=True)

    def __enter__(self) -> Self:
        self.workspace = Path(self._folder.name)
        self._lease_thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._lease_thread.join()
        self._folder.cleanup()

    def tick(self, fraction: float, message: str | None = None) -> None:
        """Tell how far the work is (0 to 1) and what it does; written to its document at most once a second.

        Raises:
            Cancelled: The job was cancelled or deleted; stop now.
            LeaseLost: Another delivery took over; stop now.
        """
        if self._error:
            raise self._error
        self._fraction = max(self._fraction, min(1.0, fraction))
        self._message = message or self._message
        if clock.now() - self._written_at >= WRITE_EVERY:
            self.write()

    def add_result(self, change: Callable[[D], None], *, now: bool = False) -> None:
        """Add results to the document: with the next progress, or at once. `change` must bear being applied twice."""
        with self._lock:
            self._results.append(change)
        if now:
            self.write()

    @property
    @abstractmethod
    def attempts(self) -> int:
        """How many there were, with this one."""

    def apply_results(self, document: D) -> None:
        for change in list(self._results):
            change(document)

    def check_lease(self, state: StageState) -> None:
        """Raises LeaseLost when another delivery holds the work."""
        if state.lease is None or state.lease.holder != self.holder:
            raise LeaseLost(f"{self.stage} of {self.job.id}")

    def apply_progress(self, state: StageState) -> None:
        """Write down how far the work is, and hold on to it."""
        state.progress = max(state.progress, self._fraction)
        state.message = self._message
        if state.lease:
            state.lease.until = lease_end()

    @abstractmethod
    def record(self) -> None:
        """Store progress and results; raises Cancelled, LeaseLost, NotFound."""

    def write(self) -> None:
        """Bring the stored document up to date now; raises as `tick`."""
        with self._lock:
            self._written_at = clock.now()
            try:
                self.record()
            except NotFound:
                raise Cancelled(self.job.id) from None

    def _renew_lease(self) -> None:
        period = settings().lease_sec / 3
        while not self._ended.wait(period):
            if clock.now() - self._written_at < timedelta(seconds=period):
                continue
            try:
                self.write()
            except (Cancelled, LeaseLost) as error:
                self._error = error
                return
            except Conflict:
                continue


class StageRun(LeasedRun[Job]):
    """An attempt at a whole stage; its results go into the job.

    Attributes:
        again: Set by the work when the stage is not done with it: it is set off once more instead of the next one.
    """

    repeat = False

    @property
    def attempts(self) -> int:
        return self.job.stages[self.stage].attempts

    def record(self) -> None:
        def update(job: Job) -> bool:
            self.check_held(job)
            self.apply_results(job)
            self.apply_progress(job.stages[self.stage])
            return True

        change_job(self.place.documents, self.job.id, update)

    def check_held(self, job: Job) -> None:
        """Raises Cancelled or LeaseLost when this attempt no longer holds its stage."""
        if job.status.is_final:
            raise Cancelled(job.id)
        self.check_lease(job.stages[self.stage])


def lease_end() -> datetime:
    return clock.now() + timedelta(seconds=settings().lease_sec)


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
    if is_out_of_memory(error):
        # A CPU-bound stage has the process to itself: the next attempt would need as much.
        return Failure(memory_error(run.stage), used_up or wiring().functions[run.stage].cpu_bound)
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
            "Submit a shorter or smaller file, or raise WORKER_MEMORY_MB."
        ),
        stage=stage,
        retryable=True,
    )


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
