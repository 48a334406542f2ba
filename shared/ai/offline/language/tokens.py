"""Words, numbers and signs of a text, with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

FRACTIONS = {
    "½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅖": 2 / 5, "⅗": 3 / 5, "⅘": 4 / 5,
    "⅙": 1 / 6, "⅚": 5 / 6, "⅛": 1 / 8, "⅜": 3 / 8, "⅝": 5 / 8, "⅞": 7 / 8,
}  # fmt: skip

TOKEN = re.compile(
    rf"""
    (?P<fraction> [{"".join(FRACTIONS)}] | (?<![\d/]) [0-9]{{1,2}} [/⁄] [0-9]{{1,2}} (?![\d/]) )
  | (?P<number>   [0-9]+ (?: [.,] [0-9]+ )* )
  | (?P<word>     [^\W\d_]+ (?: [-'’] [^\W\d_]+ )* )
  | (?P<sign>     \S )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class TextToken:
    """A piece of a text. `folded` is what tables are asked for: no case, ё as е."""

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
    """The folded words of `text`, without numbers and signs."""
    return [token.folded for token in tokenize(text) if token.kind == "word"]
