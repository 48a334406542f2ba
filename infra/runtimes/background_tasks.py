"""Tasks beside the API: periodic ones, such as the ticks of Cloud Scheduler, and a check of media processing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.runtimes.process import end_with_parent
from shared.logs import PlainFormatter, configure_logging
from shared.media.self_check import find_faults, library_versions
from shared.platform.ports import Bus
from shared.wiring import wiring

log = logging.getLogger(__name__)
PeriodicTask = tuple[float, Callable[[], object]]
"""Minutes between two runs, and the function to run."""


def tick_tasks(bus: Bus) -> list[PeriodicTask]:
    """Return a task for each scheduled topic of the wiring table, which publishes to it."""
    return [
        (row.trigger.every_minutes, lambda topic=row.trigger.topic: bus.publish(topic, {}))  # type: ignore[misc]
        for row in wiring().functions.values()
        if row.trigger.every_minutes
    ]


class Scheduler:
    """Runs each task in its own thread while the context lasts, the first time immediately."""

    def __init__(self, tasks: Sequence[PeriodicTask]) -> None:
        self._tasks = tasks
        self._stop_event = threading.Event()

    def __enter__(self) -> Self:
        for task in self._tasks:
            threading.Thread(target=self._run, args=task, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_event.set()

    def _run(self, minutes: float, task: Callable[[], object]) -> None:
        while True:
            try:
                task()
            except Exception:
                # The next run may succeed.
                log.exception("a scheduled task failed")
            if self._stop_event.wait(minutes * 60):
                return


@contextmanager
def media_check(temporary: Path) -> Iterator[None]:
    """Check media processing in a background process that logs faults and ends with the context at the latest."""
    # Not in the server: broken libraries may crash their process, and working ones would stay in its memory.
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
        stdin=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(temporary)},
        start_new_session=True,
    )
    assert process.stdin  # noqa: S101 (it is a pipe)
    # Without a wait, the process would remain as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    try:
        yield
    finally:
        process.stdin.close()


def main() -> None:
    configure_logging(PlainFormatter(), logging.INFO)
    end_with_parent()
    # The server and its workers have priority.
    os.nice(10)
    for fault in find_faults():
        log.error(
            "videos cannot be processed on this machine: %s; installed: %s. To fix it, %s",
            fault,
            library_versions(),
            fault.advice,
        )
