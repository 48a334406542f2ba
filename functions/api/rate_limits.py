"""Rate limits: of all requests, counted by this process; of expensive ones, counted in documents by all processes.

Every response reports the caller's quota in the headers `RateLimit` and `RateLimit-Policy`
(draft-ietf-httpapi-ratelimit-headers-10), and a rejection also in `Retry-After`.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.problems import problem
from functions.api.window_counters import WindowCounters
from shared.once import once
from shared.platform import rate_limits as rates
from shared.platform.accounts import User
from shared.platform.ports import Documents
from shared.platform.rate_limits import RateLimit, RateLimited, RateLimitStatus, parse_rate
from shared.settings import settings

GENERAL, KEY, START, RETRY, CHAT, BATCH = "general", "key", "start", "retry", "chat", "batch"
STANDINGS = "rate_limit_standings"
# Requested by monitoring.
UNCOUNTED = ("/", "/healthz")
UNKNOWN_ADDRESS = "unknown"
# The network of one customer of a provider (RFC 6177): all its addresses count as one.
V6_PREFIX = 64


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
            count_request(scope, GENERAL, address_key(scope), settings().rate_limit_general)
        except RateLimited as error:
            await rate_limit_response(error)(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)


def is_rate_limited(path: str) -> bool:
    # In the embedded place, objects are mounted beside the API; elsewhere Cloud Storage serves them. The files of
    # the console would take dozens of requests from the quota of whoever opens it.
    return path not in UNCOUNTED and not path.startswith(("/storage/", "/web/"))


def rate_limit_response(error: RateLimited) -> Any:
    return problem(error.code, error.message, headers={"Retry-After": str(error.retry_after)})


def count_user(request: Request, user: User) -> None:
    """Count a request for its user or, if it was sent with an API key, for that key; raises RateLimited."""
    if not is_rate_limited(request.scope["path"]):
        return
    if user.key is None:
        count_request(request.scope, GENERAL, user_key(user.id), settings().rate_limit_general)
    else:
        count_request(request.scope, KEY, f"key {user.key.id}", settings().rate_limit_key)


def count_request(scope: Scope, policy: str, client: str, rate: str) -> None:
    limit = allowance_for(client, rate)
    if limit is not None:
        report_standing(scope, counters().count(policy, client, limit)).raise_if_limited()


@once
def counters() -> WindowCounters:
    return WindowCounters()


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
                report_standing(
                    self._scope, rates.count_request(self._documents, self._policy, client, limit, owner)
                ).raise_if_limited()

    def check(self) -> None:
        """Check early whether `consume` would reject the operation later. Blocks; raises RateLimited."""
        for client, _ in self._clients:
            limit = allowance_for(client, self._text)
            if limit is not None:
                report_standing(
                    self._scope, rates.rate_status(self._documents, self._policy, client, limit)
                ).raise_if_limited()


def user_key(user_id: str) -> str:
    return f"user {user_id}"


def address_key(scope: Scope) -> str:
    return f"address {client_address(scope)}"


def allowance_for(client: str, text: str) -> RateLimit | None:
    """Return the allowance of a user, a key or an address; None if there is no limit."""
    limit = parse_rate(text)
    if limit is None or not client.startswith("address "):
        return limit
    factor = settings().rate_limit_address_factor
    return limit.multiply(factor) if factor else None


def standings_of(scope: Scope) -> dict[str, RateLimitStatus]:
    standings: dict[str, RateLimitStatus] = scope.setdefault("state", {}).setdefault(STANDINGS, {})
    return standings


def report_standing(scope: Scope, standing: RateLimitStatus) -> RateLimitStatus:
    """Report the standing in the response, unless a lower one is reported already."""
    standings = standings_of(scope)
    previous = standings.get(standing.policy)
    if previous is None or not standing.within_limit or standing.remaining <= previous.remaining:
        standings[standing.policy] = standing
    return standing


def rate_limit_headers(standings: dict[str, RateLimitStatus]) -> dict[str, str]:
    if not standings:
        return {}
    policies = [
        f'"{standing.policy}";q={standing.limit.count};w={standing.limit.seconds}' for standing in standings.values()
    ]
    remaining = [
        f'"{standing.policy}";r={standing.remaining};t={standing.reset_sec}' for standing in standings.values()
    ]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(remaining)}


def client_address(scope: Scope) -> str:
    """Return the address that a request counts for: for IPv6 the network, since clients can change the rest at will.

    Each proxy appends the address of its client to `X-Forwarded-For`. Entries before those of the trusted proxies
    (TRUSTED_PROXIES) are unverified claims of the client and are ignored.
    """
    peer = scope["client"][0] if scope.get("client") else UNKNOWN_ADDRESS
    trusted = settings().proxy_count
    if not trusted:
        return canonical_address(peer)
    entries = [entry.strip() for line in Headers(scope=scope).getlist("x-forwarded-for") for entry in line.split(",")]
    return canonical_address(entries[-trusted] if len(entries) >= trusted else peer)


@lru_cache(maxsize=1024)
def canonical_address(text: str) -> str:
    """Return the canonical form of an address; all invalid addresses have the same one."""
    try:
        ip = ip_address(_without_port(text))
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(ip, IPv6Address):
        mapped: IPv4Address | None = ip.ipv4_mapped
        return str(mapped or IPv6Network((int(ip), V6_PREFIX), strict=False))
    return str(ip)


def _without_port(text: str) -> str:
    """Remove the port that some proxies append: `[2001:db8::1]:4711`, `192.0.2.1:4711`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
