"""The counted operations against those on the wire between functions and Google's emulators, for jobs of two kinds.

How often a job tells how far it is follows the time that the work takes, which no two runs share: so the emulated place
runs twice, once with that held back, where all else must agree, and once as it is, for the rate.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.costing.running import Counted, by_form, count_job, stage_seconds
from benchmarks.costing.wire import watched
from infra.reference import markdown_table
from infra.runtimes.emulated.emulators import run_emulators
from tests.server import UNLIMITED, serving

KINDS = ("metadata", "recipe")
TIMES = 3
UNITS = ("reads", "writes", "deletes", "messages", "class_a", "class_b")
SETTLE_SEC = 2
"""What follows a job's end: events, the stream's last look."""
# Python runs these before anything else, in all processes of the emulated place. A tick's reads are nobody's job.
NO_TICKS = """
from infra.runtimes import background_tasks as scheduler

scheduler.ticks = lambda bus: []
"""
HELD_BACK = """
from datetime import timedelta

from shared.pipeline import stage_run as run

run.WRITE_EVERY = timedelta(days=1)
"""


@dataclass(frozen=True)
class Seen:
    """A job of this kind on the wire, on the average."""

    units: Counter[str]
    stage_sec: float


def check(folder: Path, video: Path) -> dict[str, str]:
    """The tables `check` and `progress`."""
    counted = [count_job(kind, "offline", video, 0, by_form, **UNLIMITED) for kind in KINDS]
    without = on_the_wire(folder / "without", video, NO_TICKS + HELD_BACK, LEASE_SEC="600")
    free = on_the_wire(folder / "free", video, NO_TICKS)
    rows = [row for job in counted for row in agreement(job, without[job.kind])]
    return {
        "check": markdown_table(("kind", "operation", "predicted per job", "on the wire", "difference"), rows),
        "progress": progress_table(counted, without, free),
    }


def on_the_wire(folder: Path, video: Path, first: str, **environ: str) -> dict[str, Seen]:
    """`first`: what Python is to run before anything else."""
    found = {}
    customized = folder / "customized"
    customized.mkdir(parents=True)
    (customized / "sitecustomize.py").write_text(first)
    environ |= {"PYTHONPATH": str(customized)}
    with run_emulators(folder / "emulators", obtain=False) as hosts, watched(hosts) as (proxied, wire):
        given = {name: value for name, value in proxied.environ().items() if name.endswith("EMULATOR_HOST")}
        with serving(folder / "data", "--emulators", **given, **environ) as server:
            for kind in KINDS:
                server.follow(server.submit(video, kind))
                time.sleep(SETTLE_SEC)
                before = Counter(wire.seen)
                jobs = [server.follow(server.submit(video, kind)) for _ in range(TIMES)]
                time.sleep(SETTLE_SEC)
                units = Counter(wire.seen)
                units.subtract(before)
                each = Counter({unit: units[unit] / TIMES for unit in UNITS})
                found[kind] = Seen(each, sum(map(stage_seconds, jobs)) / TIMES)  # type: ignore[arg-type]
    return found


def agreement(job: Counted, seen: Seen) -> list[tuple[str, ...]]:
    total = job.total()
    rows: list[tuple[str, ...]] = []
    for unit in UNITS:
        # What a listener is sent is pushed, which the wire's count leaves out.
        predicted = total[unit] - total[f"progress {unit}"] - (total["watched"] if unit == "reads" else 0)
        off = seen.units[unit] - predicted
        difference = "none" if abs(off) < 0.05 else f"{off:+.1f}"
        rows.append(
            (f"`{job.kind}`", unit.replace("_", " "), f"{predicted:.0f}", f"{seen.units[unit]:.1f}", difference)
        )
    return rows


def progress_table(counted: Sequence[Counted], without: dict[str, Seen], free: dict[str, Seen]) -> str:
    """Writes that only tell how far the work is, with the reads that they bring, by second of the stages' time."""
    rows = []
    for job in counted:
        total, held, seen = job.total(), without[job.kind].units, free[job.kind]
        here = (total["progress writes"], total["progress reads"], job.stage_sec)
        there = (seen.units["writes"] - held["writes"], seen.units["reads"] - held["reads"], seen.stage_sec)
        for place, (writes, reads, seconds) in (("one process", here), ("emulated", there)):
            per_sec = f"{writes / seconds:.2f}"
            rows.append((f"`{job.kind}`", place, f"{writes:.1f}", f"{reads:.1f}", f"{seconds:.1f}", per_sec))
    head = ("kind", "run", "progress writes per job", "reads with them", "seconds of its stages", "writes a second")
    return markdown_table(head, rows)
