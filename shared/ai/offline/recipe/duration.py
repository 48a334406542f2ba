"""Parse durations in a text: `1 hour, 30 minutes`, `20–25 Min.`, `1:30 Std.`, `полчаса`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.ai.offline.recipe.number import RANGE_SIGNS, fraction_after, parse_number, range_end
from shared.ai.offline.recipe.text import TokenizedText

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
