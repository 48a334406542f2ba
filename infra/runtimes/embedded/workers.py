"""Worker processes, which call functions with queued events: one per core for CPU-bound functions, one for the others.

`fork_server` starts them while there is work; they end when there has been none for `WORKER_IDLE_SEC`.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra.runtimes.background_tasks import FIRST_PAUSE_SEC, LONGEST_PAUSE_SEC
from infra.runtimes.embedded.recovery import TIMEOUT_EXIT_CODE
from infra.runtimes.process import end_with_parent
from shared.errors import RetryLater
from shared.logs import PlainFormatter, configure_logging
from shared.pipeline.lease_keeper import lease_keeper
from shared.platform.embedded.bus import EventDelivery, to_cloud_event
from shared.platform.embedded.lease_queue import LeaseQueue
from shared.platform.embedded.place import open_embedded_place
from shared.platform.memory import limit_memory
from shared.settings import settings
from shared.telemetry.metrics import count_as
from shared.telemetry.spans import is_enabled
from shared.wiring import CRAWL, DOWNLOAD, EXTRACT, NOTIFY, PERSIST, Function, wiring

log = logging.getLogger(__name__)
POOLS = ("cpu", "io")
IO_SLOTS = 12
WAITING_BY_SLOT = (DOWNLOAD, CRAWL, NOTIFY, DOWNLOAD, CRAWL, None)
"""The function of a slot that waits for servers which users name, for each slot in turn."""
SLOTS = {"cpu": 1, "io": IO_SLOTS}
"""How many functions a worker of each pool runs at once."""
REINDEX = "reindex"
"""The name of the worker that embeds stored passages again after a change of this machine's model."""
FOLLOWING = {EXTRACT: PERSIST}
"""Functions that follow one on the same worker. After `analyze`, `persist` may need the model of embeddings, whose
process each worker would start for itself."""
LEASE_SEC = 10.0


class Worker:
    """Claims deliveries as long as it has a free slot, and calls their functions in threads, one for each slot.

    Args:
        slots: The names of the functions that each slot runs.
        abandoned: Names of the functions whose deliveries it takes over from workers that crashed.
    """

    def __init__(self, queue: LeaseQueue, slots: Sequence[Sequence[str]], abandoned: Sequence[str]) -> None:
        self._queue = queue
        self._abandoned = abandoned
        self._lock = threading.Lock()
        # Those that run the fewest functions come first, so that the others stay free for what only they run.
        self._free_slots = sorted(slots, key=len)
        self._slot_count = len(slots)
        self._freed = threading.Event()
        self._threads = ThreadPoolExecutor(len(slots), thread_name_prefix="slot")

    def run(self, idle_sec: float) -> None:
        """Work until nothing has come for `idle_sec`."""
        pause_sec = FIRST_PAUSE_SEC
        is_working = True
        while is_working:
            try:
                is_working = self._claim_next(idle_sec)
            except Exception:
                log.exception("no delivery could be claimed; trying again in %.0f s", pause_sec)
                time.sleep(pause_sec)
                pause_sec = min(2 * pause_sec, LONGEST_PAUSE_SEC)
            else:
                pause_sec = FIRST_PAUSE_SEC

    def _claim_next(self, idle_sec: float) -> bool:
        """Start on the next delivery, or wait for one; return False if there was nothing to do for `idle_sec`."""
        self._freed.clear()
        with self._lock:
            names = list(dict.fromkeys(name for slot in self._free_slots for name in slot))
            is_idle = len(self._free_slots) == self._slot_count
        if not names:
            self._freed.wait()
            return True
        delivery = self._queue.claim(names, LEASE_SEC, self._abandoned)
        if delivery:
            self._start(delivery)
            return True
        return self._queue.wait_for_delivery(idle_sec, names, self._abandoned) or not is_idle

    def _start(self, delivery: EventDelivery) -> None:
        with self._lock:
            # What a worker with one slot takes over may be of any function.
            slot = next((slot for slot in self._free_slots if delivery.function in slot), self._free_slots[0])
            self._free_slots.remove(slot)
        try:
            self._threads.submit(self._run_slot, slot, delivery)
        except RuntimeError:
            # The system starts no more threads at the moment.
            self._queue.refuse(delivery)
            self._free(slot)
            raise

    def _run_slot(self, slot: Sequence[str], delivery: EventDelivery) -> None:
        try:
            handle_delivery(self._queue, delivery)
        except Exception:
            log.exception("the outcome of delivery %s was not recorded; it comes again", delivery.id)
        finally:
            self._free(slot)

    def _free(self, slot: Sequence[str]) -> None:
        with self._lock:
            self._free_slots = sorted([*self._free_slots, slot], key=len)
        self._freed.set()
        self._queue.wake()


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


def handle_delivery(queue: LeaseQueue, delivery: EventDelivery) -> None:
    """Call the function, and then the one that follows on the same worker, if any."""
    with queue.handing_over(FOLLOWING.get(delivery.function), LEASE_SEC) as handover:
        call_function(queue, delivery)
    if following := queue.handed_over(handover):
        call_function(queue, following)


def call_function(queue: LeaseQueue, delivery: EventDelivery) -> None:
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


def run_worker(name: str) -> None:
    """Do the work of a worker in this process. Its name is that of its pool with a number, or REINDEX."""
    configure_logging(PlainFormatter(), logging.INFO)
    limit_memory(settings().worker_memory_mb)
    if name != REINDEX:
        lease_keeper().fork()
    end_with_parent()
    count_as(name)
    place = open_embedded_place(settings())
    if name == REINDEX:
        from shared.chat.reindex import reindex_in_background

        reindex_in_background(place.place.documents)
        return
    pool = pool_of(name)
    if pool == "cpu":
        # The API and the short stages have priority.
        os.nice(5)
    functions = pool_functions(pool)
    slots = [slot_functions(functions, slot) for slot in range(SLOTS[pool])]
    Worker(place.queue, slots, abandoned_functions(pool)).run(settings().worker_idle_sec)
    if is_enabled():
        from shared.telemetry import otlp

        # Metrics are sent every minute, and this process ends earlier.
        otlp.flush()


def pool_of(name: str) -> str:
    return name.partition("-")[0]


def abandoned_functions(pool: str) -> list[str]:
    """Return the functions whose deliveries a worker takes over from one that crashed.

    Such a delivery runs where nothing else does, so that a second crash has only one possible cause.
    """
    return [row.name for pool in POOLS for row in pool_functions(pool)] if SLOTS[pool] == 1 else []
