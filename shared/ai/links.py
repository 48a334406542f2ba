"""Links in what a model wrote: those that its material does not contain are removed.

Material by strangers may ask a model for a link, or for a picture whose address carries other words of the material.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import BaseModel

REMOVED = "(link removed)"
LINK = re.compile(
    r"(?:[a-z][a-z0-9+-]{1,15}://|www\.|(?:javascript|vbscript|mailto):|data:[a-z]+/)[^\s<>\[\]\"“”«»|\\^`]+",
    re.IGNORECASE,
)
PARTIAL_LINK = re.compile(r"(?:data:[a-z]{0,20}/?|www\.|[a-z][a-z0-9+-]{0,15}(?::/{0,2})?)$", re.IGNORECASE)
"""A possible start of a link at the end of a text. Schemes with a dot are not in use."""
TRAILING = ".,;:!?…'’*_~)]}>"
MAX_LINK_CHARACTERS = 2_000
M = TypeVar("M", bound=BaseModel)


class LinkFilter:
    """Removes links that are not in `known`, the texts that the model was sent."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = "\n".join(known).lower()

    def filter_text(self, text: str) -> str:
        return LINK.sub(self._replace, text)

    def filter_stream(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the text of a stream, in which no link and no possible start of one is split.

        Raises what the stream raises, after the text before it.
        """
        pending = ""
        try:
            for piece in pieces:
                pending += piece
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

    def _replace(self, match: re.Match[str]) -> str:
        link = match[0].rstrip(TRAILING)
        return match[0] if link.lower() in self._known else REMOVED + match[0][len(link) :]


def _open_link_start(text: str) -> int:
    """Return where a link begins, or may begin, that goes on to the end of the text; its length without one."""
    for match in LINK.finditer(text):
        if match.end() == len(text):
            return match.start()
    partial = PARTIAL_LINK.search(text)
    return partial.start() if partial else len(text)
