"""What the embedded place costs, as medians of one run: `python -m benchmarks.embedded_place`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from benchmarks.sizes import size
from shared import clock
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.settings import read_settings

JOB = {
    "owner": "a",
    "kind": "recipe",
    "status": "running",
    "createdAt": clock.now(),
    "wakeAt": None,
    "text": "x" * 20_000,
}
TOPIC = "video-requested"
TIMES = size(300, smoke=2)
DOCUMENTS, WAITING, WAKES = size((2000, 10_000, 60), smoke=(20, 10, 2))
WAIT_SEC = size(10, smoke=1)


def opened(folder: Path) -> EmbeddedPlace:
    return open_embedded_place(read_settings({"CLIPWISE_DATA": str(folder)}))


def median_ms(step: Callable[[], object], times: int = TIMES) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


def documents(place: EmbeddedPlace) -> None:
    store = place.place.documents
    for n in range(DOCUMENTS):
        store.put("jobs", f"{n}", JOB | {"createdAt": clock.now() + timedelta(seconds=n)})
    full = median_ms(lambda: store.put("jobs", "1", JOB))
    place.database.connection.execute("PRAGMA synchronous = NORMAL")
    normal = median_ms(lambda: store.put("jobs", "1", JOB))
    place.database.connection.execute("PRAGMA synchronous = FULL")
    print(f"write a 20 kB job: {full:.2f} ms synced at each commit, {normal:.2f} ms not: {full / normal:.1f} to 1")
    print(f"read it: {median_ms(lambda: store.get('jobs', '1')):.3f} ms")
    newest = median_ms(lambda: store.query("jobs", [("owner", "==", "a")], [("createdAt", "desc")], 20))
    print(f"the owner's 20 newest of {DOCUMENTS}: {newest:.2f} ms")


def queue(place: EmbeddedPlace) -> None:
    def once() -> None:
        place.place.bus.publish(TOPIC, {"n": 1})
        delivery = place.queue.claim(["download"])
        assert delivery
        place.queue.acknowledge(delivery)

    alone = median_ms(once)
    for n in range(WAITING):
        place.place.bus.publish("sweep-tick", {"n": n})
        place.place.bus.publish(TOPIC, {"n": n})
    behind = median_ms(once)
    print(
        f"publish, take, acknowledge: {alone:.2f} ms; with {2 * WAITING} waiting {behind:.2f} ms:"
        f" {behind / alone:.1f} to 1"
    )


LISTENER = """
import sys, time, pathlib
from benchmarks.embedded_place import opened
place = opened(pathlib.Path(sys.argv[1]))
print(flush=True)
while sys.stdin.readline():
    place.queue.wait_for_delivery(60, ["persist"])
    print(time.monotonic(), flush=True)
    delivery = place.queue.claim(["persist"])
    place.queue.acknowledge(delivery)
"""


def wake(place: EmbeddedPlace, folder: Path) -> None:
    """How soon a waiting process hears of a message, and what waiting costs."""
    command = [sys.executable, "-c", LISTENER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdin
        assert listener.stdout
        listener.stdout.readline()
        taken = []
        for n in range(WAKES):
            listener.stdin.write("\n")
            listener.stdin.flush()
            time.sleep(0.1 + 0.0013 * n)
            start = time.monotonic()
            place.place.bus.publish("analysis-completed", {})
            taken.append(float(listener.stdout.readline()) - start)
        middle, worst = statistics.median(taken) * 1000, max(taken) * 1000
        print(f"a waiting process wakes after {middle:.0f} ms, at most {worst:.0f} ms")
        listener.stdin.close()
    start = os.times()
    place.queue.wait_for_delivery(WAIT_SEC, ["persist"])
    end = os.times()
    used = end.user + end.system - start.user - start.system
    print(f"waiting takes {used / WAIT_SEC:.2%} of a core")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        place = opened(data)
        wake(place, data)
        documents(place)
        queue(place)


if __name__ == "__main__":
    main()
