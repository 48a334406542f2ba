"""The client address of a request, as far as it can be trusted."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

from shared.settings import settings

UNKNOWN_ADDRESS = "unknown"
# What one customer of a provider has (RFC 6177): all its addresses are one.
V6_PREFIX = 64


def client_address(scope: Scope) -> str:
    """Return the address that a request counts for: for IPv6 the network, since clients can change the rest at will.

    Each proxy appends the address of its client to `X-Forwarded-For`. Entries before those of the trusted proxies
    (TRUSTED_PROXIES) are unverified claims of the client and are ignored.
    """
    peer = scope["client"][0] if scope.get("client") else UNKNOWN_ADDRESS
    trusted = settings().proxies
    if not trusted:
        return canonical_address(peer)
    entries = [entry.strip() for line in Headers(scope=scope).getlist("x-forwarded-for") for entry in line.split(",")]
    return canonical_address(entries[-trusted] if len(entries) >= trusted else peer)


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
