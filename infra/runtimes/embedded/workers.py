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
class Post:
    """One worker process to keep filled."""

    pool: str
    slots: int


def posts() -> list[Post]:
    return [Post("cpu", 1)] * (os.cpu_count() or 1) + [Post("io", IO_SLOTS)]


class Workers:
    """Keeps all worker processes running while the context lasts, and replaces those that exit.

    Workers end with this process however it ends: they see their standard input close.
    """

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary
        self._over = threading.Event()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._keepers = [threading.Thread(target=self._keep, args=(post,), daemon=True) for post in posts()]

    def __enter__(self) -> Self:
        for keeper in self._keepers:
            keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._over.set()
            for process in self._processes:
                process.kill()
        for keeper in self._keepers:
            keeper.join()

    def _keep(self, post: Post) -> None:
        while (process := self._start(post)) is not None:
            code = process.wait()
            with self._guard:
                self._processes.discard(process)
            if process.stdin:
                process.stdin.close()
            if not self._over.is_set():
                log.error("a %s worker ended with code %s; starting another", post.pool, code)
            self._over.wait(RESTART_PAUSE_SEC)

    def _start(self, post: Post) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._over.is_set():
                return None
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "infra.runtimes.embedded.worker", post.pool, str(post.slots)],
                stdin=subprocess.PIPE,
                env=os.environ | {"TMPDIR": str(self._temporary)},
                start_new_session=True,
            )
            self._processes.add(process)
            return process
