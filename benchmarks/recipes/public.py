"""Ingredient lines that nobody here wrote: `python -m benchmarks.recipes.public FILE… [--lines 500] [--seed 1]`.

FILE has the columns `input, name, quantity, unit, …` in which the project ingredient-parser publishes lines of BBC
Food, Cookstr and TASTE (`train/data/*/*.csv`). They are read from a copy of yours, for measurement only: the texts
belong to their authors. `ingredient-parser-nlp` reads the same lines in the same run; its model was trained with them.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

from benchmarks.recipes.cases import Case, Entry
from benchmarks.recipes.reading import read_ingredients
from benchmarks.recipes.rival import load_rival
from benchmarks.recipes.scoring import is_same_number, stems
from shared.ai.offline.language.lexicon import load_lexicon
from shared.ai.offline.language.tables import tokenize

LETTER_UNITS = {"c": "cup", "t": "tsp", "T": "tbsp"}
NOTE_COLUMNS = ("size", "preparation", "comment", "purpose")
Row = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", action="store_true", help="list amounts that are not the labelled ones")
    arguments = parser.parse_args()
    rival = load_rival()
    print(f"{'lines':<32} {'amount right':>12} {'missing':>8} {'wrong':>6} {'name right':>11}")
    for file in arguments.files:
        rows = sample_rows(file, arguments.lines, arguments.seed)
        ours = [read_ingredients(Case("en", "list", row["input"], ((),))) for row in rows]
        print_counts(f"{file.stem[:20]}, Clipwise", rows, ours, arguments.failures)
        if not isinstance(rival, str):
            print_counts(f"{file.stem[:20]}, ingredient-p", rows, [rival(row["input"]) for row in rows], False)
    if isinstance(rival, str):
        print(rival)


def sample_rows(file: Path, lines: int, seed: int) -> list[Row]:
    """Return labelled rows in an order from the seed; those whose label has letters for a number are left out."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["name"] and not re.search("[a-z]", row["quantity"])]
    random.Random(seed).shuffle(rows)
    return rows[:lines]


def print_counts(label: str, rows: list[Row], readings: list[list[Entry]], shows_failures: bool) -> None:
    counts: Counter[str] = Counter()
    for row, entries in zip(rows, readings, strict=True):
        verdict = judge_amount(row, entries)
        counts[verdict] += 1
        counts["name"] += is_name_right(row, entries)
        if shows_failures and verdict in ("missing", "wrong"):
            print(f"  {verdict}: {row['input']!r}, labelled {row['quantity']!r} {row['unit']!r}")
    shares = (f"{100 * counts[key] / max(len(rows), 1):.1f} %" for key in ("right", "missing", "wrong", "name"))
    print(f"{label:<32} {next(shares):>12} {next(shares):>8} {next(shares):>6} {next(shares):>11}")


def judge_amount(row: Row, entries: list[Entry]) -> str:
    """Return whether the first amount is one of the labelled ones; `a handful` may be one handful."""
    quantities = [parse_quantity(text) for text in row["quantity"].split()]
    units = {normalize_unit(unit) for unit in row["unit"].split()}
    first = entries[0].measures[0] if entries else None
    if first is None or first.amount is None:
        return "missing" if quantities else "right"
    if not quantities:
        return "right" if units and first.amount == 1 else "wrong"
    is_number = any(
        is_same_number(first.amount, low) and is_same_number(first.amount_max, high) for low, high in quantities
    )
    # `2 garlic cloves` is labelled 2 cloves of garlic; the unit may also stand in the name.
    in_name = units & set(stems(entries[0].name, "en"))
    is_unit = first.unit in units or bool(in_name) or (first.unit in (None, "piece") and len(units) < len(quantities))
    return "right" if is_number and (is_unit or not units) else "wrong"


def parse_quantity(text: str) -> tuple[float | None, float | None]:
    """Parse `2#1$4` as 2¼, and `1-2` as a range."""
    low, _, high = text.partition("-")
    return parse_number(low), parse_number(high)


def parse_number(text: str) -> float | None:
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?))?(?:#(\d+)\$(\d+))?", text)
    if match is None or not (match[1] or match[2]):
        return None
    return float(match[1] or 0) + (float(Fraction(int(match[2]), int(match[3]))) if match[2] else 0)


def normalize_unit(unit: str) -> str:
    name = LETTER_UNITS.get(unit, unit).strip(".")
    match = load_lexicon("en").units.match(tokenize(name), 0)
    return match[1] if match else name


def is_name_right(row: Row, entries: list[Entry]) -> bool:
    """Return True if the read names have all words of the labelled one that no labelled note has."""
    wanted = set(stems(row["name"], "en"))
    read = set(stems(" ".join(entry.name for entry in entries), "en"))
    notes = set(stems(" ".join(row[column] for column in NOTE_COLUMNS), "en"))
    return bool(wanted & read) and wanted <= read | notes


if __name__ == "__main__":
    main()
