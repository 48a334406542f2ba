"""Puts together what detection took apart: pieces of one line that stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.ai.screen.line import Box

SAME_HEIGHT = 1.4
OVERLAP = 0.6
"""Share of the lower piece's height that both have in common."""
WORD_GAP = 1.5
TABLE_GAP = 12.0
"""Widest gap between an amount and its name in a table, in heights."""


@dataclass(frozen=True)
class Row:
    """A line of text in one picture."""

    text: str
    score: float
    box: Box

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


def merge_rows(pieces: Sequence[Row]) -> list[Row]:
    """Pieces joined from left to right, then from top to bottom."""
    merged: list[Row] = []
    for piece in sorted(pieces, key=lambda row: row.box[0]):
        at = next((at for at, row in enumerate(merged) if is_continuation(row, piece)), None)
        if at is None:
            merged.append(piece)
        else:
            merged[at] = join_rows(merged[at], piece)
    return sorted(merged, key=lambda row: row.box[1])


def is_continuation(left: Row, right: Row) -> bool:
    """Whether the right piece goes on with the line of the left one."""
    low, high = sorted((left.height, right.height))
    overlap = min(left.box[3], right.box[3]) - max(left.box[1], right.box[1])
    gap = right.box[0] - left.box[2]
    if high > SAME_HEIGHT * low or overlap < OVERLAP * low or gap < -low:
        return False
    widest = TABLE_GAP if is_amount(left.text) != is_amount(right.text) else WORD_GAP
    return gap <= widest * high


def is_amount(text: str) -> bool:
    """Whether it is a number with at most a short unit: a cell of a table."""
    compact = text.replace(" ", "").replace(".", "")
    return bool(compact) and compact[0].isnumeric() and sum(char.isalpha() for char in compact) <= 4


def join_rows(left: Row, right: Row) -> Row:
    box = (
        left.box[0],
        min(left.box[1], right.box[1]),
        max(left.box[2], right.box[2]),
        max(left.box[3], right.box[3]),
    )
    return Row(f"{left.text} {right.text}", min(left.score, right.score), box)
