"""Counts requests in this process's memory, in windows of time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from shared.platform.rate_limits import RateLimit, RateLimitStatus

CAPACITY = 50_000
"""Most windows in memory, about 18 MB."""


@dataclass(slots=True)
class Window:
    end: float
    count: int = 0


class WindowCounters:
    """Counters that may be used from several threads. A window begins with the first request of a client.

    Ended windows are dropped when there are too many. If too many have not ended, those that began first are dropped.

    Args:
        now: Returns seconds of a clock that never goes back.
    """

    def __init__(self, capacity: int = CAPACITY, now: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._now = now
        self._lock = threading.Lock()
        # In the order in which they began.
        self._windows: dict[tuple[str, str, RateLimit], Window] = {}

    def count(self, policy: str, client: str, limit: RateLimit) -> RateLimitStatus:
        """Count one request, whether or not it is within the limit."""
        key = policy, client, limit
        with self._lock:
            now = self._now()
            window = self._windows.get(key)
            if window is None or window.end <= now:
                window = self._begin_window(key, now)
            window.count += 1
            count = window.count
        remaining, reset_sec = max(0, limit.count - count), max(1, math.ceil(window.end - now))
        return RateLimitStatus(policy, limit, remaining, reset_sec, count <= limit.count)

    def _begin_window(self, key: tuple[str, str, RateLimit], now: float) -> Window:
        self._windows.pop(key, None)
        if len(self._windows) >= self._capacity:
            self._make_room(now)
        window = self._windows[key] = Window(now + key[2].seconds)
        return window

    def _make_room(self, now: float) -> None:
        """Leave at most half of the capacity, so that this happens rarely."""
        self._windows = {key: window for key, window in self._windows.items() if window.end > now}
        excess = len(self._windows) - self._capacity // 2
        for key in list(islice(self._windows, max(0, excess))):
            del self._windows[key]
