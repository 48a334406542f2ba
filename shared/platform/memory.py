"""The memory limit of a process: allocations beyond it fail, so that a job ends with an error, not the machine."""

from __future__ import annotations

import os
import resource

from shared.wiring import wiring

CONTAINER_SHARE = 0.85
"""Share of a function's memory that its process may use. Files in /tmp and the lease keeper use the same memory."""
LEAST_LIMITED_MB = 1024
"""Smaller functions keep no large data, and the stacks of their threads alone would exceed a limit."""


def limit_memory(megabytes: float) -> None:
    """Limit the memory of this process and of each program that it starts; allocations beyond it fail.

    Counts private memory only: file mappings, such as libraries and model files, are free. Where the system does not
    enforce the limit, as on macOS, it has no effect.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = int(megabytes * 1_000_000)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def function_limit_mb(name: str) -> float | None:
    """Return the limit of a function's process by the wiring table; None if it has none.

    A function that serves several events at once has none either: one event would take the memory of all.
    """
    row = wiring().functions.get(name)
    if row is None or row.concurrency > 1 or row.memory_mb < LEAST_LIMITED_MB:
        return None
    return row.memory_mb * CONTAINER_SHARE


def limit_function_memory() -> None:
    """Limit this process if it serves a function of the table, which functions-framework names in its environment."""
    limit = function_limit_mb(os.environ.get("FUNCTION_TARGET", ""))
    if limit is not None:
        limit_memory(limit)
