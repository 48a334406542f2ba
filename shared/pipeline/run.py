"""One attempt at a piece of work: its lease, its progress, its workspace, the results it will leave."""

from __future__ import annotations

import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from shared import clock
from shared.errors import Cancelled, Conflict, LeaseLost, NotFound
from shared.models.job import Job, StageState
from shared.pipeline.jobs import change_job
from shared.platform.ports import Platform
from shared.settings import settings

WRITE_EVERY = timedelta(seconds=1)

D = TypeVar("D")


class Run(ABC, Generic[D]):
    """What work is given, and what its results are left in: a document of type `D`.

    Attributes:
        platform: The ports.
        job: The job as it was when the work was claimed.
        stage: The name of the stage.
        workspace: An empty folder that goes away with the attempt.
    """

    workspace: Path

    def __init__(self, platform: Platform, job: Job, stage: str, holder: str) -> None:
        self.platform = platform
        self.job = job
        self.stage = stage
        self.holder = holder
        self._folder = tempfile.TemporaryDirectory(prefix="clipwise-")
        self._results: list[Callable[[D], None]] = []
        self._fraction = 0.0
        self._message: str | None = None
        self._written = clock.now()
        self._trouble: Exception | None = None
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep_lease, name=f"lease-{stage}", daemon=True)

    def __enter__(self) -> Self:
        self.workspace = Path(self._folder.name)
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._keeper.join()
        self._folder.cleanup()

    def tick(self, fraction: float, message: str | None = None) -> None:
        """Tell how far the work is (0 to 1) and what it does; written to its document at most once a second.

        Raises:
            Cancelled: The job was cancelled or deleted; stop now.
            LeaseLost: Another delivery took over; stop now.
        """
        if self._trouble:
            raise self._trouble
        self._fraction = max(self._fraction, min(1.0, fraction))
        self._message = message or self._message
        if clock.now() - self._written >= WRITE_EVERY:
            self.write()

    def leave(self, change: Callable[[D], None], *, now: bool = False) -> None:
        """Add results to the document: with the next progress, or at once. `change` must bear being applied twice."""
        with self._guard:
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

    def show_progress(self, state: StageState) -> None:
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
        with self._guard:
            self._written = clock.now()
            try:
                self.record()
            except NotFound:
                raise Cancelled(self.job.id) from None

    def _keep_lease(self) -> None:
        period = settings().lease_sec / 3
        while not self._over.wait(period):
            if clock.now() - self._written < timedelta(seconds=period):
                continue
            try:
                self.write()
            except (Cancelled, LeaseLost) as trouble:
                self._trouble = trouble
                return
            except Conflict:
                continue


class StageRun(Run[Job]):
    """An attempt at a whole stage; its results go into the job.

    Attributes:
        again: Set by the work when the stage is not done with it: it is set off once more instead of the next one.
    """

    again = False

    @property
    def attempts(self) -> int:
        return self.job.stages[self.stage].attempts

    def record(self) -> None:
        def update(job: Job) -> bool:
            self.check(job)
            self.apply_results(job)
            self.show_progress(job.stages[self.stage])
            return True

        change_job(self.platform.documents, self.job.id, update)

    def check(self, job: Job) -> None:
        """Raises Cancelled or LeaseLost when this attempt no longer holds its stage."""
        if job.status.is_final:
            raise Cancelled(job.id)
        self.check_lease(job.stages[self.stage])


def lease_end() -> datetime:
    return clock.now() + timedelta(seconds=settings().lease_sec)
