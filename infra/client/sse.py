"""Reads a stream of server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    id: str | None
    """The last id that the stream has given so far."""
    type: str
    data: str


def read(stream: Iterable[bytes]) -> Iterator[Event]:
    """The events in a stream; one that is cut off before its blank line is dropped."""
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
    """Lines that end with LF or CRLF. Other characters that Python takes for line ends may stand in the data."""
    rest = b""
    for piece in stream:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode()
