"""The clock of all code, which tests can move, and the waiting times that HTTP servers request."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


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
