"""A time limit for work that another run continues."""

from __future__ import annotations

import time


class Deadline:
    """Ends a number of seconds after its creation."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def has_passed(self) -> bool:
        return time.monotonic() >= self._end
