"""Facts that a text states about a dish or a step: times, heat, servings, difficulty, nutrition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Literal

from shared.ai.offline.recipe.measure import (
    MULTIPLES,
    RANGE_SIGNS,
    Number,
    fraction_after,
    parse_number,
    range_end,
)
from shared.ai.offline.recipe.text import TokenizedText
from shared.analyses.recipe import RecipeYield

MINUTES_PER_HOUR = 60
UNITS_WITHOUT_NUMBER = {15, 45}
"""Minutes of the words that are a time by themselves: `Viertelstunde`."""


@dataclass(frozen=True)
class Duration:
    """A time between two token indexes. `maximum`: upper end of a range. `unit`: minutes of its unit."""

    minutes: float
    start: int
    end: int
    unit: float
    maximum: float | None = None


def find_durations(text: TokenizedText) -> Iterator[Duration]:
    """Yield the durations in a text, but not `every 5 minutes`."""
    at = 0
    while at < len(text):
        length = parse_duration(text, at)
        if length and not text.is_word(at - 1, text.lexicon.every):
            yield length
        at = length.end if length else at + 1


def longest_duration(text: TokenizedText) -> Duration | None:
    return max(find_durations(text), key=lambda length: length.minutes, default=None)


def parse_duration(text: TokenizedText, start: int) -> Duration | None:
    """Parse a time and the smaller ones that belong to it: `1 hour, 15 minutes`, `1h30`, `an hour and a half`."""
    first = parse_clock_time(text, start) or parse_time(text, start)
    if first is None or first.maximum:
        return first
    if upper := longer_time_after(text, first):
        return replace(first, maximum=upper.minutes, end=upper.end)
    if part := fraction_after(text, first.end):
        return replace(first, minutes=first.minutes + part.value * first.unit, end=part.end)
    if first.unit == MINUTES_PER_HOUR and (minutes := minutes_after_hour(text, first.end)):
        return replace(first, minutes=first.minutes + minutes, end=first.end + 1 + text.is_word(first.end + 1, {"m"}))
    at = first.end
    if text.is_word(at, text.lexicon.joiners) or text.is_sign(at, ","):
        at = text.skip_dot(at + 1)
    second = parse_time(text, at)
    if second and second.unit < first.unit and second.minutes < first.unit and not second.maximum:
        return replace(first, minutes=first.minutes + second.minutes, end=second.end)
    return first


def longer_time_after(text: TokenizedText, first: Duration) -> Duration | None:
    """Return the upper end of a range with two units: `45 mins to 1 hour`."""
    if not (text.is_sign(first.end, RANGE_SIGNS) or text.is_word(first.end, text.lexicon.range_words)):
        return None
    second = parse_time(text, first.end + 1)
    return second if second and second.minutes > first.minutes else None


def parse_clock_time(text: TokenizedText, start: int) -> Duration | None:
    """Parse hours and minutes with a colon before a unit: `1:30 hours`."""
    hours, minutes = text.token_at(start), text.token_at(start + 2)
    if not (hours and minutes and text.is_sign(start + 1, ":") and hours.text.isdecimal()):
        return None
    unit = text.lexicon.minutes.match(text.tokens, start + 3)
    if unit is None or unit[1] != MINUTES_PER_HOUR or not re.fullmatch(r"[0-5]\d", minutes.text):
        return None
    total = int(hours.text) * MINUTES_PER_HOUR + int(minutes.text)
    return Duration(total, start, text.skip_dot(unit[0]), unit[1])


def minutes_after_hour(text: TokenizedText, at: int) -> int | None:
    """Return the minutes right after the letter of an hour, or before an `m`: `1h30`, `1h 20m`."""
    token, before = text.token_at(at), text.token_at(at - 1)
    if token is None or before is None or not re.fullmatch(r"[0-5]?\d", token.text):
        return None
    if before.end != token.start and not text.is_word(at + 1, {"m"}):
        return None
    return None if text.lexicon.minutes.match(text.tokens, at + 1) else int(token.text)


def parse_time(text: TokenizedText, start: int) -> Duration | None:
    """Parse a number, or a range, with a unit of time."""
    count = parse_number(text, start)
    if count is None:
        return parse_time_word(text, start)
    at = count.end
    upper = range_end(text, at, count.value)
    if upper:
        at = upper.end
    if text.is_sign(at, "-+"):
        at += 1
    unit = text.lexicon.minutes.match(text.tokens, at)
    if unit is None:
        return None
    maximum = upper.value * unit[1] if upper else None
    return Duration(count.value * unit[1], start, text.skip_dot(unit[0]), unit[1], maximum)


def parse_time_word(text: TokenizedText, at: int) -> Duration | None:
    """Parse a time in one word: `полчаса`, `Dreiviertelstunde`."""
    prefix, token = text.lexicon.tables.half_prefix, text.token_at(at)
    if prefix and token and token.folded.startswith(prefix):
        unit = text.lexicon.minutes.match(TokenizedText(token.folded[len(prefix) :], text.lexicon).tokens, 0)
        return Duration(unit[1] / 2, at, at + 1, unit[1]) if unit else None
    unit = text.lexicon.minutes.match(text.tokens, at)
    return Duration(unit[1], at, unit[0], unit[1]) if unit and unit[1] in UNITS_WITHOUT_NUMBER else None


LEAST_FAHRENHEIT = 275
"""In English, bare `350 degrees` are Fahrenheit from this value on: kitchen ovens do not reach it in Celsius."""
MAX_CUISINE_WORDS = 3
MAX_COUNTED_WORDS = 4
MACROS = ("calories_kcal", "protein_g", "fat_g", "carbohydrates_g")
Difficulty = Literal["easy", "medium", "hard"]


@dataclass
class RecipeFacts:
    """The facts that a text states; None for the others. A range counts by its lower end."""

    servings: float | None = None
    yield_: RecipeYield | None = None
    prep_minutes: float | None = None
    cook_minutes: float | None = None
    total_minutes: float | None = None
    difficulty: Difficulty | None = None
    cuisine: str | None = None
    calories_kcal: float | None = None
    protein_g: float | None = None
    fat_g: float | None = None
    carbohydrates_g: float | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))

    def fill_missing(self, other: RecipeFacts) -> None:
        """Copy from `other` the facts that are missing."""
        for field in fields(self):
            if getattr(self, field.name) is None:
                setattr(self, field.name, getattr(other, field.name))


def temperature_c(text: TokenizedText) -> float | None:
    """Return the highest temperature in a text in °C; converted from °F, to the degree, only if none is in °C."""
    celsius: list[float] = []
    fahrenheit: list[float] = []
    at = 0
    while at < len(text):
        count = parse_number(text, at)
        at = count.end if count else at + 1
        if count is None or count.weak:
            continue
        if upper := range_end(text, at, count.value):
            at = upper.end
        scale = temperature_scale(text, at, count.value)
        if scale == "C":
            celsius.append(count.value)
        elif scale == "F":
            fahrenheit.append(round((count.value - 32) * 5 / 9))
    return max(celsius or fahrenheit, default=None)


def temperature_scale(text: TokenizedText, at: int, value: float) -> Literal["C", "F"] | None:
    marked = text.is_sign(at, "°") or text.is_word(at, text.lexicon.degrees)
    if marked:
        at += 1
    token, before = text.token_at(at), text.token_at(at - 1)
    word = token.folded if token else ""
    if token and before and before.kind == "number" and token.start == before.end and word in ("c", "f"):
        return "C" if word == "c" else "F"
    if word in ("celsius", "цельсия", "цельсию") or (token and token.text in ("C", "С")):
        return "C"
    if word in ("fahrenheit", "фаренгейта", "фаренгейту") or (token and token.text == "F"):
        return "F"
    if not marked:
        return None
    if text.lexicon.code != "en":
        return "C"
    return "F" if value >= LEAST_FAHRENHEIT else None


def parse_facts(text: TokenizedText) -> RecipeFacts:
    """Return the labelled facts of a line or sentence: `Serves 4`, `Prep time: 10 min`, `Schwierigkeit: einfach`."""
    stated = RecipeFacts(servings=parse_servings(text), yield_=parse_yield(text))
    at = 0
    while hit := text.lexicon.labels.find(text.tokens, at):
        _, at, label = hit
        value = at + 1 if text.is_sign(at, ":-–=") else at
        if about := text.phrase_at(value, text.lexicon.approximately):
            value = about[0]
        if label.endswith("_minutes"):
            length = parse_duration(text, value)
            if length and getattr(stated, label) is None and not text.is_word(length.end, text.lexicon.verbs):
                at = length.end
                setattr(stated, label, round(length.minutes, 2))
        elif label == "difficulty" and (level := text.lexicon.difficulties.match(text.tokens, value)):
            stated.difficulty = level[1]  # type: ignore[assignment]  # the tables' keys are the three levels
        elif label == "cuisine" and 1 <= len(text) - value <= MAX_CUISINE_WORDS:
            stated.cuisine = text.text_from(value)
    for name, amount in parse_nutrition(text).items():
        setattr(stated, name, amount)
    return stated


def parse_servings(text: TokenizedText) -> float | None:
    lexicon = text.lexicon
    for at in range(len(text)):
        count = parse_number(text, at)
        if count is None or count.weak:
            continue
        end = upper.end if (upper := range_end(text, count.end, count.value)) else count.end
        if text.is_word(end, lexicon.serving_words):
            return count.value
        stands_alone = end == len(text) or text.is_sign(end, ".,;|!)")
        is_dozens = text.value_of_word(count.end - 1) in MULTIPLES
        if stands_alone and not is_dozens and is_after_servings_label(text, at):
            return count.value
    return None


def is_after_servings_label(text: TokenizedText, at: int) -> bool:
    """Return True after `Servings:`, but not after `Calories per serving:`."""
    while text.is_sign(at - 1, ":-–="):
        at -= 1
    for start in range(max(0, at - 3), at):
        hit = text.lexicon.labels.match(text.tokens, start)
        if hit and hit == (at, "servings") and not text.is_word(start - 1, text.lexicon.per):
            return True
    return False


def parse_yield(text: TokenizedText) -> RecipeYield | None:
    """Return how much the recipe makes where it counts no servings: `Makes 12 cookies`, `Yield: 0.75 cup`."""
    lexicon = text.lexicon
    label = lexicon.yields.find(text.tokens)
    if label is None:
        return None
    at = label[1] + 1 if text.is_sign(label[1], ":-–=") else label[1]
    if hit := text.phrase_at(at, lexicon.approximately):
        at = hit[0]
    count = parse_number(text, at)
    if count is None or count.weak:
        return None
    end = upper.end if (upper := range_end(text, count.end, count.value)) else count.end
    if text.is_word(end, lexicon.serving_words) or lexicon.minutes.match(text.tokens, end):
        return None
    if unit := text.unit_at(end):
        return RecipeYield(amount=round(count.value * unit.factor, 4), unit=unit.name)
    counted = counted_words(text, end)
    is_dozens = text.value_of_word(count.end - 1) in MULTIPLES
    return RecipeYield(amount=count.value, unit=counted) if counted or is_dozens else None


def counted_words(text: TokenizedText, start: int) -> str | None:
    """Return the words that name what a number at a place counts: `chocolate chip cookies`."""
    end = start
    while (token := text.token_at(end)) and token.kind == "word" and token.folded not in text.lexicon.stops:
        end += 1
    return text.text_between(start, end) if 0 < end - start <= MAX_COUNTED_WORDS else None


def parse_nutrition(text: TokenizedText) -> dict[str, float]:
    """Return nutrients and amounts if the text names energy or two nutrients; one alone may be an ingredient."""
    amounts: dict[str, float] = {}
    at = 0
    while hit := text.lexicon.nutrients.find(text.tokens, at):
        start, at, name = hit
        value = skip_per_serving(text, at)
        after = parse_number(text, value)
        before = amount_before(text, start)
        count = after if after and not after.weak else before
        if count is not None:
            amounts.setdefault(name, count.value)
    amounts |= parse_macros(text) or parse_letters(text)
    return amounts if "calories_kcal" in amounts or len(amounts) > 1 else {}


def skip_per_serving(text: TokenizedText, at: int) -> int:
    """Return the index after `per serving:` or only after a sign, where the amount of a nutrient may be."""
    if text.is_word(at, text.lexicon.per):
        at = next((end for end in range(at + 1, min(at + 4, len(text))) if text.is_sign(end, ":-–=")), at)
    return at + 1 if text.is_sign(at, ":-–=") else at


def parse_macros(text: TokenizedText) -> dict[str, float]:
    """Return nutrients from numbers in a row: `КБЖУ на 100 г: 210/12/8/20`, `БЖУ: 12/8/20`."""
    label = text.lexicon.macros.find(text.tokens)
    if label is None:
        return {}
    _, end, count = label
    for start in range(end, len(text) - 2 * (count - 1)):
        numbers = [parse_number(text, at) for at in range(start, start + 2 * count, 2)]
        is_row = all(text.is_sign(at, "/-–") for at in range(start + 1, start + 2 * count - 1, 2))
        if is_row and all(numbers):
            return {name: number.value for name, number in zip(MACROS[-count:], numbers, strict=True) if number}
    return {}


def parse_letters(text: TokenizedText) -> dict[str, float]:
    """Return nutrients named by their first letters, if all three are: `P: 30g C: 45g F: 12g`, `35P / 40C / 12F`."""
    letters = text.lexicon.tables.nutrient_letters
    amounts: dict[str, float] = {}
    for at, token in enumerate(text.tokens):
        if name := letters.get(token.folded):
            after = parse_number(text, at + 2 if text.is_sign(at + 1, ":-–=") else at + 1)
            count = amount_before(text, at) or (after if after and not after.weak else None)
            if count:
                amounts.setdefault(name, count.value)
    return amounts if len(amounts) == len(set(letters.values())) else {}


def amount_before(text: TokenizedText, at: int) -> Number | None:
    """Return the number right before a place, with or without a `g`: `30 g protein`."""
    at -= text.is_word(at - 1, text.lexicon.of)
    for start in (at - 1, at - 2):
        count = parse_number(text, start) if start >= 0 else None
        if count and not count.weak:
            unit = text.unit_at(count.end)
            if at in (count.end, unit.end if unit and unit.name == "g" else None):
                return count
    return None
