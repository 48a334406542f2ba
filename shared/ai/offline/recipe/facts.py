"""Facts that a text states about a dish or a step: times, heat, servings, difficulty, nutrition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from shared.ai.offline.recipe.quantity import Number, has_half_after, parse_number, range_end
from shared.ai.offline.recipe.text import TokenizedText

MINUTES_PER_HOUR = 60
LEAST_FAHRENHEIT = 275
"""In English, bare `350 degrees` are Fahrenheit from this value on: kitchen ovens do not reach it in Celsius."""
MAX_CUISINE_WORDS = 3
Difficulty = Literal["easy", "medium", "hard"]


@dataclass(frozen=True)
class Duration:
    minutes: float
    start: int
    end: int


@dataclass
class RecipeFacts:
    """The facts that a text states; None for the others. A range counts by its lower end."""

    servings: float | None = None
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


def find_durations(text: TokenizedText) -> Iterator[Duration]:
    """Yield the durations in a text: `1 hour 30 minutes`, `20–25 Min.`, `полчаса`."""
    at = 0
    while at < len(text):
        length = parse_duration(text, at)
        if length and not text.is_word(at - 1, text.lexicon.every):
            yield length
        at = length.end if length else at + 1


def parse_duration(text: TokenizedText, start: int) -> Duration | None:
    first = parse_time(text, start)
    if first is None:
        return None
    minutes, at = first.minutes, first.end
    if has_half_after(text, at):
        return Duration(minutes * 1.5, start, at + 3)
    next_at = at + 1 if text.is_word(at, text.lexicon.joiners) else at
    second = parse_time(text, next_at)
    if second and second.minutes < minutes and minutes >= MINUTES_PER_HOUR:
        return Duration(minutes + second.minutes, start, second.end)
    return first


def parse_time(text: TokenizedText, start: int) -> Duration | None:
    """Parse a number, or a range, with a unit of time."""
    count = parse_number(text, start)
    if count is None:
        return parse_half_unit(text, start)
    at = count.end
    upper = range_end(text, at, count.value)
    if upper:
        at = upper.end
    if text.is_sign(at, "-"):
        at += 1
    unit = text.lexicon.minutes.match(text.tokens, at)
    return Duration(count.value * unit[1], start, text.skip_dot(unit[0])) if unit else None


def parse_half_unit(text: TokenizedText, at: int) -> Duration | None:
    """Parse half a unit in one word: `полчаса`."""
    prefix, token = text.lexicon.tables.half_prefix, text.token_at(at)
    if prefix and token and token.folded.startswith(prefix):
        unit = text.lexicon.minutes.match(TokenizedText(token.folded[len(prefix) :], text.lexicon).tokens, 0)
        return Duration(unit[1] / 2, at, at + 1) if unit else None
    return None


def longest_minutes(text: TokenizedText) -> float | None:
    """Return the longest duration in a step, in minutes."""
    return max((round(length.minutes, 2) for length in find_durations(text)), default=None)


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
    stated = RecipeFacts(servings=parse_servings(text))
    at = 0
    while hit := text.lexicon.labels.find(text.tokens, at):
        _, at, label = hit
        value = at + 1 if text.is_sign(at, ":-–=") else at
        if label.endswith("_minutes"):
            length = parse_duration(text, value)
            if length and getattr(stated, label) is None:
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
        label = at - 1
        while text.is_sign(label, ":-–="):
            label -= 1
        stands_alone = end == len(text) or text.is_sign(end, ".,;|!)")
        if stands_alone and any(
            hit[1] == "servings" and hit[0] == label + 1
            for start in range(max(0, label - 2), label + 1)
            if (hit := lexicon.labels.match(text.tokens, start))
        ):
            return count.value
    return None


def parse_nutrition(text: TokenizedText) -> dict[str, float]:
    """Return nutrients and amounts if the text names energy or two nutrients; one alone may be an ingredient."""
    amounts: dict[str, float] = {}
    at = 0
    while hit := text.lexicon.nutrients.find(text.tokens, at):
        start, at, name = hit
        value = at + 1 if text.is_sign(at, ":-–=") else at
        after = parse_number(text, value)
        before = amount_before(text, start)
        count = after if after and not after.weak else before
        if count is not None:
            amounts.setdefault(name, count.value)
    return amounts if "calories_kcal" in amounts or len(amounts) > 1 else {}


def amount_before(text: TokenizedText, at: int) -> Number | None:
    """Return the number right before a place, with or without a `g`: `30 g protein`."""
    for start in (at - 1, at - 2):
        count = parse_number(text, start) if start >= 0 else None
        if count and not count.weak:
            unit = text.unit_at(count.end)
            if at in (count.end, unit.end if unit and unit.name == "g" else None):
                return count
    return None
