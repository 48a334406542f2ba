"""How much a benchmark measures: its full size, or a tiny one that only proves that it still runs.

    BENCHMARK_SMOKE=1 python -m benchmarks.jobs

The variable also reaches the processes that a benchmark starts. Figures of such a run mean nothing.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn, TypeVar

SMOKE_VARIABLE = "BENCHMARK_SMOKE"
IS_SMOKE = os.environ.get(SMOKE_VARIABLE) == "1"
SKIPPED = 77
"""Exit code of a benchmark that lacks what it needs, as in GNU Automake's tests."""
T = TypeVar("T")


def size(full: T, *, smoke: T) -> T:
    return smoke if IS_SMOKE else full


class Skipped(SystemExit):
    """The end of a benchmark that cannot run here."""

    def __init__(self, reason: str) -> None:
        super().__init__(SKIPPED)
        self.reason = reason


def skip(reason: str) -> NoReturn:
    """End the benchmark. `reason` names the command after which it can run."""
    print(f"skipped: {reason}", file=sys.stderr, flush=True)
    raise Skipped(reason)
