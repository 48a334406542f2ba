"""Ingredients out of a line of a list: `2 cloves garlic, finely chopped`, `Мука – 200 г`, `Salz nach Geschmack`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tokens import tokenize
from shared.ai.offline.recipe.cursor import Text
from shared.ai.offline.recipe.quantity import TIMES, Quantity, quantity

MAX_NAME_WORDS = 6
ENUMERATED = re.compile(r"\s*[,;•|]\s*|\s+\+\s+|\s+[&]\s+")
NOTE_MARK = re.compile(r",(?!\d)\s*|\s*;\s*|\s+[-–|]\s+")
BRACKETS = re.compile(r"\(([^()]*)(?:\)|$)")
EDGES = " .,:;!*-–=_/|+•'\""


@dataclass(frozen=True)
class Parsed:
    """An ingredient as its words say it.

    Attributes:
        certain: It has a measure, or is a known food: no other kind of line looks so.
        heads: It is a known food, perhaps with a word or two before it.
    """

    name: str
    amount: float | None = None
    amount_max: float | None = None
    unit: str | None = None
    note: str | None = None
    certain: bool = False
    heads: bool = False


def parse_ingredients(line: str, tongue: Lexicon) -> list[Parsed]:
    """The ingredients that a line names; empty when it cannot be a line of a list of ingredients."""
    found = [parsed for part in enumerated(line, tongue) for parsed in parse_one(part, tongue)]
    return shared_taste(found, tongue)


def shared_taste(found: list[Parsed], tongue: Lexicon) -> list[Parsed]:
    """`Salt, pepper to taste`: what ends the line is said of both."""
    note = found[-1].note if found else None
    if note and tongue.taste.find(tokenize(note)):
        for at in range(len(found) - 2, -1, -1):
            if found[at].amount is not None or found[at].unit or found[at].note:
                break
            found[at] = replace(found[at], note=note, certain=True)
    return found


def enumerated(line: str, tongue: Lexicon) -> list[str]:
    """`200 g flour, 2 eggs, salt` in three; `garlic, finely chopped` in one."""
    parts: list[str] = []
    start = 0
    for mark in ENUMERATED.finditer(line):
        if mark.start() and line[mark.start() - 1].isdigit() and line[mark.end() : mark.end() + 1].isdigit():
            continue
        head, tail = line[start : mark.start()], line[mark.end() :]
        if head.count("(") == head.count(")") and begins_another(head, ENUMERATED.split(tail)[0], tongue):
            parts.append(head)
            start = mark.end()
    return [*parts, line[start:]]


def begins_another(head: str, tail: str, tongue: Lexicon) -> bool:
    """Whether `tail` is an ingredient of its own after `head` rather than a note to it."""
    if not any(char.isalpha() for char in head):
        return False
    text = Text(tail, tongue)
    amount = quantity(text, 0)
    if amount and amount.amount is not None and not amount.weak and amount.end < len(text):
        first = Text(head, tongue)
        before = quantity(first, 0)
        return before is None or before.end < len(first)
    return tongue.is_food(named(tail, tongue)[0])


def parse_one(part: str, tongue: Lexicon) -> list[Parsed]:
    """The ingredient of a line that names one, or two without amounts: `salt and pepper`."""
    text = Text(part, tongue)
    if not text.tokens:
        return []
    leading = quantity(text, 0)
    if leading and leading.end < len(text):
        if text.is_sign(leading.end, "%°"):
            return []
        return measured(text, leading, text.rest(leading.end))
    trailing = at_the_end(text)
    if trailing:
        start, amount = trailing
        return measured(text, amount, text.between(0, start - text.is_word(start - 1, TIMES)))
    if taken := taken_from(text):
        return taken
    name, notes = named(part, tongue)
    if not acceptable(name, tongue) or any(char.isdigit() for char in name):
        return []
    several = [piece for piece in re.split(joiner_pattern(tongue), name) if piece]
    names = several if len(several) > 1 and all(tongue.is_food(piece) for piece in several) else [name]
    tasted = tongue.taste.find(text.tokens) is not None
    return [
        Parsed(
            piece, note=", ".join(notes) or None, certain=tasted and tongue.is_food(piece), heads=tongue.is_food(piece)
        )
        for piece in names
    ]


def joiner_pattern(tongue: Lexicon) -> str:
    return r"\s+(?:" + "|".join(map(re.escape, sorted(tongue.joiners))) + r")\s+"


def measured(text: Text, amount: Quantity, rest: str) -> list[Parsed]:
    """The ingredient `rest` in that amount, unless the number counts something else: minutes, people."""
    tongue = text.tongue
    name, notes = named(rest, tongue)
    first = Text(name, tongue)
    if not acceptable(name, tongue) or (amount.unit is None and first.is_word(0, tongue.no_ingredient)):
        return []
    food = tongue.names_food(first.tokens)
    if amount.weak and amount.unit is None and not food:
        return []
    counted = amount.amount is not None or amount.unit is not None
    return [
        Parsed(
            name,
            amount.amount,
            amount.amount_max,
            amount.unit,
            ", ".join([*amount.notes, *notes]) or None,
            certain=(amount.unit is not None and counted) or food,
            heads=food,
        )
    ]


def taken_from(text: Text) -> list[Parsed]:
    """`juice of 1 lemon`: one lemon, of which the juice."""
    for at in range(2, len(text)):
        amount = quantity(text, at) if text.is_word(at - 1, text.tongue.of) else None
        if amount and amount.amount is not None and text.tongue.is_food(text.rest(amount.end)):
            source = replace(amount, notes=(text.between(0, at - 1), *amount.notes))
            return measured(text, source, text.rest(amount.end))
    return []


def at_the_end(text: Text) -> tuple[int, Quantity] | None:
    """The amount that ends a line which starts with the name, and where it starts: `Мука – 200 г`, `Sugar (100 g)`."""
    for start in range(1, len(text)):
        amount = quantity(text, start)
        if amount is None or amount.amount is None or amount.weak:
            continue
        after_mark = text.is_sign(start - 1, ":-–(=") or text.is_word(start - 1, TIMES)
        if amount.unit is None and not after_mark:
            continue
        end = amount.end
        if text.is_sign(end, ")"):
            end += 1
        if end == len(text):
            return start, amount
        if text.is_sign(end, ",(") or (text.tongue.taste.at(text.tokens, end)):
            _, notes = named("x " + text.rest(end), text.tongue)
            return start, replace(amount, notes=(*amount.notes, *notes))
    return None


def named(text: str, tongue: Lexicon) -> tuple[str, list[str]]:
    """A name apart from its notes: brackets, what follows a comma, `to taste`, `for frying`, `large`."""
    brackets = [match[1].strip() for match in BRACKETS.finditer(text)]
    text = BRACKETS.sub(" ", text).strip(EDGES)
    name, *after = NOTE_MARK.split(text, maxsplit=1)
    name, sayings = without_taste(name, tongue)
    name, purpose = before_purpose(name, tongue)
    name, size = after_size(name, tongue)
    notes = [size, *brackets, purpose, *sayings, *after]
    return " ".join(name.split()).strip(EDGES), [note for note in (note.strip(EDGES) for note in notes) if note]


def without_taste(name: str, tongue: Lexicon) -> tuple[str, list[str]]:
    text = Text(name, tongue)
    hit = tongue.taste.find(text.tokens)
    if not hit:
        return name, []
    start, end, _ = hit
    saying = text.between(start, end)
    return text.between(0, start) + " " + text.rest(end), [saying]


def before_purpose(name: str, tongue: Lexicon) -> tuple[str, str]:
    text = Text(name, tongue)
    for at in range(1, len(text)):
        if text.is_word(at, tongue.purpose):
            return text.between(0, at), text.rest(at)
    return name, ""


def after_size(name: str, tongue: Lexicon) -> tuple[str, str]:
    text = Text(name, tongue)
    start = 0
    while text.is_word(start, tongue.of | tongue.determiners) and start + 1 < len(text):
        start += 1
    end = start
    while text.is_word(end, tongue.sizes) and end + 1 < len(text):
        end += 1
    return text.rest(end), text.between(start, end)


def acceptable(name: str, tongue: Lexicon) -> bool:
    """Whether it can be a name at all: letters, and few words."""
    tokens = Text(name, tongue).tokens
    count = sum(token.kind == "word" for token in tokens)
    letters = sum(len(token.text) for token in tokens if token.kind == "word")
    return 1 <= count <= MAX_NAME_WORDS and letters >= 2 and not name.endswith("?")
