"""Questions about places in a text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.phrases import PhraseTable
from shared.ai.offline.language.tokens import TextToken, tokenize


@dataclass(frozen=True)
class Unit:
    """A unit that was read; `factor` of them are one of its form (a German Pfund is 500 g)."""

    name: str
    factor: float
    end: int


class TokenizedText:
    """A text's tokens, in a language. Places are indexes of tokens; `end` is always the index after the last one."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text = text
        self.lexicon = lexicon
        self.tokens = tokenize(text)

    def __len__(self) -> int:
        return len(self.tokens)

    def token_at(self, at: int) -> TextToken | None:
        return self.tokens[at] if 0 <= at < len(self.tokens) else None

    def is_sign(self, at: int, signs: Collection[str]) -> bool:
        token = self.token_at(at)
        return token is not None and token.text in signs

    def is_word(self, at: int, among: Collection[str]) -> bool:
        token = self.token_at(at)
        return token is not None and token.folded in among

    def value_of_word(self, at: int) -> float | None:
        """The value of a number word."""
        token = self.token_at(at)
        return self.lexicon.numbers.get(token.folded) if token else None

    def skip_dot(self, end: int) -> int:
        return end + 1 if self.is_sign(end, ".") else end

    def phrase_at(self, at: int, table: PhraseTable[bool]) -> tuple[int, str] | None:
        """The phrase of `table` at a place: the end of it and of a dot after it, and its text."""
        hit = table.match(self.tokens, at)
        if not hit:
            return None
        end = self.skip_dot(hit[0])
        return end, self.text_between(at, end)

    def unit_at(self, at: int) -> Unit | None:
        """The unit at a place, with its dot."""
        if scaled := self.lexicon.scaled_units.match(self.tokens, at):
            end, (factor, name) = scaled
            return Unit(name, factor, self.skip_dot(end))
        if match := self.lexicon.units.match(self.tokens, at):
            end, name = match
            return Unit(name, 1, self.skip_dot(end))
        return None

    def text_between(self, start: int, end: int) -> str:
        """The text from token `start` to before token `end`."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end] if start < end else ""

    def text_from(self, start: int) -> str:
        return self.text[self.tokens[start].start :] if start < len(self.tokens) else ""

    def bracket_at(self, at: int) -> tuple[int, str] | None:
        """The end of a pair of brackets that opens at a place, and what stands in it."""
        if not self.is_sign(at, "("):
            return None
        for end in range(at + 1, len(self.tokens)):
            if self.tokens[end].text == ")":
                return (end + 1, self.text_between(at + 1, end)) if end > at + 1 else None
        return None
