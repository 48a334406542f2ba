"""Tables of phrases that are asked what stands at a place in a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from shared.ai.offline.language.tokens import TextToken, tokenize

Value = TypeVar("Value")


class PhraseTable(Generic[Value]):
    """Phrases with a value each; the longest that fits wins.

    Dots between words do not count: `ст. л.` is found as `ст л`.
    """

    def __init__(self, table: Mapping[str, Value], key: Callable[[str], str] = str) -> None:
        """`key` makes two folded words the same, e.g. their stem."""
        self.key = key
        self.by_first: dict[str, list[tuple[list[str], Value]]] = {}
        for phrase, value in table.items():
            parts = [key(token.folded) for token in tokenize(phrase) if token.text != "."]
            self.by_first.setdefault(parts[0], []).append((parts, value))
        for entries in self.by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def match(self, tokens: Sequence[TextToken], start: int) -> tuple[int, Value] | None:
        """The phrase that starts at token `start`: the index after it, and its value."""
        if start >= len(tokens):
            return None
        for parts, value in self.by_first.get(self.key(tokens[start].folded), ()):
            end = self.match_end(parts, tokens, start)
            if end is not None:
                return end, value
        return None

    def match_end(self, parts: Sequence[str], tokens: Sequence[TextToken], start: int) -> int | None:
        at = start
        for number, part in enumerate(parts):
            while number and at < len(tokens) and tokens[at].text == ".":
                at += 1
            if at >= len(tokens) or self.key(tokens[at].folded) != part:
                return None
            at += 1
        return at

    def find(self, tokens: Sequence[TextToken], start: int = 0) -> tuple[int, int, Value] | None:
        """The first phrase at or after token `start`: where it begins, the index after it, its value."""
        for at in range(start, len(tokens)):
            if hit := self.match(tokens, at):
                return at, *hit
        return None
