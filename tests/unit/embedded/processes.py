"""Processes of their own, for what only separate processes can show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]


@contextmanager
def at_once(command: Sequence[str], count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start Python processes (code and arguments) that print a line and read their input to its end; then let all go.

    Those that still run at the end are killed.
    """
    full = [sys.executable, "-c", *command]
    processes = [
        subprocess.Popen(full, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(count)
    ]
    try:
        for process in processes:
            assert process.stdout
            process.stdout.readline()
        for process in processes:
            assert process.stdin
            process.stdin.close()
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()
