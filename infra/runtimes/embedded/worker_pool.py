"""Starts the workers of the embedded server when deliveries wait, and records why one crashed."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.runtimes.background_tasks import Watchdog
from infra.runtimes.embedded.fork_server import ForkServer, end_group
from infra.runtimes.embedded.recovery import count_memory_kills, crash_reason, record_crash
from infra.runtimes.embedded.workers import POOLS, REINDEX, abandoned_functions, pool_functions, pool_of
from infra.runtimes.process import core_count
from shared.platform.embedded.lease_queue import Demand
from shared.platform.embedded.place import EmbeddedPlace

log = logging.getLogger(__name__)
RESTART_PAUSE_SEC = 1.0
CHECK_SEC = 5.0
"""How often the queue is read without a notification."""


@dataclass(frozen=True)
class _Process:
    """A worker process; its id is 0 from the request until it was started."""

    id: int = 0
    memory_kills: int = 0


class WorkerPool:
    """Starts workers while the context lasts: as many as deliveries wait, at most one per core and one for the others.

    Workers end with this process however it ends.
    """

    def __init__(self, temporary: Path, place: EmbeddedPlace) -> None:
        self._temporary = temporary
        self._place = place
        self._names = {"cpu": [f"cpu-{n}" for n in range(core_count())], "io": ["io-0"]}
        self._lock = threading.Lock()
        self._fork_server: ForkServer | None = None
        self._processes: dict[str, _Process] = {}
        self._room = threading.Event()
        self._restart_at = 0.0
        self._watchdog = Watchdog({"worker-starter": self._start_missing, "fork-server": self._follow_fork_server})

    def __enter__(self) -> Self:
        self._fork_server = ForkServer(self._temporary)
        self._watchdog.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._watchdog.stop_event.set()
            fork_server = self._fork_server
        self._end_processes()
        if fork_server:
            fork_server.end()
        self._announce_room()
        self._watchdog.join()

    def reindex(self) -> None:
        """Embed stored passages again after a change of this machine's model, in a process of its own."""
        self._start([REINDEX])

    def _start_missing(self) -> None:
        """Start workers for the deliveries that wait, then sleep until more may be needed."""
        self._watchdog.stop_event.wait(max(0, self._restart_at - time.monotonic()))
        self._room.clear()
        marker = self._place.queue.change_marker()
        demands = [self._start_for(pool, names) for pool in POOLS if (names := self._free_names(pool))]
        if demands:
            self._place.queue.wait_for_demand(marker, demands, CHECK_SEC)
        else:
            self._room.wait()

    def _start_for(self, pool: str, free_names: list[str]) -> Demand:
        functions = [row.name for row in pool_functions(pool)]
        demand = self._place.queue.demand(functions, abandoned_functions(pool), len(self._names[pool]))
        if demand.waiting:
            # A worker that was started a moment ago has claimed nothing yet.
            busy = self._place.queue.busy_processes()
            with self._lock:
                processes = [process for name, process in self._processes.items() if pool_of(name) == pool]
            idle = sum(process.id not in busy for process in processes)
            self._start(free_names[: max(0, demand.waiting - idle)])
        return demand

    def _free_names(self, pool: str) -> list[str]:
        with self._lock:
            return [name for name in self._names[pool] if name not in self._processes]

    def _start(self, names: list[str]) -> None:
        with self._lock:
            for name in names:
                if self._fork_server and name not in self._processes and not self._watchdog.stop_event.is_set():
                    self._processes[name] = _Process()
                    self._fork_server.start(name)

    def _follow_fork_server(self) -> None:
        """Note which workers start and end, until the fork server is killed from outside; its workers end with it."""
        with self._lock:
            if self._watchdog.stop_event.is_set():
                return
            fork_server = self._fork_server = self._fork_server or ForkServer(self._temporary)
        try:
            self._announce_room()
            for message in fork_server.messages:
                self._note(message)
        finally:
            with self._lock:
                self._fork_server = None
            fork_server.end()
            self._end_processes()
            for name in list(self._processes):
                self._note_end(name, -signal.SIGKILL)
        if not self._watchdog.stop_event.is_set():
            log.error("the process that starts workers ended; starting another")
            self._watchdog.stop_event.wait(RESTART_PAUSE_SEC)

    def _note(self, message: Mapping[str, Any]) -> None:
        name, process_id = message["worker"], message["pid"]
        if "code" in message:
            self._note_end(name, message["code"])
            return
        with self._lock:
            self._processes[name] = _Process(process_id, count_memory_kills())
            is_ending = self._watchdog.stop_event.is_set()
        if is_ending:
            end_group(process_id)

    def _note_end(self, name: str, code: int) -> None:
        with self._lock:
            process = self._processes.pop(name)
        if code and not self._watchdog.stop_event.is_set():
            log.error("the worker %s ended with code %s; starting another", name, code)
            self._restart_at = time.monotonic() + RESTART_PAUSE_SEC
            reason = crash_reason(code, out_of_memory=count_memory_kills() > process.memory_kills)
            try:
                record_crash(self._place, process.id, reason)
            except Exception:
                log.exception("the end of the worker %s was not recorded; its leases run out", name)
        self._announce_room()

    def _end_processes(self) -> None:
        with self._lock:
            processes = list(self._processes.values())
        for process in processes:
            if process.id:
                end_group(process.id)

    def _announce_room(self) -> None:
        self._room.set()
        self._place.queue.wake()
