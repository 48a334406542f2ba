"""Which published limit is met first when jobs come at a rate: a fluid simulation, minute by minute. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from benchmarks.costing.reckoning import Talk, billed_seconds, vcpus
from shared.wiring import SWEEP, wiring

MINUTES = 60


@lru_cache(maxsize=1)
def published() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((Path(__file__).with_name("limits.yaml")).read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Limit:
    """A capacity in units per second, and how it grows while it is used."""

    name: str
    per_sec: float
    grows: float = 1
    every_min: float = 1

    def at(self, minute: float) -> float:
        """What is granted after so many minutes under load."""
        return float(self.per_sec * self.grows ** (minute // self.every_min))


@dataclass(frozen=True)
class Outcome:
    """What became of an hour at a rate.

    Attributes:
        load: Limit to the share of it that is used in steady state; over 1 = it does not suffice.
        first: The limit that is the tightest.
        held: Minutes in which jobs had to wait, and for what.
        waiting: Jobs that wait at the end.
        longest_wait_min: Of a job that comes at the worst moment.
    """

    rate: float
    load: dict[str, float]
    first: str
    held: dict[str, int]
    waiting: float
    longest_wait_min: float


def needs(
    entries: Mapping[str, Mapping[str, float]], talk: Talk | None, waits: Mapping[str, float], sweep_sec: float = 0
) -> dict[str, float]:
    """Units of each limit that one job takes; of instances and processors: seconds that it holds one.

    `sweep_sec`: seconds of an instance of `sweep` after the job's end.
    """
    total: dict[str, float] = {}
    for units in entries.values():
        for name, count in units.items():
            total[name] = total.get(name, 0) + count
    found = {
        "firestore_ops": sum(total.get(name, 0) for name in ("reads", "writes", "deletes")),
        "sequential_index": max((count for name, count in total.items() if name.startswith("index ")), default=0),
        "bucket_writes": max((count for name, count in total.items() if name.startswith("bucket writes")), default=0),
        "bucket_reads": total.get("class_b", 0),
        "publish_mb": total.get("message bytes", 0) / 1e6,
        "vcpus": 0.0,
    }
    if talk:
        service = "gemini" if talk.model.startswith("gemini") else "openai"
        found[f"{service}_requests"] = talk.requests
        found[f"{service}_tokens"] = talk.tokens_in + talk.tokens_out
    for name, row in wiring().functions.items():
        if name in entries:
            seconds = billed_seconds(row, entries[name], waits.get(name, 0)) / row.concurrency
            found[f"instances of {name}"] = seconds
            found["vcpus"] += seconds * vcpus(row)
    found[f"instances of {SWEEP}"] = sweep_sec
    found["vcpus"] += sweep_sec
    return found


def limits() -> dict[str, Limit]:
    """Those that Google and the providers publish, and those of the wiring table."""
    found = {
        name: Limit(name, row.get("per_sec") or row["at_once"], row.get("grows", 1), row.get("every_min", 1))
        for name, row in published()["limits"].items()
    }
    for name, row in wiring().functions.items():
        found[f"instances of {name}"] = Limit(f"instances of {name}", row.max_instances)
    return found


def simulate(rate: float, need: Mapping[str, float], granted: Mapping[str, Limit], minutes: int = MINUTES) -> Outcome:
    """`rate` jobs come each minute for an hour, from standstill; those that cannot be served wait their turn."""
    waiting, worst, used_min = 0.0, 0.0, 0.0
    held: dict[str, int] = {}
    asked = {name: units for name, units in need.items() if units > 0}
    for _ in range(minutes):
        room = {name: granted[name].at(used_min) * 60 / units for name, units in asked.items()}
        tightest = min(room, key=lambda name: room[name])
        served = min(waiting + rate, room[tightest])
        waiting += rate - served
        if waiting > 1e-9:
            held[tightest] = held.get(tightest, 0) + 1
        worst = max(worst, waiting / served if served else 0.0)
        # Capacity that grows does so only under load.
        used_min += 1
    load = {name: rate / 60 * units / granted[name].per_sec for name, units in asked.items()}
    return Outcome(rate, load, max(load, key=lambda name: load[name]), held, waiting, worst)


def advice(name: str) -> str:
    key = "instances" if name.startswith("instances") else name
    return str(published()["raise"][key])
