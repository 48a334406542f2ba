"""Worker processes, which call functions with queued events: one per core for CPU-bound functions, one for the others.

A worker is started as `python -m infra.runtimes.embedded.workers POOL SLOTS`.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.runtimes.background_tasks import PeriodicTask, Scheduler, Watchdog, reindex_task
from infra.runtimes.embedded.recovery import TIMEOUT_EXIT_CODE, count_memory_kills, crash_reason, record_crash
from infra.runtimes.process import end_with_parent
from shared.errors import RetryLater
from shared.logs import PlainFormatter, configure_logging
from shared.platform.embedded.bus import EventDelivery, to_cloud_event
from shared.platform.embedded.lease_queue import LeaseQueue
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.memory import limit_memory
from shared.settings import settings
from shared.wiring import CRAWL, DOWNLOAD, NOTIFY, Function, wiring

log = logging.getLogger(__name__)
POOLS = ("cpu", "io")
IO_SLOTS = 12
WAITING_BY_SLOT = (DOWNLOAD, CRAWL, NOTIFY, DOWNLOAD, CRAWL, None)
"""The function of a slot that waits for servers which users name, for each slot in turn."""
RESTART_PAUSE_SEC = 1.0
LEASE_SEC = 10.0
IDLE_SEC = 5.0


@dataclass(frozen=True)
class WorkerSpec:
    """A worker process: its pool, and how many functions it runs at once."""

    pool: str
    slots: int


def worker_specs() -> list[WorkerSpec]:
    return [WorkerSpec("cpu", 1)] * (os.cpu_count() or 1) + [WorkerSpec("io", IO_SLOTS)]


class WorkerPool:
    """Keeps all worker processes running while the context lasts, and replaces those that exit.

    Workers end with this process however it ends, because their standard input closes.
    """

    def __init__(self, temporary: Path, place: EmbeddedPlace) -> None:
        self._temporary = temporary
        self._place = place
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._watchdog = Watchdog(
            {f"{spec.pool}-worker-{n}": partial(self._supervise, spec) for n, spec in enumerate(worker_specs())}
        )

    def __enter__(self) -> Self:
        self._watchdog.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._watchdog.stop_event.set()
            for process in self._processes:
                process.kill()
        self._watchdog.join()

    def _supervise(self, spec: WorkerSpec) -> None:
        """Run a worker process until it exits; after a crash, record the reason in the jobs that it held."""
        memory_kills = count_memory_kills()
        process = self._start_process(spec)
        if process is None:
            return
        code = process.wait()
        with self._lock:
            self._processes.discard(process)
        if process.stdin:
            process.stdin.close()
        # Programs that the worker started would go on without it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if not self._watchdog.stop_event.is_set():
            log.error("a %s worker ended with code %s; starting another", spec.pool, code)
            reason = crash_reason(code, out_of_memory=count_memory_kills() > memory_kills)
            record_crash(self._place, process.pid, reason)
        self._watchdog.stop_event.wait(RESTART_PAUSE_SEC)

    def _start_process(self, spec: WorkerSpec) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._watchdog.stop_event.is_set():
                return None
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "infra.runtimes.embedded.workers", spec.pool, str(spec.slots)],
                stdin=subprocess.PIPE,
                env=os.environ | {"TMPDIR": str(self._temporary)},
                start_new_session=True,
            )
            self._processes.add(process)
            return process


def pool_functions(name: str) -> list[Function]:
    """Return the functions that the workers of a pool call."""
    listeners = [row for row in wiring().functions.values() if row.trigger.topic or row.trigger.bucket]
    return [row for row in listeners if row.cpu_bound == (name == "cpu")]


def slot_functions(functions: list[Function], slot: int) -> list[str]:
    """Return the names of the functions that a slot runs.

    Functions that wait for servers which users name, for minutes if they are slow, have slots of their own. So none of
    them holds up another, or the functions that end jobs.
    """
    waiting = set(WAITING_BY_SLOT) - {WAITING_BY_SLOT[slot % len(WAITING_BY_SLOT)]}
    return [row.name for row in functions if row.name not in waiting]


def load_function(name: str) -> Callable[[Any], Any]:
    """Return the function's entry point, the same as functions-framework calls."""
    entry: Callable[[Any], Any] = getattr(importlib.import_module(f"functions.{name}.main"), name)
    return entry


def process_next(queue: LeaseQueue, names: list[str], abandoned: list[str]) -> None:
    delivery = queue.claim(names, LEASE_SEC, abandoned)
    if delivery is None:
        queue.wait_for_delivery(IDLE_SEC, names, abandoned)
    else:
        handle_delivery(queue, delivery)


def handle_delivery(queue: LeaseQueue, delivery: EventDelivery) -> None:
    """Call the function; acknowledge the delivery if it returns, reject it if it raises."""
    stop_event = threading.Event()
    lease_thread = threading.Thread(target=renew_lease, args=(queue, delivery, stop_event), daemon=True)
    lease_thread.start()
    try:
        load_function(delivery.function)(to_cloud_event(delivery))
    except RetryLater:
        queue.refuse(delivery)
    except Exception:
        log.exception("%s refused delivery %s", delivery.function, delivery.id)
        queue.refuse(delivery)
    else:
        queue.acknowledge(delivery)
    finally:
        stop_event.set()
        lease_thread.join()


def renew_lease(queue: LeaseQueue, delivery: EventDelivery, stop_event: threading.Event) -> None:
    """Renew the delivery's lease while the function runs; end the process after its timeout, as the cloud does."""
    deadline = time.monotonic() + wiring().functions[delivery.function].timeout_sec
    while not stop_event.wait(LEASE_SEC / 3):
        if time.monotonic() > deadline:
            log.error("%s ran past its timeout with delivery %s", delivery.function, delivery.id)
            os._exit(TIMEOUT_EXIT_CODE)
        try:
            queue.extend_lease(delivery, LEASE_SEC)
        except Exception:
            # If it ends, the delivery comes once more and finds that its stage is leased or done.
            log.exception("the lease of delivery %s was not renewed; trying again", delivery.id)


def main(pool_name: str, slots: int) -> None:
    """Run a worker until its standard input closes."""
    configure_logging(PlainFormatter(), logging.INFO)
    faulthandler.enable()
    end_with_parent()
    limit_memory(settings().worker_memory_mb)
    functions = pool_functions(pool_name)
    if pool_name == "cpu":
        # The API and the short stages have priority.
        os.nice(5)
    place = open_embedded_place(settings())
    # What may have crashed a worker runs where nothing else does, so that a second crash has only one possible cause.
    abandoned = [row.name for pool in POOLS for row in pool_functions(pool)] if slots == 1 else []
    slot_tasks = {
        f"{pool_name}-slot-{n}": partial(process_next, place.queue, slot_functions(functions, n), abandoned)
        for n in range(slots)
    }
    tasks: list[PeriodicTask] = []
    if pool_name == "io":
        tasks.append(reindex_task(place.place.documents))
    with Scheduler(tasks), Watchdog(slot_tasks) as watchdog:
        watchdog.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
