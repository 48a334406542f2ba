"""Reads a stream of server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    id: str | None
    """The last id in the stream so far."""
    type: str
    data: str


def read(stream: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events of a stream; an event cut off before its blank line is dropped."""
    id: str | None = None
    type, data = "message", list[str]()
    for line in _lines(stream):
        if not line:
            if data:
                yield Event(id, type, "\n".join(data))
            type, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            type = value
        elif name == "id":
            id = value


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Yield lines that end with LF or CRLF. Other line breaks that Python knows may occur in the data."""
    rest = b""
    for piece in stream:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode()
