"""Periodic tasks: the ticks that Cloud Scheduler publishes in the cloud, and local ones."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from shared.platform.ports import Bus
from shared.wiring import wiring

log = logging.getLogger(__name__)

PeriodicTask = tuple[float, Callable[[], object]]
"""Minutes between two runs, and the function to run."""


def tick_tasks(bus: Bus) -> list[PeriodicTask]:
    """The scheduled topics of the wiring."""
    return [
        (row.trigger.every_minutes, lambda topic=row.trigger.topic: bus.publish(topic, {}))  # type: ignore[misc]
        for row in wiring().functions.values()
        if row.trigger.every_minutes
    ]


class Scheduler:
    """Runs each task in its own thread while the context lasts, for the first time immediately."""

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
                # One bad run must not be the last: the next may go well.
                log.exception("a scheduled task failed")
            if self._stop_event.wait(minutes * 60):
                return
