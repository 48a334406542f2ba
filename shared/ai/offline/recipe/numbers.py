"""Numbers at a place in a text: digits, fractions and words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tokens import FRACTIONS, TextToken
from shared.ai.offline.recipe.cursor import TokenizedText

ONE_BY_SHAPE = {"l", "I", "|"}
"""What OCR makes of a 1; taken for one only where a unit follows."""
MAX_LENGTH = 9
"""Of digits and signs together; longer ones are telephone numbers and the like."""


@dataclass(frozen=True)
class Number:
    """A number that was read. `weak`: an article, which is no number in itself."""

    value: float
    end: int
    weak: bool = False


def parse_digits(text: str, lexicon: Lexicon) -> float | None:
    """The value of digits with `.` and `,` as the language means them; None when they make no number."""
    separators = [char for char in text if char in ".,"]
    if not separators:
        return float(text)
    last = separators[-1]
    whole, part = text.rsplit(last, 1)
    decimal, thousands = lexicon.tables.decimal, lexicon.tables.thousands
    if len(separators) == 1 and (
        last == decimal or last != thousands or len(part) != 3 or len(whole) > 3 or whole == "0"
    ):
        return float(f"{whole}.{part}")
    alike = len(set(separators)) == 1
    groups = re.split("[.,]", text if alike else whole)
    if any(len(group) != 3 for group in groups[1:]) or len(groups[0]) > 3:
        return None
    return float("".join(groups)) if alike else float(f"{''.join(groups)}.{part}")


def fraction_value(token: TextToken) -> float | None:
    if token.text in FRACTIONS:
        return FRACTIONS[token.text]
    top, _, bottom = token.text.partition("/")
    return int(top) / int(bottom) if int(bottom) else None


def parse_number(text: TokenizedText, at: int) -> Number | None:
    """The number that starts at a place, if there is one."""
    token = text.token_at(at)
    if token is None:
        return None
    if token.kind == "fraction":
        value = fraction_value(token)
        return None if value is None else Number(value, at + 1)
    if token.kind == "number":
        return number_from_digits(text, at)
    if token.folded in text.lexicon.articles:
        value = text.value_of_word(at + 1)
        stands_before_number = value is not None and (value < 1 or value in (12, 100, 1000))
        return number_from_words(text, at + 1) if stands_before_number else Number(1, at + 1, weak=True)
    if token.folded in text.lexicon.numbers:
        return number_from_words(text, at)
    if token.text in ONE_BY_SHAPE and text.unit_at(at + 1):
        return Number(1, at + 1)
    return None


def number_from_digits(text: TokenizedText, at: int) -> Number | None:
    token = text.tokens[at]
    value = parse_digits(token.text, text.lexicon) if len(token.text) <= MAX_LENGTH else None
    if value is None:
        return None
    following = text.token_at(at + 1)
    grouped_by_space = (
        text.lexicon.tables.thousands != ","
        and re.fullmatch(r"[1-9]\d{0,2}", token.text)
        and following is not None
        and re.fullmatch(r"\d{3}", following.text)
        and following.start == token.end + 1
        and text.unit_at(at + 2)
    )
    if grouped_by_space and following:
        return Number(value * 1000 + float(following.text), at + 2)
    return add_fraction(text, Number(value, at + 1))


def add_fraction(text: TokenizedText, whole: Number) -> Number:
    """`1½`, `1 1/2`, `1-1/2`, `two and a half`, `два с половиной`."""
    if whole.value != int(whole.value):
        return whole
    at = whole.end
    has_joiner = text.is_sign(at, "-") or text.is_word(at, text.lexicon.joiners)
    if has_joiner:
        at += 2 if text.is_word(at + 1, text.lexicon.articles) else 1
    token = text.token_at(at)
    if token is None:
        return whole
    part = fraction_value(token) if token.kind == "fraction" else text.value_of_word(at)
    if part is not None and part < 1 and (has_joiner or token.kind == "fraction"):
        return Number(whole.value + part, at + 1)
    return whole


def number_from_words(text: TokenizedText, at: int) -> Number:
    """`twenty five`, `two hundred and fifty`, `three quarters of a`, `двести пятьдесят`."""
    value = text.lexicon.numbers[text.tokens[at].folded]
    at += 1
    while True:
        adjacent = at
        if text.is_sign(at, "-") or (value >= 100 and text.is_word(at, text.lexicon.joiners)):
            adjacent += 1
        part = text.value_of_word(adjacent)
        if part is None:
            break
        if adjacent == at and (part < 1 or (part >= 100 and value < part)):
            value *= part
        elif 1 <= part < 100 and (value % 100 == 0 or (part < 10 and value >= 20 and value % 10 == 0)):
            value += part
        else:
            break
        at = adjacent + 1
    if value >= 1:
        return add_fraction(text, Number(value, at))
    while text.is_word(at, text.lexicon.of | text.lexicon.articles):
        at += 1
    return Number(value, at)
