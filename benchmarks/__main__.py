"""The table of goals, each row measured by the benchmark that owns it, or every benchmark in turn.

    python -m benchmarks                    # the table
    python -m benchmarks jobs cold_start    # only the rows of these
    python -m benchmarks --all              # every benchmark in full, which takes hours, then the table
    python -m benchmarks --smoke            # the same with tiny sizes, to see that all of them run

Exits with 1 if a benchmark failed, and with 2 if a goal without a record is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from benchmarks.goals import Row, format_table
from benchmarks.machine import describe
from benchmarks.sizes import SKIPPED, SMOKE_VARIABLE

FOLDER = Path(__file__).parent
OWNERS = ("jobs", "idle", "downloads", "api_latency", "passages", "cold_start")
"""Benchmarks that own rows of the table, in its order; `rows()` of each takes a minute at most."""


def benchmark_names() -> Iterator[str]:
    """Yield the modules that `python -m` runs as benchmarks: files with a main function, and packages."""
    for path in sorted(FOLDER.glob("[a-z]*")):
        if path.suffix == ".py" and 'if __name__ == "__main__":' in path.read_text(encoding="utf-8"):
            yield f"benchmarks.{path.stem}"
        elif (path / "__main__.py").is_file():
            yield f"benchmarks.{path.name}"


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


def run_all() -> list[str]:
    """Run every benchmark; return those that failed."""
    failed = []
    for name in benchmark_names():
        print(f"\n## {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", name]).returncode
        if code not in (0, SKIPPED):
            failed.append(name)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("owners", nargs="*", metavar="BENCHMARK", help=f"one of {', '.join(OWNERS)}")
    parser.add_argument("--all", action="store_true", help="run every benchmark before the table")
    parser.add_argument("--smoke", action="store_true", help="run every benchmark with tiny sizes")
    options = parser.parse_args()
    if unknown := set(options.owners) - set(OWNERS):
        parser.error(f"no rows belong to {', '.join(sorted(unknown))}; there are {', '.join(OWNERS)}")
    if options.smoke:
        os.environ[SMOKE_VARIABLE] = "1"
    failed = run_all() if options.all or options.smoke else []
    print(f"\n{describe()}\n", flush=True)
    rows, failed_owners = measure_rows(options.owners or OWNERS)
    print(format_table(rows))
    print(f"\n{describe()}")
    failed += failed_owners
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    return 2 if not options.smoke and any(row.is_missed and not row.record for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
