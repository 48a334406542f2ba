"""One attempt at a stage or a part: its lease, progress, workspace and results."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from shared import clock
from shared.errors import (
    Cancelled,
    Conflict,
    LeaseLost,
    NotFound,
    is_disk_full,
)
from shared.models.job import Job, StageState
from shared.pipeline.jobs import change_job, read_job
from shared.pipeline.lease_keeper import Hold, lease_keeper
from shared.platform.documents import KnownDocument
from shared.platform.place import is_process_place
from shared.platform.ports import Place
from shared.settings import settings

log = logging.getLogger(__name__)
WRITE_EVERY = timedelta(seconds=1)
MIN_FREE_BYTES = 1 << 20
D = TypeVar("D")


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
