"""Forms of words that follow a rule, so that the tables need not list them."""

from __future__ import annotations

RUSSIAN_A = ("ть", "ем", "ю", "й", "йте")
RUSSIAN_I = ("ить", "им", "ите", "ь", "ьте")
GERMAN_ONES = ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
GERMAN_TENS = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
GERMAN_TEENS = ["zehn", "elf", "zwölf", "dreizehn", "vierzehn"]
GERMAN_TEENS += ["fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"]


def english_verb(verb: str) -> set[str]:
    """`mix`, `mixing`; `bake`, `baking`; `chop`, `chopping`."""
    if verb.endswith("e"):
        return {verb, verb[:-1] + "ing"}
    return {verb, verb + "ing", verb + verb[-1] + "ing"}


def german_verb(verb: str) -> set[str]:
    """`mischen`, `mische`, `mischt`; `schneiden`, `schneide`, `schneidet`."""
    stem = verb.removesuffix("n").removesuffix("e")
    return {verb, stem + "e", stem + "t", stem + "et"}


def russian_verb(stem: str) -> set[str]:
    """From `смешива`: `смешивать`, `смешиваем`, `смешивайте`."""
    return {stem + ending for ending in RUSSIAN_A}


def russian_i_verb(stem: str) -> set[str]:
    """From `вар`: `варить`, `варим`, `варите`."""
    return {stem + ending for ending in RUSSIAN_I}


def german_numbers() -> dict[str, float]:
    """Numbers to 999, and halves between whole ones, as German writes them: in one word. `ein` is an article."""
    small = {word: float(number) for number, word in enumerate(GERMAN_ONES, 1)}
    small |= {word: float(number) for number, word in enumerate(GERMAN_TEENS, 10)}
    for tens, word in enumerate(GERMAN_TENS, 2):
        small[word] = 10.0 * tens
        small |= {f"{unit}und{word}": 10.0 * tens + number for number, unit in enumerate(GERMAN_ONES, 1)}
    numbers = {**small, "hundert": 100.0, "tausend": 1000.0}
    for hundreds, word in enumerate(GERMAN_ONES, 1):
        numbers[f"{word}hundert"] = 100.0 * hundreds
        numbers[f"{word}einhalb"] = hundreds + 0.5
        numbers |= {f"{word}hundert{remainder}": 100 * hundreds + value for remainder, value in small.items()}
    del numbers["ein"]
    return numbers
