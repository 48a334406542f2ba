"""Rate limits, and their counters, which all instances of a function share.

A counter is one small document for each subject and window of time. It is changed by compare-and-set, not written
after its window, and deleted by `sweep`.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import clock
from shared.errors import TransientError
from shared.platform.documents import compare_and_set
from shared.platform.ports import Documents

RATES = "rates"
OFF = "off"
PATTERN = r"[1-9][0-9]{0,5}/(second|minute|hour|day)|off"
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
# Exceeds the difference between the clocks of two instances.
EXPIRY_GRACE = timedelta(minutes=1)


class RateLimited(TransientError):
    """`rate_limited`: too many requests; try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__("rate_limited", message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.message, self.retry_after)


@dataclass(frozen=True)
class RateLimit:
    """At most `count` requests in a window of `seconds`."""

    count: int
    seconds: int

    def multiply(self, factor: int) -> RateLimit:
        return RateLimit(self.count * factor, self.seconds)


@dataclass(frozen=True)
class RateLimitStatus:
    """The state of a subject's counter.

    Attributes:
        policy: The name of the limit.
        remaining: Number of requests left in this window.
        reset_sec: Seconds until the next window begins, at least 1.
        within_limit: Whether this request is within the limit.
    """

    policy: str
    limit: RateLimit
    remaining: int
    reset_sec: int
    within_limit: bool = True

    def raise_if_limited(self) -> None:
        """Raises RateLimited unless this request is within the limit."""
        if not self.within_limit:
            seconds = "1 second" if self.reset_sec == 1 else f"{self.reset_sec} seconds"
            raise RateLimited(f"Too many requests. Try again in {seconds}.", self.reset_sec)


def parse_rate(text: str) -> RateLimit | None:
    """Parse `100/minute`; return None for `off`. Raises ValueError for anything else."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"{text!r} is not like 100/minute")
    if text == OFF:
        return None
    count, _, unit = text.partition("/")
    return RateLimit(int(count), SECONDS[unit])


def count_request(
    documents: Documents, policy: str, subject: str, limit: RateLimit, owner: str | None = None
) -> RateLimitStatus:
    """Count one request of `subject`, exactly, even if other instances count at the same time.

    Windows begin at multiples of their length (UTC). A request over the limit is not counted.

    Args:
        subject: A user, an address or any other text; only its digest is stored.
        owner: The user to whom the counter belongs, if any.

    Raises:
        Conflict: Too many requests at once.
    """
    start, end = current_window(limit)
    standing = RateLimitStatus(policy, limit, 0, seconds_until(end), within_limit=False)

    def increment(data: dict[str, Any] | None) -> dict[str, Any] | None:
        nonlocal standing
        used = data["count"] if data else 0
        is_within = used < limit.count
        remaining = max(0, limit.count - used - 1)
        standing = RateLimitStatus(policy, limit, remaining, seconds_until(end), is_within)
        return {"owner": owner, "count": used + 1, "expiresAt": end + EXPIRY_GRACE} if is_within else None

    compare_and_set(documents, RATES, counter_id(policy, subject, start), increment)
    return standing


def rate_status(documents: Documents, policy: str, subject: str, limit: RateLimit) -> RateLimitStatus:
    """Return the state of `subject` without counting; `within_limit` is True if a request is left."""
    start, end = current_window(limit)
    stored = documents.get(RATES, counter_id(policy, subject, start))
    used = stored.data["count"] if stored else 0
    return RateLimitStatus(policy, limit, max(0, limit.count - used), seconds_until(end), used < limit.count)


def current_window(limit: RateLimit) -> tuple[datetime, datetime]:
    """Return start and end of the current window."""
    number = int(clock.now().timestamp()) // limit.seconds
    start = datetime.fromtimestamp(number * limit.seconds, UTC)
    return start, start + timedelta(seconds=limit.seconds)


def seconds_until(end: datetime) -> int:
    return max(1, math.ceil((end - clock.now()).total_seconds()))


def counter_id(policy: str, subject: str, start: datetime) -> str:
    return hashlib.sha256(f"{policy}\n{start.isoformat()}\n{subject}".encode()).hexdigest()
