"""Rate limits: for all requests, counted by this process; for expensive ones, counted in documents by all processes.

Every response reports the caller's quota in the headers `RateLimit` and `RateLimit-Policy`
(draft-ietf-httpapi-ratelimit-headers-10), and a rejection also in `Retry-After`.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.address import client_address
from functions.api.problems import problem
from shared.platform import rates
from shared.platform.ports import Documents
from shared.platform.rates import Allowance, RateLimited, Standing, allowance
from shared.settings import settings

if TYPE_CHECKING:
    from limits.strategies import FixedWindowRateLimiter

GENERAL, START, RETRY, CHAT = "general", "start", "retry", "chat"
STANDINGS = "rate_limit_standings"
# Requested by monitoring.
UNCOUNTED = ("/", "/healthz")


class Throttle:
    """Counts requests by client address before they are processed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not counts(scope["path"]):
            await self.app(scope, receive, send)
            return
        standings = standings_of(scope)

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(fields(standings))
            await send(message)

        try:
            count_request(scope, by_address(scope))
        except RateLimited as refused:
            await refusal(refused)(scope, receive, send_told)
        else:
            await self.app(scope, receive, send_told)


def counts(path: str) -> bool:
    # Objects are mounted beside the API in the embedded place; elsewhere they are Cloud Storage's.
    return path not in UNCOUNTED and not path.startswith("/storage/")


def refusal(error: RateLimited) -> Any:
    return problem(error.code, error.message, headers={"Retry-After": str(error.retry_after)})


def count_user(request: Request, user_id: str) -> None:
    """Count a request for its authenticated user; raises RateLimited."""
    if counts(request.scope["path"]):
        count_request(request.scope, by_user(user_id))


def count_request(scope: Scope, who: str) -> None:
    allowed = allowed_to(who, settings().rate_limit_general)
    if allowed is not None:
        note(scope, hit(who, allowed)).require()


def hit(who: str, allowed: Allowance) -> Standing:
    """Count within this process."""
    from limits import RateLimitItemPerSecond

    item = RateLimitItemPerSecond(allowed.count, allowed.seconds, GENERAL)
    passed = counters().hit(item, who)
    stats = counters().get_window_stats(item, who)
    return Standing(GENERAL, allowed, stats.remaining, max(1, math.ceil(stats.reset_time - time.time())), passed)


@lru_cache(maxsize=1)
def counters() -> FixedWindowRateLimiter:
    """Create the counters at the first request: the library takes longer to load than the rest of this module."""
    from limits.storage import MemoryStorage
    from limits.strategies import FixedWindowRateLimiter

    return FixedWindowRateLimiter(MemoryStorage())


class Quota:
    """The quota of an expensive operation, per user and per client address."""

    def __init__(self, scope: Scope, documents: Documents, policy: str, text: str, user_id: str) -> None:
        # The user first: persistent retries must not use up the quota of others at the same address.
        self._who = [(by_user(user_id), user_id), (by_address(scope), None)]
        self._scope, self._documents, self._policy, self._text = scope, documents, policy, text

    def take(self) -> None:
        """Count one operation, immediately before it is performed. Blocks; raises RateLimited."""
        for who, owner in self._who:
            allowed = allowed_to(who, self._text)
            if allowed is not None:
                note(self._scope, rates.count(self._documents, self._policy, who, allowed, owner)).require()

    def look(self) -> None:
        """Check early whether `take` would reject the operation later. Blocks; raises RateLimited."""
        for who, _ in self._who:
            allowed = allowed_to(who, self._text)
            if allowed is not None:
                note(self._scope, rates.look(self._documents, self._policy, who, allowed)).require()


def by_user(user_id: str) -> str:
    return f"user {user_id}"


def by_address(scope: Scope) -> str:
    return f"address {client_address(scope)}"


def allowed_to(who: str, text: str) -> Allowance | None:
    """Return the allowance of a user or an address; None if there is no limit."""
    allowed = allowance(text)
    if allowed is None or who.startswith("user "):
        return allowed
    factor = settings().rate_limit_address_factor
    return allowed.times(factor) if factor else None


def standings_of(scope: Scope) -> dict[str, Standing]:
    standings: dict[str, Standing] = scope.setdefault("state", {}).setdefault(STANDINGS, {})
    return standings


def note(scope: Scope, standing: Standing) -> Standing:
    """Report the standing in the response, unless a lower one is reported already."""
    standings = standings_of(scope)
    known = standings.get(standing.policy)
    if known is None or not standing.passed or standing.remaining <= known.remaining:
        standings[standing.policy] = standing
    return standing


def fields(standings: dict[str, Standing]) -> dict[str, str]:
    if not standings:
        return {}
    policies = [f'"{each.policy}";q={each.allowed.count};w={each.allowed.seconds}' for each in standings.values()]
    left = [f'"{each.policy}";r={each.remaining};t={each.reset_sec}' for each in standings.values()]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
