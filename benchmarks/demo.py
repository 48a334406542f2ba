"""What a newcomer waits for: `make demo` once everything is installed, the first time and later.

    python -m benchmarks.demo

The first time draws the video. The demo reads on-screen text and, where a speech model is installed, speech.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.goals import Goal, Row
from benchmarks.sizes import size
from benchmarks.usage import ended_children_seconds
from shared.ai.offline.speech import speech_model
from shared.settings import settings

LATER = size(3, smoke=1)
"""Runs after the first."""
RECORD = "demo-time.md"
ARGUMENTS = size(["demo"], smoke=["demo", "--help"])


def run_demo(folder: Path) -> tuple[float, float]:
    """Run the demo below a folder; return the seconds on the clock and of the processor."""
    before, start = ended_children_seconds(), time.perf_counter()
    command = [sys.executable, "-m", "infra.cli.main", *ARGUMENTS]
    subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment()
    )
    return time.perf_counter() - start, ended_children_seconds() - before


def environment() -> dict[str, str]:
    """Return this process's environment without keys, as a newcomer has it."""
    return {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}


def measure() -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as name:
        return [run_demo(Path(name)) for _ in range(1 + LATER)]


def rows() -> Iterator[Row]:
    first, *later = measure()
    speech = "with speech" if speech_model(settings()) else "without speech"
    seconds, cpu = (statistics.median(of) for of in zip(*later, strict=True))
    goals = Goal("≤", 35, "s"), Goal("≤", 8, "s")
    yield Row(
        f"`make demo` after its installation, {speech}",
        "",
        f"{first[1]:.0f} s of a core",
        first[0],
        goals[0],
        record=RECORD,
    )
    later_sec = [wall for wall, _ in later]
    yield Row(f"`make demo` again, {speech}", "", f"{cpu:.0f} s of a core", seconds, goals[1], later_sec, RECORD)


def main() -> None:
    for row in rows():
        print(f"{row.work}: {row.value:.1f} s, {row.measured}")


if __name__ == "__main__":
    main()
