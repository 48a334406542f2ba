"""Ingredients out of a sentence: `Now add two cups of flour and a pinch of salt`."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ai.offline.recipe.cursor import Text
from shared.ai.offline.recipe.ingredient import Parsed, named
from shared.ai.offline.recipe.quantity import Quantity, quantity

MAX_WORDS_TO_FOOD = 4
MAX_WORDS_UNKNOWN = 3
MEASURES = {
    "g", "kg", "mg", "ml", "cl", "dl", "l", "tsp", "tbsp", "dessertspoon", "cup", "fl oz", "oz", "lb", "pint", "quart",
    "gallon", "pinch", "knife-tip", "dash", "handful", "bunch", "clove", "can", "pack", "tub", "jar", "sprig", "bag",
}  # fmt: skip
"""Units that measure food and little else, so that an unknown word after them is one."""


@dataclass(frozen=True)
class Mention:
    """An ingredient in a sentence; `offset` is where in the sentence it starts, in characters."""

    parsed: Parsed
    offset: int


def mentions(text: Text, without_amount: bool) -> list[Mention]:
    """The ingredients that a sentence names with an amount; where something is added, also those without one."""
    found: list[Mention] = []
    plain: list[Mention] = []
    adds = text.tongue.adding.find(text.tokens) is not None
    at = 0
    while at < len(text):
        amount = amount_of_food(text, at)
        end = end_of_name(text, amount) if amount else None
        if amount and end:
            found.append(mention(text, at, amount, end))
        elif (end := past_foods(text, at)) and adds and is_brought_in(text, at):
            plain.append(Mention(Parsed(text.between(at, end), heads=True), text.tokens[at].start))
        at = end or at + 1
    return found + plain if without_amount else found


def mention(text: Text, at: int, amount: Quantity, end: int) -> Mention:
    name, notes = named(text.between(amount.end, end), text.tongue)
    parsed = Parsed(
        name,
        amount.amount,
        amount.amount_max,
        amount.unit,
        ", ".join([*amount.notes, *notes]) or None,
        certain=True,
        heads=text.tongue.names_food(text.tokens[amount.end : end]),
    )
    return Mention(parsed, text.tokens[at].start)


def amount_of_food(text: Text, at: int) -> Quantity | None:
    """The quantity at a place, unless it is a bare unit or one of time or heat."""
    amount = quantity(text, at)
    if amount is None or (amount.amount is None and not amount.notes):
        return None
    if text.tongue.minutes.at(text.tokens, amount.end) or text.is_sign(amount.end, "°%"):
        return None
    if amount.unit is None and text.is_word(amount.end, text.tongue.degrees | text.tongue.no_ingredient):
        return None
    return amount


def end_of_name(text: Text, amount: Quantity) -> int | None:
    """Where the name after a quantity ends: after a known food, else before the first word that cannot be in it."""
    tongue = text.tongue
    start = amount.end
    while text.is_word(start, tongue.determiners):
        start += 1
    end = start
    while (token := text.token(end)) and token.kind == "word" and end - start < MAX_WORDS_TO_FOOD:
        if past := past_foods(text, end):
            return past
        if token.folded in tongue.stops or token.folded in tongue.verbs:
            break
        end += 1
    if amount.amount is None or amount.unit not in MEASURES or end == start:
        return None
    if tongue.tables.capital_nouns:
        nouns = [at for at in range(start, end) if text.tokens[at].text[0].isupper()]
        return nouns[0] + 1 if nouns else None
    return min(end, start + MAX_WORDS_UNKNOWN)


def past_foods(text: Text, at: int) -> int | None:
    """The end of the known foods that stand together at a place: `olive oil`."""
    end = text.tongue.food_at(text.tokens, at)
    while end and (longer := text.tongue.food_at(text.tokens, end)):
        end = longer
    return end


def is_brought_in(text: Text, at: int) -> bool:
    """Whether the food at a place is what is added, and not what it is added to."""
    before = at - 1
    while text.is_word(before, text.tongue.determiners):
        before -= 1
    return not text.is_word(before, text.tongue.stops - text.tongue.carriers - text.tongue.determiners)
