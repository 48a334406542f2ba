"""Compares what was read with the labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isclose

from benchmarks.recipes.cases import Case, Entry, FactCase, Measure
from shared.ai.offline.language.lexicon import load_lexicon

WORD = re.compile(r"\w+")
OPTIONAL = re.compile(r"\[[^\]]*\]")
TOLERANCE = 0.002


@dataclass
class Score:
    """Counts of one language. Each labelled ingredient counts once, and each line that names none.

    Attributes:
        right: Amount, unit, further measures and name are all right.
        wrong_amounts: Stated an amount that is not the labelled one; an amount that is missing is not among them.
        failures: A sentence for each that is not right.
    """

    total: int = 0
    right: int = 0
    amounts: int = 0
    units: int = 0
    names: int = 0
    notes: int = 0
    notes_total: int = 0
    wrong_amounts: int = 0
    failures: list[str] = field(default_factory=list)

    def share(self, count: int) -> str:
        return f"{100 * count / max(self.total, 1):.1f} %"


def add_case(score: Score, case: Case, entries: Sequence[Entry]) -> None:
    """Score a line by the one of its right readings that fits best."""
    trials = [score_reading(case, reading, entries) for reading in case.readings]
    best = max(trials, key=lambda trial: (trial.right, -trial.wrong_amounts, trial.names))
    for name in ("total", "right", "amounts", "units", "names", "notes", "notes_total", "wrong_amounts"):
        setattr(score, name, getattr(score, name) + getattr(best, name))
    score.failures += best.failures


def score_reading(case: Case, reading: Sequence[Entry], entries: Sequence[Entry]) -> Score:
    score = Score()
    remaining = list(entries)
    for expected in reading or (None,):
        actual = take_match(expected, remaining, case.language) if expected else None
        surplus = not reading and bool(remaining)
        score.total += 1
        has_amount = amount_is_right(expected, actual) if expected else not surplus
        has_unit = unit_is_right(expected, actual) if expected else not surplus
        has_name = name_is_right(expected, actual, case.language) if expected else not surplus
        has_others = others_are_right(expected, actual) if expected else True
        score.amounts += has_amount
        score.units += has_unit
        score.names += has_name
        right = has_amount and has_unit and has_name and has_others
        score.right += right
        if expected and actual:
            score.wrong_amounts += is_wrong_amount(expected, actual)
        if expected and expected.note:
            score.notes_total += 1
            score.notes += note_is_right(expected, actual, case.language)
        if not right or (expected and actual and is_wrong_amount(expected, actual)):
            score.failures.append(f"{case.section}: {case.line!r}: {describe(expected)}, read {describe(actual)}")
    for entry in remaining:
        score.wrong_amounts += entry.measures[0].amount is not None
        score.failures.append(f"{case.section}: {case.line!r}: surplus {describe(entry)}")
    if remaining and reading:
        score.right = max(score.right - len(remaining), 0)
    return score


def take_match(expected: Entry, remaining: list[Entry], language: str) -> Entry | None:
    """Remove and return the entry with the expected name, else the first."""
    if not remaining:
        return None
    named = [at for at, entry in enumerate(remaining) if name_is_right(expected, entry, language)]
    return remaining.pop(named[0] if named else 0)


def amount_is_right(expected: Entry, actual: Entry | None) -> bool:
    if actual is None:
        return False
    one, other = expected.measures[0], actual.measures[0]
    return is_same_number(one.amount, other.amount) and is_same_number(one.amount_max, other.amount_max)


def is_same_number(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=TOLERANCE)


def unit_is_right(expected: Entry, actual: Entry | None) -> bool:
    return actual is not None and counted_unit(expected.measures[0]) == counted_unit(actual.measures[0])


def counted_unit(measure: Measure) -> str | None:
    """The unit; pieces have none."""
    return None if measure.unit == "piece" else measure.unit


def others_are_right(expected: Entry, actual: Entry | None) -> bool:
    """Whether the further measures are the labelled ones, in any order."""
    if actual is None or len(expected.measures) != len(actual.measures):
        return False
    return all(any(is_same_measure(one, other) for other in actual.measures[1:]) for one in expected.measures[1:])


def is_same_measure(one: Measure, other: Measure) -> bool:
    return (
        is_same_number(one.amount, other.amount)
        and is_same_number(one.amount_max, other.amount_max)
        and counted_unit(one) == counted_unit(other)
        and one.relation == other.relation
    )


def is_wrong_amount(expected: Entry, actual: Entry) -> bool:
    """Whether a cook who measures what was read takes another amount than the author meant."""
    if actual.measures[0].amount is None:
        return False
    if not amount_is_right(expected, actual) or not unit_is_right(expected, actual):
        return True
    added = [measure for measure in expected.measures if measure.relation == "plus"]
    return bool(added) and not others_are_right(expected, actual)


def name_is_right(expected: Entry, actual: Entry | None, language: str) -> bool:
    """Whether the words are the labelled ones; case, hyphens, inflection and optional words do not count."""
    if actual is None:
        return False
    required = stems(OPTIONAL.sub(" ", expected.name), language)
    optional = stems(" ".join(OPTIONAL.findall(expected.name)), language)
    read = stems(actual.name, language)
    return [stem for stem in read if stem not in optional] == [stem for stem in required if stem not in optional]


def note_is_right(expected: Entry, actual: Entry | None, language: str) -> bool:
    return actual is not None and set(stems(expected.note, language)) <= set(stems(actual.note, language))


def stems(text: str, language: str) -> list[str]:
    stem = load_lexicon(language).stem
    return [stem(word) for word in WORD.findall(text.casefold().replace("ё", "е"))]


def is_same_facts(case: FactCase, read: dict[str, float | str]) -> bool:
    expected = dict(case.values)
    units = [stems(str(values.pop("unit", "")), case.language) for values in (expected, read)]
    return (
        units[0] == units[1]
        and expected.keys() == read.keys()
        and all(map(is_same_value, expected.values(), (read[key] for key in expected)))
    )


def is_same_value(one: float | str, other: float | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return isclose(one, other, rel_tol=0.005)


def describe(entry: Entry | None) -> str:
    if entry is None:
        return "no ingredient"
    sign = {"": "", "plus": " + ", "same": " = "}
    quantity = "".join(
        f"{sign[measure.relation]}{'' if measure.amount is None else f'{measure.amount:.4g}'}"
        f"{'' if measure.amount_max is None else f'..{measure.amount_max:.4g}'} {measure.unit or ''}".rstrip()
        for measure in entry.measures
    )
    return f"[{quantity or '–'} · {entry.name}{f' · {entry.note}' if entry.note else ''}]"
