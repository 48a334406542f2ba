"""Who pays for the runs of a paid source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class SpendingAccount:
    """What an owner may spend, without the place where it is kept.

    Attributes:
        allow: Called before each paid run; raises PermanentError to prevent it.
        book: Called with the cost of each run in US dollars.
    """

    allow: Callable[[], None]
    book: Callable[[float], None]


UNLIMITED = SpendingAccount(lambda: None, lambda _: None)
