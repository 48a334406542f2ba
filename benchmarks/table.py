"""Measures the rows of the table of goals, those of each benchmark in a process of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

from benchmarks.goals import Row

OWNERS = ("jobs", "idle", "downloads", "api_latency", "passages", "cold_start", "cost", "demo")
"""Benchmarks that own rows of the table, in its order; `rows()` of each takes minutes at most."""


def owned_rows(owner: str) -> list[Row]:
    return list(import_module(f"benchmarks.{owner}").rows())


def measure_rows(owners: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Measure each owner's rows in a process of its own; return them, and the owners that failed."""
    rows, failed = [], []
    for owner in owners:
        begin = time.monotonic()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            try:
                rows += pool.submit(owned_rows, owner).result()
            except Exception as error:  # the other rows are still worth having
                failed.append(owner)
                print(f"{owner} failed: {error!r}", file=sys.stderr)
        print(f"{owner}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return rows, failed
