"""The markers of an answer: `[2]` where it rests on the second passage. Those that stand for none are dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

NUMBERS = r"\d[\d\s,;–-]*"
MARKER = re.compile(rf"\s*[\[【]\s*({NUMBERS})[\]】]")
PARTIAL_MARKER = re.compile(rf"\s*[\[【]\s*(?:{NUMBERS})?$|\s+$")
"""What may turn out to be a marker, at the end of a text."""
MAX_MARKER_CHARACTERS = 60
"""Characters that a marker may have, with the spaces before it."""
RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)|(\d+)")


class MarkerParser:
    """Finds the markers of a text that comes in pieces, and numbers those that are right from 1, as they come.

    Attributes:
        passages: Numbers of passages (from 1, as the model knows them) in the order in which they are first cited.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pending = ""
        self.passages: list[int] = []

    def read(self, pieces: Iterable[str]) -> Iterator[str]:
        """The text with right markers only; a marker is whole in one piece, and `passages` knows it by then."""
        for piece in pieces:
            yield from filter(None, ["".join(map(self._read_character, piece))])
        yield from filter(None, [MARKER.sub(self._renumber, self._pending)])

    def _read_character(self, character: str) -> str:
        """Add one character; return the text that can no longer become a marker.

        By single characters, so that where the pieces end makes no difference to a marker that is too long.
        """
        text = self._pending + character
        partial = PARTIAL_MARKER.search(text)
        if partial and len(text) - partial.start() <= MAX_MARKER_CHARACTERS:
            text, self._pending = text[: partial.start()], text[partial.start() :]
        else:
            self._pending = ""
        return MARKER.sub(self._renumber, text)

    def _renumber(self, marker: re.Match[str]) -> str:
        valid = [number for number in expand_numbers(marker[1], self._count) if 1 <= number <= self._count]
        self.passages += [number for number in dict.fromkeys(valid) if number not in self.passages]
        replacement = "".join(f"[{self.passages.index(number) + 1}]" for number in dict.fromkeys(valid))
        return marker[0][: len(marker[0]) - len(marker[0].lstrip())] + replacement if replacement else ""


def expand_numbers(text: str, most: int) -> Iterator[int]:
    """`1, 3-5` as 1, 3, 4, 5; of a range no more than `most`."""
    for first, last, single in RANGE.findall(text):
        if single:
            yield int(single[:9])
        else:
            yield from range(int(first[:9]), min(int(last[:9]), int(first[:9]) + most) + 1)
