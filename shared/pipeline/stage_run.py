"""One attempt at a stage or a part: its lease, progress, workspace and results, and what its failure means."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from shared import clock
from shared.errors import (
    PROGRAMMING_ERRORS,
    STORAGE_FULL,
    Cancelled,
    ClipwiseError,
    Conflict,
    LeaseLost,
    NotFound,
    PermanentError,
    StorageUnavailable,
    is_disk_full,
    new_incident_id,
)
from shared.logs import log_context
from shared.models.job import Job, JobError, StageState
from shared.pipeline.jobs import change_job, read_job
from shared.pipeline.lease_keeper import Hold, lease_keeper
from shared.platform.documents import KnownDocument
from shared.platform.place import is_process_place
from shared.platform.ports import Place
from shared.settings import settings
from shared.wiring import DOWNLOAD, EXTRACT, wiring

log = logging.getLogger(__name__)
WRITE_EVERY = timedelta(seconds=1)
FIRST_PAUSE_SEC, LONGEST_PAUSE_SEC = 1.0, 30.0
MIN_FREE_BYTES = 1 << 20
_OPENCV_NO_MEMORY = -4  # cv2.Error.StsNoMem
D = TypeVar("D")
T = TypeVar("T")


class LeasedRun(ABC, Generic[D]):
    """An attempt under a lease, whose progress and results go into a document of type `D`.

    Attributes:
        place: The ports.
        job: The job as it was when the work was claimed.
        stage: The name of the stage.
        known: The document of the results as this attempt last wrote it.
        workspace: An empty folder that is deleted with the attempt.
        is_disk_full: Whether that is why the attempt failed.
        ended_by: The exception that ended the work.
    """

    workspace: Path
    is_disk_full = False
    ended_by: BaseException | None = None

    def __init__(self, place: Place, job: Job, stage: str, holder: str, known: KnownDocument) -> None:
        self.place = place
        self.job = job
        self.stage = stage
        self.holder = holder
        self.known = known
        self._folder = tempfile.TemporaryDirectory(prefix="clipwise-")
        self._results: list[Callable[[D], None]] = []
        self._fraction = 0.0
        self._message: str | None = None
        self._written_at = self._checked_at = clock.steady_now()
        self._written: tuple[int, str | None, int] = (0, None, 0)
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._keeping = ExitStack()
        self._ended = threading.Event()
        self._lease_thread = threading.Thread(target=self._renew_lease, name=f"lease-{stage}", daemon=True)

    def __enter__(self) -> Self:
        self.workspace = Path(self._folder.name)
        if is_process_place(self.place):
            self._keeping.enter_context(lease_keeper().holding(self.hold))
        self._lease_thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended_by = error
        # In the cloud, the temporary folder is memory, which does not get more by waiting.
        self.is_disk_full = settings().clipwise_place == "embedded" and (
            is_disk_full(error) or (error is not None and shutil.disk_usage(self.workspace).free < MIN_FREE_BYTES)
        )
        self._ended.set()
        self._lease_thread.join()
        self._keeping.close()
        self._folder.cleanup()

    def tick(self, fraction: float, message: str | None = None) -> None:
        """Report progress (0 to 1) and the current activity.

        At most once a second, the document is written if there is something new, and else only read.

        Raises:
            Cancelled: The job was cancelled or deleted; stop now.
            LeaseLost: Another delivery holds the lease; stop now.
        """
        if self._error:
            raise self._error
        self._fraction = max(self._fraction, min(1.0, fraction))
        self._message = message or self._message
        if clock.steady_now() - self._checked_at < WRITE_EVERY:
            return
        if self._news() == self._written:
            self._check()
        else:
            self.write()

    def add_result(self, change: Callable[[D], None], *, now: bool = False) -> None:
        """Add results to the document: with the next progress, or now. `change` may be applied twice."""
        with self._lock:
            self._results.append(change)
        if now:
            self.write()

    @property
    @abstractmethod
    def attempts(self) -> int:
        """Number of attempts, this one included."""

    @property
    @abstractmethod
    def hold(self) -> Hold:
        """The lease, for the process that renews it while this one is busy."""

    def apply_results(self, document: D) -> None:
        for change in list(self._results):
            change(document)

    def check_lease(self, state: StageState) -> None:
        """Raises LeaseLost if another delivery holds the lease."""
        if state.lease is None or state.lease.holder != self.holder:
            raise LeaseLost(f"{self.stage} of {self.job.id}")

    def apply_progress(self, state: StageState) -> None:
        """Copy the progress and extend the lease."""
        state.progress = max(state.progress, self._fraction)
        state.message = self._message
        if state.lease:
            state.lease.until = lease_end()

    @abstractmethod
    def record(self) -> None:
        """Store progress and results; raises Cancelled, LeaseLost, NotFound."""

    @abstractmethod
    def check(self) -> None:
        """Read whether the work is still wanted; raises Cancelled, LeaseLost."""

    def write(self) -> None:
        """Store progress and results now; raises as `tick`."""
        with self._lock:
            self._written_at = self._checked_at = clock.steady_now()
            self._written = self._news()
            try:
                self.record()
            except NotFound:
                raise Cancelled(self.job.id) from None

    def _check(self) -> None:
        with self._lock:
            self._checked_at = clock.steady_now()
            self.check()

    def _news(self) -> tuple[int, str | None, int]:
        """Return what a client would see: percent, activity, number of results."""
        return int(100 * self._fraction), self._message, len(self._results)

    def _renew_lease(self) -> None:
        period = settings().lease_sec / 3
        while not self._ended.wait(period):
            try:
                if is_process_place(self.place):
                    lease_keeper().ensure_running()
                if clock.steady_now() - self._written_at >= timedelta(seconds=period):
                    self.write()
            except (Cancelled, LeaseLost) as error:
                self._error = error
                return
            except Conflict:
                continue
            except Exception:
                # The next round may succeed; until then the keeper holds the lease.
                log.exception("the progress of job %s was not written; trying again", self.job.id)


class StageRun(LeasedRun[Job]):
    """An attempt at a whole stage; its results go into the job.

    Attributes:
        repeat: Set by the work if the stage is not done: it is triggered again instead of the next one.
    """

    repeat = False

    @property
    def attempts(self) -> int:
        return self.job.stages[self.stage].attempts

    @property
    def hold(self) -> Hold:
        return Hold(self.job.id, self.stage, None, self.holder)

    def record(self) -> None:
        def update(job: Job) -> bool:
            self.check_held(job)
            self.apply_results(job)
            self.apply_progress(job.stages[self.stage])
            return True

        change_job(self.place.documents, self.job.id, update, self.known)

    def check(self) -> None:
        job = read_job(self.place.documents, self.job.id, self.known)
        if job is None:
            raise Cancelled(self.job.id)
        self.check_held(job)

    def check_held(self, job: Job) -> None:
        """Raises Cancelled or LeaseLost if this attempt no longer holds its stage."""
        if job.status.is_final:
            raise Cancelled(job.id)
        self.check_lease(job.stages[self.stage])


def new_holder() -> str:
    """Return an id for the holder of a lease, which begins with its process; see `is_held_by`."""
    return f"{os.getpid()}-{uuid.uuid4().hex}"


def is_held_by(state: StageState, process_id: int) -> bool:
    """Return True if a process of this machine leased the stage or part."""
    return state.lease is not None and state.lease.holder.startswith(f"{process_id}-")


def lease_end() -> datetime:
    return clock.steady_now() + timedelta(seconds=settings().lease_sec)


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
