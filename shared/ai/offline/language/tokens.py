"""Split text into words, numbers and signs with their positions, and match phrases in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

FRACTIONS = {
    "½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅖": 2 / 5, "⅗": 3 / 5, "⅘": 4 / 5,
    "⅙": 1 / 6, "⅚": 5 / 6, "⅛": 1 / 8, "⅜": 3 / 8, "⅝": 5 / 8, "⅞": 7 / 8,
}  # fmt: skip
TOKEN = re.compile(
    rf"""
    (?P<fraction> [{"".join(FRACTIONS)}] | (?<![\d/]) [0-9]{{1,2}} [/⁄] [0-9]{{1,2}} (?: (?:rd|th)s? \b )? (?![\d/]) )
  | (?P<number>   [0-9]+ (?: [.,] [0-9]+ )* | (?<![\w.,]) \. [0-9]+ )
  | (?P<word>     [^\W\d_]+ (?: [-'’] [^\W\d_]+ )* )
  | (?P<sign>     \S )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class TextToken:
    """A piece of a text. `folded` is the form for lookups in tables: no case, ё as е."""

    text: str
    folded: str
    kind: Literal["fraction", "number", "word", "sign"]
    start: int
    end: int


def fold(text: str) -> str:
    return text.casefold().replace("ё", "е").replace("’", "'")


def tokenize(text: str) -> list[TextToken]:
    return [
        TextToken(match[0], fold(match[0]), match.lastgroup, match.start(), match.end())  # type: ignore[arg-type]
        for match in TOKEN.finditer(text)
    ]


def words(text: str) -> list[str]:
    """Return the folded words of `text`, without numbers and signs."""
    return [token.folded for token in tokenize(text) if token.kind == "word"]


Value = TypeVar("Value")


class PhraseTable(Generic[Value]):
    """Phrases with a value each; the longest match wins.

    Dots between words are ignored: `ст. л.` matches `ст л`.
    """

    def __init__(self, table: Mapping[str, Value], key: Callable[[str], str] = str) -> None:
        """Args: key: maps folded words to the form that is compared, e.g. their stem."""
        self.key = key
        self.by_first: dict[str, list[tuple[list[str], Value]]] = {}
        for phrase, value in table.items():
            parts = [key(token.folded) for token in tokenize(phrase) if token.text != "."]
            self.by_first.setdefault(parts[0], []).append((parts, value))
        for entries in self.by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def match(self, tokens: Sequence[TextToken], start: int) -> tuple[int, Value] | None:
        """Match the phrase that starts at token `start`; return the index after it, and its value."""
        if start >= len(tokens):
            return None
        for parts, value in self.by_first.get(self.key(tokens[start].folded), ()):
            end = self.match_end(parts, tokens, start)
            if end is not None:
                return end, value
        return None

    def match_end(self, parts: Sequence[str], tokens: Sequence[TextToken], start: int) -> int | None:
        """Return the index after `parts` if they start at token `start`."""
        at = start
        for number, part in enumerate(parts):
            while number and at < len(tokens) and tokens[at].text == ".":
                at += 1
            if at >= len(tokens) or self.key(tokens[at].folded) != part:
                return None
            at += 1
        return at

    def find(self, tokens: Sequence[TextToken], start: int = 0) -> tuple[int, int, Value] | None:
        """Find the first phrase at or after token `start`; return its index, the index after it, and its value."""
        for at in range(start, len(tokens)):
            if hit := self.match(tokens, at):
                return at, *hit
        return None
