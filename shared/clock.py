"""The clock of all code, which tests can move, and the waiting times that HTTP servers request.

On one machine, somebody or NTP may set the system's clock while jobs run. `start_steady_clock` then keeps leases and
deletions from following it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

STEADY_OFFSET = "CLIPWISE_CLOCK_OFFSET"
"""Variable with the seconds from the machine's start to 1970, for a server and the processes it starts."""
JUMP = timedelta(minutes=5)
DOUBT_SEC = 3600.0
"""So long, a clock that was set forward makes no data old enough to be deleted; it may be set back meanwhile."""
# Where the monotonic clock stands still while the machine sleeps, another one goes on.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def start_steady_clock(environ: MutableMapping[str, str]) -> None:
    """Let `steady_now` go on from the present time, here and in processes started with `environ`."""
    environ[STEADY_OFFSET] = repr(now().timestamp() - time.clock_gettime(_BOOT_CLOCK))


def steady_now() -> datetime:
    """Return the time for leases, which nobody sets while a server on one machine runs; elsewhere it is `now`."""
    offset = os.environ.get(STEADY_OFFSET)
    if offset is None:
        return now()
    return datetime.fromtimestamp(float(offset) + time.clock_gettime(_BOOT_CLOCK), UTC)


class DeletionClock:
    """The time by which data gets too old: that of `now`, but for an hour not of a clock that was set forward."""

    def __init__(self) -> None:
        self._believed = timedelta()
        self._doubted_since: datetime | None = None

    def now(self) -> datetime:
        steady = steady_now()
        ahead = now() - steady - self._believed
        if ahead <= JUMP:
            self._doubted_since = None
            return now()
        self._doubted_since = self._doubted_since or steady
        if (steady - self._doubted_since).total_seconds() < DOUBT_SEC:
            return steady + self._believed
        self._believed += ahead
        return now()


deletion_clock = DeletionClock()
"""Of this process."""


def parse_retry_after(value: str) -> float | None:
    """Return the seconds until the time in a `Retry-After` header (RFC 9110, 10.2.3), at least 0; None without a time.

    Accepts an HTTP date or a number of seconds, fractions too; reads no more than ten digits of it.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value[:10])
    try:
        return max(0.0, (parsedate_to_datetime(value) - now()).total_seconds())
    except (TypeError, ValueError):
        return None
