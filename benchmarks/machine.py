"""The machine that benchmarks run on, and how much its speed varies."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path

from benchmarks.sizes import size

ROUNDS = size(60, smoke=3)
STEPS = 200_000


def describe() -> str:
    """Return the processor, its cores, the load, and by how much the same work varies in time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wall, cpu = spread()
    return (
        f"{_processor()}, {cores} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}; the same"
        f" work of {1000 * statistics.median(wall):.0f} ms varies by {_share(wall):.0%} on the clock and by"
        f" {_share(cpu):.0%} in processor time (tenth to ninetieth percentile, to the median)"
    )


def spread() -> tuple[list[float], list[float]]:
    """Return the seconds of the same computation, repeated: on the clock, and of the processor."""
    wall, cpu = [], []
    for _ in range(ROUNDS):
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        sum(range(STEPS))
        sorted(str(number) for number in range(STEPS // 10))
        wall.append(time.perf_counter() - begin)
        cpu.append(time.thread_time() - begin_cpu)
    return wall, cpu


def _share(values: list[float]) -> float:
    deciles = statistics.quantiles(values, n=10)
    return (deciles[-1] - deciles[0]) / statistics.median(values)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
