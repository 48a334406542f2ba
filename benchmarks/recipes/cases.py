"""Labelled lines of recipes, from `cases/<language>.yaml`, `cases/batches-<language>.yaml` and `cases/held-out-…`.

A file has sections: `list`, `caption` and `speech` hold ingredients, `step` times and heat, `fact` facts of the whole
dish. The batches and the held-out lines have the first three. Each section maps a line to what it means:

    2 cup = 240 g · flour               two measures of the same amount
    1 cup + 2 tbsp · cream              two measures that add up
    2..3 clove · [fresh] garlic         a range; the name may omit words in square brackets
    – · salt · to taste                 no amount; the words after the second dot belong in the note
    2 · eggs; 1 pinch · salt            two ingredients
    4 · garlic cloves | 4 clove · garlic   either reading is right
    ~                                   no ingredient
    25..30 min · 180 C                  a step; `–` if it states neither time nor heat
    yield 12 cookies                    a fact; several are separated by dots
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import yaml

FOLDER = Path(__file__).parent / "cases"
LANGUAGES = ("en", "de", "ru")
SETS = {"": "improved with", "batches-": "batches", "held-out-": "held out"}
"""Prefix of the files of a set → its name."""
INGREDIENT_SECTIONS = ("list", "caption", "speech")


@dataclass(frozen=True)
class Measure:
    amount: float | None
    amount_max: float | None
    unit: str | None
    relation: Literal["", "plus", "same"] = ""


@dataclass(frozen=True)
class Entry:
    """An ingredient, as labelled or as a parser reads it; the first measure is the main one."""

    measures: tuple[Measure, ...]
    name: str
    note: str = ""


@dataclass(frozen=True)
class Case:
    """`readings` are the right ones; one without entries says that the line names no ingredient."""

    language: str
    section: str
    line: str
    readings: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True)
class FactCase:
    """A step or a fact: field → value; ranges have a second field that ends in `_max`."""

    language: str
    section: str
    line: str
    values: dict[str, float | str]


def read_cases(language: str, prefix: str = "") -> list[Case]:
    sections = read_sections(prefix + language)
    return [
        Case(language, section, line, parse_readings(label))
        for section in INGREDIENT_SECTIONS
        for line, label in sections[section].items()
    ]


def read_fact_cases(language: str) -> list[FactCase]:
    sections = read_sections(language)
    steps = [FactCase(language, "step", line, parse_step_label(label)) for line, label in sections["step"].items()]
    facts = [FactCase(language, "fact", line, parse_fact_label(label)) for line, label in sections["fact"].items()]
    return steps + facts


def read_sections(name: str) -> dict[str, dict[str, str | None]]:
    sections: dict[str, dict[str, str | None]] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return sections


def parse_readings(label: str | None) -> tuple[tuple[Entry, ...], ...]:
    if label is None:
        return ((),)
    return tuple(
        () if reading == "~" else tuple(parse_entry(part) for part in reading.split(";"))
        for reading in label.split(" | ")
    )


def parse_entry(text: str) -> Entry:
    quantity, name, *note = (part.strip() for part in text.split(" · "))
    return Entry(parse_measures(quantity), name, " ".join(note))


def parse_measures(text: str) -> tuple[Measure, ...]:
    if text.startswith("–"):
        return (Measure(None, None, text[1:].strip() or None),)
    parts = re.split(r"\s+([+=])\s+", text)
    signs = ["", *parts[1::2]]
    return tuple(parse_measure(part, sign) for part, sign in zip(parts[::2], signs, strict=True))


def parse_measure(text: str, sign: str) -> Measure:
    number, _, unit = text.partition(" ")
    low, _, high = number.partition("..")
    relation: Literal["", "plus", "same"] = "plus" if sign == "+" else "same" if sign == "=" else ""
    return Measure(to_number(low), to_number(high) if high else None, unit.strip() or None, relation)


def to_number(text: str) -> float:
    return float(Fraction(text))


def parse_step_label(label: str | None) -> dict[str, float | str]:
    """`25..30 min · 180 C` as the fields of a step."""
    values: dict[str, float | str] = {}
    for part in (label or "–").split(" · "):
        if part == "–":
            continue
        number, unit = part.split()
        low, _, high = number.partition("..")
        values["minutes" if unit == "min" else "temperature_c"] = to_number(low)
        if high:
            values["minutes_max"] = to_number(high)
    return values


def parse_fact_label(label: str | None) -> dict[str, float | str]:
    """`prep 10 · cook 20` as field → number; of a yield also its unit."""
    values: dict[str, float | str] = {}
    for part in (label or "").split(" · "):
        field, value, *unit = part.split()
        values[field] = value if field == "difficulty" else to_number(value)
        if unit:
            values["unit"] = " ".join(unit)
    return values
