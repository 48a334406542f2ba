"""What a process makes once, whichever of its threads needs it first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Returns what `make` returned at the first call.

    Unlike `functools.cache`, threads that call it at the same time get the same object: the others wait for the first.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._made: tuple[T, ...] = ()
        update_wrapper(self, make)

    def __call__(self) -> T:
        made = self._made
        if not made:
            with self._lock:
                made = self._made = self._made or (self._make(),)
        return made[0]

    @property
    def is_made(self) -> bool:
        return bool(self._made)

    def cache_clear(self) -> None:
        """Have the next call make it again."""
        with self._lock:
            self._made = ()


def once(make: Callable[[], T]) -> Once[T]:
    """Decorate a function without arguments that makes something the process must not have twice."""
    return Once(make)
