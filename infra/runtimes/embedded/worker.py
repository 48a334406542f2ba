"""A worker process: takes deliveries from the queue and calls functions with the same events as in the cloud."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from infra.runtimes.embedded.parent import end_with_parent
from shared.errors import NotNow
from shared.logs import PlainFormatter, configure
from shared.platform.embedded.place import open_embedded
from shared.platform.embedded.queue.deliveries import Delivery, as_cloud_event
from shared.platform.embedded.queue.lease_queue import Queue
from shared.settings import settings
from shared.wiring import Function, wiring

log = logging.getLogger(__name__)

LEASE_SEC = 10.0
IDLE_SEC = 5.0
TIMEOUT_EXIT_CODE = 70
"""Exit code of a worker that ended itself because a function exceeded its timeout."""


def pool_functions(name: str) -> list[Function]:
    """The functions that the workers of a pool serve."""
    listening = [row for row in wiring().functions.values() if row.trigger.topic or row.trigger.bucket]
    return [row for row in listening if row.cpu_bound == (name == "cpu")]


def load_function(name: str) -> Callable[[Any], Any]:
    """Return the function's entry point, as functions-framework would find it."""
    entry: Callable[[Any], Any] = getattr(importlib.import_module(f"functions.{name}.main"), name)
    return entry


def process_deliveries(queue: Queue, names: list[str]) -> None:
    while True:
        delivery = queue.take(names, LEASE_SEC)
        if delivery is None:
            queue.wait(IDLE_SEC, names)
        else:
            handle_delivery(queue, delivery)


def handle_delivery(queue: Queue, delivery: Delivery) -> None:
    """Call the function; acknowledge the delivery if it returns, reject it if it raises."""
    stop_event = threading.Event()
    lease_thread = threading.Thread(target=renew_lease, args=(queue, delivery, stop_event), daemon=True)
    lease_thread.start()
    try:
        load_function(delivery.function)(as_cloud_event(delivery))
    except NotNow:
        queue.refuse(delivery)
    except Exception:
        log.exception("%s refused delivery %s", delivery.function, delivery.id)
        queue.refuse(delivery)
    else:
        queue.acknowledge(delivery)
    finally:
        stop_event.set()
        lease_thread.join()


def renew_lease(queue: Queue, delivery: Delivery, stop_event: threading.Event) -> None:
    """Renew the delivery's lease while the function runs; end the process after its timeout, as the cloud does."""
    deadline = time.monotonic() + wiring().functions[delivery.function].timeout_sec
    while not stop_event.wait(LEASE_SEC / 3):
        if time.monotonic() > deadline:
            log.error("%s ran past its timeout with delivery %s", delivery.function, delivery.id)
            os._exit(TIMEOUT_EXIT_CODE)
        queue.extend(delivery, LEASE_SEC)


def main(pool_name: str, slots: int) -> None:
    configure(PlainFormatter(), logging.INFO)
    end_with_parent()
    functions = pool_functions(pool_name)
    if pool_name == "cpu":
        # The API and the short stages come first.
        os.nice(5)
    queue = open_embedded(settings()).queue
    names = [row.name for row in functions]
    threads = [threading.Thread(target=process_deliveries, args=(queue, names), daemon=True) for _ in range(slots - 1)]
    for thread in threads:
        thread.start()
    process_deliveries(queue, names)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
