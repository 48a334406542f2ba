"""How often something may be done: allowances, and counts of them that all instances of a function share.

A count is one small document for each window of time and each one who is limited: changed by compare-and-set, written
by nobody once its window is over, and removed by `sweep`.
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
from shared.platform.cas import compare_and_set
from shared.platform.ports import Documents

RATES = "rates"
OFF = "off"
PATTERN = r"[1-9][0-9]{0,5}/(second|minute|hour|day)|off"
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
# No instance's clock is this far behind another's.
KEEP = timedelta(minutes=1)


class RateLimited(TransientError):
    """`rate_limited`: too often; `retry_after` tells in how many seconds it is worth trying again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__("rate_limited", message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.message, self.retry_after)


@dataclass(frozen=True)
class Allowance:
    """So many times in a window of so many seconds."""

    count: int
    seconds: int

    def times(self, factor: int) -> Allowance:
        return Allowance(self.count * factor, self.seconds)


@dataclass(frozen=True)
class Standing:
    """What one who is limited has left.

    Attributes:
        policy: The name of what is limited.
        remaining: How many more times within this window.
        reset_sec: Seconds until the next window begins, at least 1.
        passed: Whether this time was within the allowance.
    """

    policy: str
    allowed: Allowance
    remaining: int
    reset_sec: int
    passed: bool = True

    def require(self) -> None:
        """Raises RateLimited unless this time was within the allowance."""
        if not self.passed:
            seconds = "second" if self.reset_sec == 1 else f"{self.reset_sec} seconds"
            raise RateLimited(f"That was too often; try again in {seconds}.", self.reset_sec)


def allowance(text: str) -> Allowance | None:
    """`100/minute` as an allowance; None for `off`. Raises ValueError for what is neither."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"{text!r} is not like 100/minute")
    if text == OFF:
        return None
    count, _, unit = text.partition("/")
    return Allowance(int(count), SECONDS[unit])


def count(documents: Documents, policy: str, who: str, allowed: Allowance, owner: str | None = None) -> Standing:
    """Count one time for `who`, exactly, whatever other instances count meanwhile.

    Windows begin at multiples of their length (UTC). What is refused is not counted.

    Args:
        who: Whoever is limited, as any text; only its digest is stored.
        owner: The user whom the count belongs to, if it is one's.

    Raises:
        Conflict: Too many at once.
    """
    start, end = window(allowed)
    standing = Standing(policy, allowed, 0, reset(end), passed=False)

    def add(data: dict[str, Any] | None) -> dict[str, Any] | None:
        nonlocal standing
        used = data["count"] if data else 0
        passed = used < allowed.count
        remaining = max(0, allowed.count - used - 1)
        standing = Standing(policy, allowed, remaining, reset(end), passed)
        return {"owner": owner, "count": used + 1, "expiresAt": end + KEEP} if passed else None

    compare_and_set(documents, RATES, count_id(policy, who, start), add)
    return standing


def look(documents: Documents, policy: str, who: str, allowed: Allowance) -> Standing:
    """How `who` stands, without counting; `passed` tells whether there is any left."""
    start, end = window(allowed)
    stored = documents.get(RATES, count_id(policy, who, start))
    used = stored.data["count"] if stored else 0
    return Standing(policy, allowed, max(0, allowed.count - used), reset(end), used < allowed.count)


def window(allowed: Allowance) -> tuple[datetime, datetime]:
    """Beginning and end of the window that it is now."""
    number = int(clock.now().timestamp()) // allowed.seconds
    start = datetime.fromtimestamp(number * allowed.seconds, UTC)
    return start, start + timedelta(seconds=allowed.seconds)


def reset(end: datetime) -> int:
    return max(1, math.ceil((end - clock.now()).total_seconds()))


def count_id(policy: str, who: str, start: datetime) -> str:
    return hashlib.sha256(f"{policy}\n{start.isoformat()}\n{who}".encode()).hexdigest()
