"""Rows of the table of goals, which `python -m benchmarks` prints.

A benchmark that owns rows has a function `rows() -> Iterable[Row]`, and stands in OWNERS of `benchmarks/table.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.reference import markdown_table

HEAD = ("work", "beside it", "measured", "ratio or value", "goal", "met", "spread")


@dataclass(frozen=True)
class Goal:
    """A bound for the value of a row; `unit` follows both: `×`, `ms`, `s`."""

    bound: Literal["≤", "≥"]
    limit: float
    unit: str = "×"

    def is_met(self, value: float) -> bool:
        return value <= self.limit if self.bound == "≤" else value >= self.limit

    def __str__(self) -> str:
        return f"{self.bound} {self.limit:g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Row:
    """One measured value and its goal.

    Attributes:
        rival: What was measured beside it in the same rounds; empty if nothing was.
        measured: The figures behind the value, with their units.
        value: The median over the rounds, in the goal's unit; None if it could not be measured.
        values: The value of each round, from which the spread is computed.
        record: The decision record that says why the goal cannot be met.
    """

    work: str
    rival: str
    measured: str
    value: float | None
    goal: Goal
    values: Sequence[float] = ()
    record: str = ""

    @property
    def is_missed(self) -> bool:
        return self.value is None or not self.goal.is_met(self.value)

    def cells(self) -> tuple[str, ...]:
        value = "–" if self.value is None else f"{self.value:.3g} {self.goal.unit}".rstrip()
        met = "yes" if not self.is_missed else f"no: {self.record}" if self.record else "no"
        return self.work, self.rival or "–", self.measured, value, str(self.goal), met, format_spread(self.values)


def format_spread(values: Sequence[float]) -> str:
    """Return the least and the greatest of the rounds."""
    return f"{min(values):.3g} – {max(values):.3g}" if len(values) > 1 else "–"


def format_table(rows: Iterable[Row]) -> str:
    return markdown_table(HEAD, [row.cells() for row in rows])
