"""Texts by a model, for which links that its material does not contain are removed, and characters that no one sees.

Material by strangers may ask a model for a link, or for a picture whose address carries other words of the material.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import unescape
from typing import TypeVar

from pydantic import BaseModel

REMOVED = "(link removed)"
JOINERS = "\u200c\u200d"
"""Invisible, but some scripts and emoji need them."""
KEPT_CONTROLS = f"\n\t{JOINERS}"
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Scripts without spaces between words."""
LETTER = rf"[^\W{UNSPACED}]"
START = (
    r"(?:(?:https?|ftp|wss?):[/\\]*+|[a-z][a-z0-9+-]{1,15}://|www\.|(?:javascript|vbscript|mailto|tel|sms):"
    rf"|data:[a-z]+/|(?<!{LETTER})(?<![:/\\])(?://|\\\\)(?=[\w-]+\.\w)|(?<=[<(='\"])//(?=\w))"
)
"""Start of a link: a scheme, `www.`, or the two slashes of an address with the page's scheme."""
DOMAIN = (
    rf"(?<!{LETTER})(?<![.@/-])(?:(?:{LETTER}|-){{2,63}}\.)+(?-i:[^\W\d_A-Z{UNSPACED}]{{2,24}}|[^\W\d_a-z{UNSPACED}]{{2,24}})"
    r"(?::\d+)?[/?#](?=[^\s<>])"
)
"""A domain before a path, which some programs display as a link. `Min.Salz/Pfeffer` lacks a space and is none."""
EMAIL = rf"(?:{LETTER}|[.+-]){{1,64}}@(?:(?:{LETTER}|-){{1,63}}\.)+[^\W\d_{UNSPACED}]{{2,24}}"
LINK = rf"(?:(?<=<){START}[^<>\n]+|(?:{START}|{DOMAIN})[^\s<>]+|{EMAIL})"
PARTIAL_HOST = re.compile(r"(?://|\\\\)[\w.-]*$")
WORD = re.compile(rf"[^\s<>\[\]{UNSPACED}]+")
REVERSED_END = re.compile(r"(?:\]\d+\[|[.,;:!?…'’\"”»*_~)\]}>|`])*")
"""Punctuation and markers of citations after a link, read backwards."""
MAX_LINK_CHARACTERS = 2_000
M = TypeVar("M", bound=BaseModel)


@lru_cache(maxsize=1)
def link_pattern() -> re.Pattern[str]:
    """Compile LINK, which takes 0.1 s, for the first text: most instances of the API answer without a model."""
    return re.compile(LINK, re.IGNORECASE)


class LinkFilter:
    """Removes links that are not in `known`, the texts that the model was sent."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = "\n".join(known).lower()

    def filter_text(self, text: str) -> str:
        """Return the text without invented links, terminal escapes, and other control and formatting characters."""
        return link_pattern().sub(self._replace, WORD.sub(self._filter_word, remove_controls(text)))

    def filter_stream(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the text of a stream, in which no link and no possible start of one is split.

        Raises what the stream raises, after the text before it.
        """
        pending = ""
        try:
            for piece in map(remove_controls, pieces):
                is_open = bool(pending) and (not piece or WORD.fullmatch(piece) is not None)
                pending += piece
                if is_open and len(pending) <= MAX_LINK_CHARACTERS:
                    # What was held back goes on: scanning it again for each piece would take quadratic time.
                    continue
                start = _open_link_start(pending)
                if len(pending) - start > MAX_LINK_CHARACTERS:
                    start = len(pending)
                ready, pending = pending[:start], pending[start:]
                if ready:
                    yield self.filter_text(ready)
        except Exception:
            if pending:
                yield self.filter_text(pending)
            raise
        if pending:
            yield self.filter_text(pending)

    def filter_model(self, result: M) -> M:
        """Filter every text in a model, in place, and return it."""
        for name in type(result).model_fields:
            setattr(result, name, self._filter_value(getattr(result, name)))
        return result

    def _filter_value(self, value: object) -> object:
        if isinstance(value, str):
            return self.filter_text(value)
        if isinstance(value, BaseModel):
            return self.filter_model(value)
        return [self._filter_value(item) for item in value] if isinstance(value, list) else value

    def _filter_word(self, match: re.Match[str]) -> str:
        """Filter a word that becomes a link only once a reader's program has decoded it."""
        word = match[0]
        if word.isascii() and "&" not in word:
            return word
        unknown = link_pattern().sub(lambda link: "" if self._is_known(link[0]) else link[0], word)
        decoded = unicodedata.normalize("NFKC", unescape(remove_controls(unknown, kept="")))
        if decoded == unknown:
            return word
        filtered = link_pattern().sub(self._replace, remove_controls(decoded))
        return filtered if filtered != decoded else word

    def _replace(self, match: re.Match[str]) -> str:
        link = _trim_end(match[0])
        return match[0] if self._is_known(link) else REMOVED + match[0][len(link) :]

    def _is_known(self, link: str) -> bool:
        return _trim_end(link).lower() in self._known


def _trim_end(link: str) -> str:
    end = REVERSED_END.match(link[::-1])
    return link[: len(link) - (end.end() if end else 0)]


def remove_controls(text: str, kept: str = KEPT_CONTROLS) -> str:
    """Return the text without control, formatting and bidirectional characters, except those in `kept`."""
    if text.isprintable():
        return text
    return "".join(sign for sign in text if sign in kept or unicodedata.category(sign)[0] != "C")


def _open_link_start(text: str) -> int:
    """Return where a link begins, or may begin, that goes on to the end of the text; its length without one.

    A `<` before it belongs to it, as a link in angle brackets may contain spaces.
    """
    patterns = (link_pattern(), WORD, PARTIAL_HOST)
    starts = (match.start() for pattern in patterns for match in pattern.finditer(text) if match.end() == len(text))
    start = min(starts, default=len(text))
    start = next((word.start() for word in WORD.finditer(text) if word.start() < start < word.end()), start)
    return start - text.endswith("<", 0, start)
