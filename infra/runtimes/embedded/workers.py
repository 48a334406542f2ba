"""The worker processes: one per core for CPU-bound functions, one with several threads for the others."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

IO_SLOTS = 8
RESTART_PAUSE_SEC = 1.0


@dataclass(frozen=True)
class WorkerSpec:
    """One worker process to keep filled."""

    pool: str
    slots: int


def worker_specs() -> list[WorkerSpec]:
    return [WorkerSpec("cpu", 1)] * (os.cpu_count() or 1) + [WorkerSpec("io", IO_SLOTS)]


class WorkerPool:
    """Keeps all worker processes running while the context lasts, and replaces those that exit.

    Workers end with this process however it ends: they see their standard input close.
    """

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary
        self._stop_event = threading.Event()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._supervisors = [
            threading.Thread(target=self._supervise, args=(spec,), daemon=True) for spec in worker_specs()
        ]

    def __enter__(self) -> Self:
        for supervisor in self._supervisors:
            supervisor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._stop_event.set()
            for process in self._processes:
                process.kill()
        for supervisor in self._supervisors:
            supervisor.join()

    def _supervise(self, spec: WorkerSpec) -> None:
        while (process := self._start_process(spec)) is not None:
            code = process.wait()
            with self._lock:
                self._processes.discard(process)
            if process.stdin:
                process.stdin.close()
            if not self._stop_event.is_set():
                log.error("a %s worker ended with code %s; starting another", spec.pool, code)
            self._stop_event.wait(RESTART_PAUSE_SEC)

    def _start_process(self, spec: WorkerSpec) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stop_event.is_set():
                return None
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "infra.runtimes.embedded.worker", spec.pool, str(spec.slots)],
                stdin=subprocess.PIPE,
                env=os.environ | {"TMPDIR": str(self._temporary)},
                start_new_session=True,
            )
            self._processes.add(process)
            return process
