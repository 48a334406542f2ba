"""Progress callbacks of long work."""

from __future__ import annotations

from collections.abc import Callable

Tick = Callable[[float, str], None]
"""Called with the fraction done (0 to 1) and the current activity; raises if the job was cancelled."""


def tick_within(tick: Tick, start: float, end: float) -> Tick:
    """Return a tick for a part of the work: maps 0 to 1 to `start` to `end` of the whole."""
    return lambda fraction, message: tick(start + (end - start) * fraction, message)


def tick_as(tick: Tick, start: float, end: float, message: str) -> Callable[[float], None]:
    """Return a tick as `tick_within` does, for work that reports only its fraction, with a fixed `message`."""
    return lambda fraction: tick(start + (end - start) * fraction, message)
