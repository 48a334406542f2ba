"""Progress of long work, as it reports it."""

from __future__ import annotations

from collections.abc import Callable

Tick = Callable[[float, str], None]
"""Called with the fraction done (0 to 1) and what is being done; raises when the job was cancelled."""


def tick_within(tick: Tick, start: float, end: float) -> Tick:
    """Return a tick for a part of the work: its 0 to 1 is `start` to `end` of the whole."""
    return lambda fraction, message: tick(start + (end - start) * fraction, message)


def tick_as(tick: Tick, start: float, end: float, message: str) -> Callable[[float], None]:
    """As `tick_within`, for work that reports its fraction only; `message` says what is being done."""
    return lambda fraction: tick(start + (end - start) * fraction, message)
