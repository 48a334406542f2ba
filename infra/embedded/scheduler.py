"""The embedded place's scheduler: publishes the ticks that Cloud Scheduler publishes in the cloud."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from shared.pipeline.wiring import Function, wiring
from shared.platform.ports import Bus


class Scheduler:
    """One thread per scheduled function; the first tick comes at once."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._over = threading.Event()

    def __enter__(self) -> Self:
        for function in wiring().functions.values():
            if function.trigger.every_minutes:
                threading.Thread(target=self._tick, args=(function,), name=f"tick-{function.name}", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _tick(self, function: Function) -> None:
        while True:
            self._bus.publish(function.trigger.topic or "", {})
            if self._over.wait((function.trigger.every_minutes or 1) * 60):
                return
