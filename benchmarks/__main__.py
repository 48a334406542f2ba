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
from collections.abc import Iterator
from pathlib import Path

from benchmarks.goals import format_table
from benchmarks.machine import describe
from benchmarks.sizes import SKIPPED, SMOKE_VARIABLE
from benchmarks.table import OWNERS, measure_rows

FOLDER = Path(__file__).parent


def benchmark_names() -> Iterator[str]:
    """Yield the modules that `python -m` runs as benchmarks: files with a main function, and packages."""
    for path in sorted(FOLDER.glob("[a-z]*")):
        if path.suffix == ".py" and 'if __name__ == "__main__":' in path.read_text(encoding="utf-8"):
            yield f"benchmarks.{path.stem}"
        elif (path / "__main__.py").is_file():
            yield f"benchmarks.{path.name}"


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
