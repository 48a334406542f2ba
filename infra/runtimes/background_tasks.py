"""Tasks beside the API: periodic ones, such as the ticks of Cloud Scheduler, and a check of media processing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.runtimes.process import end_with_parent
from shared.logs import PlainFormatter, configure_logging
from shared.media.self_check import find_faults, library_versions
from shared.platform.ports import Bus, Documents
from shared.wiring import wiring

log = logging.getLogger(__name__)
CHECK_SEC = 1.0
REINDEX_MINUTES = 60
"""Minutes between two looks whether passages have vectors of another model."""
FIRST_PAUSE_SEC, LONGEST_PAUSE_SEC = 1.0, 30.0
PeriodicTask = tuple[float, Callable[[], object]]
"""Minutes between two runs, and the function to run."""


def tick_tasks(bus: Bus) -> list[PeriodicTask]:
    """Return a task for each scheduled topic of the wiring table, which publishes to it."""
    return [
        (row.trigger.every_minutes, lambda topic=row.trigger.topic: bus.publish(topic, {}))  # type: ignore[misc]
        for row in wiring().functions.values()
        if row.trigger.every_minutes
    ]


def reindex_task(documents: Documents) -> PeriodicTask:
    """Return the task that embeds stored passages again after a change of this machine's model."""
    # Only where it is needed: the server itself never searches.
    from shared.chat.reindex import reindex_in_background

    return REINDEX_MINUTES, partial(reindex_in_background, documents)


class Watchdog:
    """Calls functions again and again, each in a thread of its own, while the context lasts.

    After one that raises there is a pause, which doubles up to half a minute. A thread that is gone is replaced.
    """

    def __init__(self, tasks: Mapping[str, Callable[[], object]], check_sec: float = CHECK_SEC) -> None:
        self.stop_event = threading.Event()
        self._tasks = dict(tasks)
        self._check_sec = check_sec
        self._threads: dict[str, threading.Thread] = {}
        self._watcher = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        for name in self._tasks:
            self._start(name)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_event.set()

    def join(self) -> None:
        """Wait until all threads have ended."""
        for thread in (self._watcher, *self._threads.values()):
            thread.join()

    def _start(self, name: str) -> None:
        self._threads[name] = threading.Thread(target=self._repeat, args=(name,), name=name, daemon=True)
        self._threads[name].start()

    def _watch(self) -> None:
        while not self.stop_event.wait(self._check_sec):
            for name in [name for name, thread in self._threads.items() if not thread.is_alive()]:
                log.error("the thread %s ended; starting another", name)
                try:
                    self._start(name)
                except RuntimeError:
                    # No thread can be started now; the next round tries again.
                    log.exception("the thread %s was not started", name)

    def _repeat(self, name: str) -> None:
        pause = FIRST_PAUSE_SEC
        while not self.stop_event.is_set():
            try:
                self._tasks[name]()
            except Exception:
                log.exception("%s failed; trying again in %.0f s", name, pause)
                self.stop_event.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SEC)
            else:
                pause = FIRST_PAUSE_SEC


class Scheduler(Watchdog):
    """Runs each task periodically while the context lasts, the first time immediately."""

    def __init__(self, tasks: Sequence[PeriodicTask]) -> None:
        super().__init__({f"schedule-{number}": partial(self._run, *task) for number, task in enumerate(tasks)})

    def _run(self, minutes: float, task: Callable[[], object]) -> None:
        task()
        self.stop_event.wait(minutes * 60)


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
