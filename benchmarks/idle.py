"""What `clipwise up` uses with nothing to do, beside an idle Celery worker with Redis and FastAPI, at the same time.

    python -m benchmarks.idle

Measured over a whole minute, in which the schedules tick once, after the processes of the start have ended. Memory is
the sum over all processes: RSS counts shared pages in each of them, PSS once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.celery_rival import celery_service, missing_parts
from benchmarks.goals import Goal, Row
from benchmarks.processes import cpu_seconds, memory_mb, process_uses
from benchmarks.sizes import IS_SMOKE, size
from tests.server import descendants, eventually, serving

WINDOW_SEC = size(60.0, smoke=0.2)
ROUNDS = size(3, smoke=1)
SETTLED = 2
"""Processes of an idle server."""
RIVAL = "FastAPI, Celery, Redis"


@dataclass(frozen=True)
class Idle:
    """What the processes of a service use.

    Attributes:
        shares: CPU time per elapsed time, of each window, in percent of a core.
        rss_mb: The largest sum at the end of a window.
    """

    processes: int
    shares: Sequence[float]
    rss_mb: float
    pss_mb: float

    def __str__(self) -> str:
        share = sum(self.shares) / len(self.shares)
        return (
            f"{share:.2f} % of a core; {self.processes} processes, RSS {self.rss_mb:.0f} MB, PSS {self.pss_mb:.0f} MB"
        )


def measure(services: dict[str, Sequence[int]], rounds: int) -> dict[str, Idle]:
    """Measure services, each known by its processes, in the same windows."""
    shares: dict[str, list[float]] = {name: [] for name in services}
    memory: dict[str, list[tuple[float, float]]] = {name: [] for name in services}
    for _ in range(rounds):
        before = {name: sum(map(cpu_seconds, pids)) for name, pids in services.items()}
        start = time.monotonic()
        time.sleep(WINDOW_SEC)
        for name, pids in services.items():
            used = sum(map(cpu_seconds, pids)) - before[name]
            shares[name].append(100 * used / (time.monotonic() - start))
            rss = sum(use.rss_mb for pid in pids for use in process_uses(pid))
            memory[name].append((rss, sum(map(memory_mb, pids))))
    return {
        name: Idle(sum(1 + len(descendants(pid)) for pid in pids), shares[name], *max(memory[name]))
        for name, pids in services.items()
    }


def measure_side_by_side(rounds: int) -> dict[str, Idle]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environ = {"WORKER_IDLE_SEC": "0.2"} if IS_SMOKE else {}
        server = stack.enter_context(serving(Path(folder) / "data", **environ))
        services: dict[str, Sequence[int]] = {"clipwise": [server.pid]}
        if not missing_parts():
            services[RIVAL] = stack.enter_context(celery_service(Path(folder) / "celery")).pids
        eventually(lambda: len(descendants(server.pid)) + 1 <= SETTLED, pause=0.5)
        return measure(services, rounds)


def rows() -> Iterator[Row]:
    figures = measure_side_by_side(1)
    ours, rival = figures["clipwise"], figures.get(RIVAL)
    beside = f"; beside it {rival}" if rival else ""
    name = RIVAL if rival else ""
    yield Row("idle `clipwise up`, CPU", name, f"{ours}{beside}", ours.shares[0], Goal("≤", 0.3, "% of a core"))
    yield Row("idle `clipwise up`, memory", name, f"RSS {ours.rss_mb:.0f} MB", ours.rss_mb, Goal("≤", 200, "MB"))


def main() -> None:
    for name, idle in measure_side_by_side(ROUNDS).items():
        print(f"{name}: {idle}; by window {', '.join(f'{share:.2f}' for share in idle.shares)} %")
    if missing := missing_parts():
        print(f"without {RIVAL}, since {', '.join(missing)} are missing: uv sync --group bench --extra embedded")


if __name__ == "__main__":
    main()
