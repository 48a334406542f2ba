"""Every benchmark, with tiny sizes: none stops working unnoticed. `tests/conftest.py` chooses the sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import benchmark_names
from benchmarks.goals import Goal, Row, format_table
from benchmarks.machine import describe
from benchmarks.sizes import IS_SMOKE, Skipped
from benchmarks.table import OWNERS
from shared.settings import settings
from tests.patience import PATIENCE_SEC


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a benchmark changes of its process ends with it."""
    before = os.environ.copy()
    monkeypatch.setattr(sys, "argv", ["benchmark"])
    yield
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()


@pytest.mark.parametrize("name", list(benchmark_names()))
def test_a_benchmark_runs_to_its_end(name: str) -> None:
    """`python -m benchmarks.NAME` works, with its servers, files and rivals, or names what it lacks."""
    assert IS_SMOKE
    package = Path(*name.split(".")).is_dir()
    benchmark = import_module(f"{name}.__main__" if package else name)
    try:
        code = benchmark.main()
    except Skipped as skipped:
        pytest.skip(skipped.reason)
    assert code in (None, 0)


def test_the_command_prints_the_table() -> None:
    """`python -m benchmarks passages` measures that benchmark's rows in their own process, and prints them."""
    command = [sys.executable, "-m", "benchmarks", "passages"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SEC)
    assert "failed" not in done.stderr
    assert "| questions over" in done.stdout


def test_the_table_names_every_missed_goal() -> None:
    """A goal that is missed is never printed as met, and a record says why where one exists."""
    goal = Goal("≤", 2)
    table = format_table([Row("a", "b", "c", value, goal, [1, 3], "r.md") for value in (2, 2.01, None)])
    assert [line.split(" | ")[5] for line in table.splitlines()[2:]] == ["yes", "no: r.md", "no: r.md"]
    assert not Row("a", "b", "c", 1, Goal("≥", 1)).is_missed


def test_owners_of_rows_are_benchmarks() -> None:
    """`python -m benchmarks` measures no row that cannot be measured alone."""
    assert {f"benchmarks.{owner}" for owner in OWNERS} <= set(benchmark_names())
    assert all(hasattr(import_module(f"benchmarks.{owner}"), "rows") for owner in OWNERS)
    assert "cores" in describe()
