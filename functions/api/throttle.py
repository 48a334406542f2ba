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


class RateLimitMiddleware:
    """Counts requests by client address before they are processed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_rate_limited(scope["path"]):
            await self.app(scope, receive, send)
            return
        standings = standings_of(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(rate_limit_headers(standings))
            await send(message)

        try:
            count_request(scope, address_key(scope))
        except RateLimited as error:
            await rate_limit_response(error)(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)


def is_rate_limited(path: str) -> bool:
    # Objects are mounted beside the API in the embedded place; elsewhere they are Cloud Storage's.
    return path not in UNCOUNTED and not path.startswith("/storage/")


def rate_limit_response(error: RateLimited) -> Any:
    return problem(error.code, error.message, headers={"Retry-After": str(error.retry_after)})


def count_user(request: Request, user_id: str) -> None:
    """Count a request for its authenticated user; raises RateLimited."""
    if is_rate_limited(request.scope["path"]):
        count_request(request.scope, user_key(user_id))


def count_request(scope: Scope, client: str) -> None:
    limit = allowance_for(client, settings().rate_limit_general)
    if limit is not None:
        report_standing(scope, count_in_memory(client, limit)).require()


def count_in_memory(client: str, limit: Allowance) -> Standing:
    """Count within this process."""
    from limits import RateLimitItemPerSecond

    item = RateLimitItemPerSecond(limit.count, limit.seconds, GENERAL)
    passed = counters().hit(item, client)
    stats = counters().get_window_stats(item, client)
    return Standing(GENERAL, limit, stats.remaining, max(1, math.ceil(stats.reset_time - time.time())), passed)


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
        self._clients = [(user_key(user_id), user_id), (address_key(scope), None)]
        self._scope, self._documents, self._policy, self._text = scope, documents, policy, text

    def consume(self) -> None:
        """Count one operation, immediately before it is performed. Blocks; raises RateLimited."""
        for client, owner in self._clients:
            limit = allowance_for(client, self._text)
            if limit is not None:
                report_standing(self._scope, rates.count(self._documents, self._policy, client, limit, owner)).require()

    def check(self) -> None:
        """Check early whether `take` would reject the operation later. Blocks; raises RateLimited."""
        for client, _ in self._clients:
            limit = allowance_for(client, self._text)
            if limit is not None:
                report_standing(self._scope, rates.look(self._documents, self._policy, client, limit)).require()


def user_key(user_id: str) -> str:
    return f"user {user_id}"


def address_key(scope: Scope) -> str:
    return f"address {client_address(scope)}"


def allowance_for(client: str, text: str) -> Allowance | None:
    """Return the allowance of a user or an address; None if there is no limit."""
    limit = allowance(text)
    if limit is None or client.startswith("user "):
        return limit
    factor = settings().rate_limit_address_factor
    return limit.times(factor) if factor else None


def standings_of(scope: Scope) -> dict[str, Standing]:
    standings: dict[str, Standing] = scope.setdefault("state", {}).setdefault(STANDINGS, {})
    return standings


def report_standing(scope: Scope, standing: Standing) -> Standing:
    """Report the standing in the response, unless a lower one is reported already."""
    standings = standings_of(scope)
    previous = standings.get(standing.policy)
    if previous is None or not standing.passed or standing.remaining <= previous.remaining:
        standings[standing.policy] = standing
    return standing


def rate_limit_headers(standings: dict[str, Standing]) -> dict[str, str]:
    if not standings:
        return {}
    policies = [
        f'"{standing.policy}";q={standing.allowed.count};w={standing.allowed.seconds}'
        for standing in standings.values()
    ]
    remaining = [
        f'"{standing.policy}";r={standing.remaining};t={standing.reset_sec}' for standing in standings.values()
    ]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(remaining)}
