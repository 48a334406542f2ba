"""Reads a stream of server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerSentEvent:
    id: str | None
    """The last id in the stream so far."""
    type: str
    data: str


def parse_events(stream: Iterable[bytes]) -> Iterator[ServerSentEvent]:
    """Yield the events of a stream; an event cut off before its blank line is dropped."""
    id: str | None = None
    type, data = "message", list[str]()
    for line in _split_lines(stream):
        if not line:
            if data:
                yield ServerSentEvent(id, type, "\n".join(data))
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


def _split_lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Yield lines that end with LF or CRLF. Other line breaks that Python knows may occur in the data."""
    remainder = b""
    for piece in stream:
        *complete_lines, remainder = (remainder + piece).split(b"\n")
        for line in complete_lines:
            yield line.removesuffix(b"\r").decode()
