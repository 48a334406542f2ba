"""How many jobs may end in a minute before `sweep` falls behind, from its measured calls.

    python -m benchmarks.sweep          # 2 000 jobs on Google's emulators
    python -m benchmarks.sweep 200

Each job has a source to delete, is counted for another user, and is no older than its retention. The emulators' own
time does not count: each call takes as long as benchmarks/costing/prices.yaml assumes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.costing.sweeping import measure_sweep, sweep_rows
from benchmarks.sizes import size
from infra.reference import markdown_table

JOBS = size(2000, smoke=3)


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    with tempfile.TemporaryDirectory() as folder:
        print(markdown_table(("sweep", ""), sweep_rows(measure_sweep(jobs, Path(folder)))))


if __name__ == "__main__":
    main()
