"""By which address a request counts, whatever it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.api.rate_limits import UNKNOWN_ADDRESS, canonical_address, client_address
from shared.settings import settings


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def trust(proxies: int) -> None:
        monkeypatch.setenv("TRUSTED_PROXIES", str(proxies))
        settings.cache_clear()

    yield trust
    monkeypatch.undo()
    settings.cache_clear()


def request(peer: str | None, *forwarded: str) -> dict[str, Any]:
    return {
        "type": "http",
        "client": (peer, 4711) if peer else None,
        "headers": [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded],
    }


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, ["192.0.2.1"], "203.0.113.5"),
        (1, ["192.0.2.1"], "192.0.2.1"),
        (1, ["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
        (1, ["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
        (2, ["198.51.100.1, 192.0.2.1, 192.0.2.2"], "192.0.2.1"),
        (2, ["192.0.2.1"], "203.0.113.5"),
        (1, [], "203.0.113.5"),
        (1, ["192.0.2.1:5001"], "192.0.2.1"),
        (1, ["[2001:db8::1]:443"], "2001:db8::/64"),
        (1, ["192.0.2.1, "], UNKNOWN_ADDRESS),
        (1, ["a lie"], UNKNOWN_ADDRESS),
        (1, ["a" * 100_000], UNKNOWN_ADDRESS),
    ],
)
def test_only_trusted_entries_count(trusting: Any, proxies: int, forwarded: list[str], address: str) -> None:
    """What the trusted proxies wrote is read from the right; nothing that a client wrote makes it another one."""
    trusting(proxies)
    assert client_address(request("203.0.113.5", *forwarded)) == address


def test_no_peer_is_one_address_too(trusting: Any) -> None:
    """Over a socket without addresses everybody counts together, instead of nobody."""
    trusting(0)
    assert client_address(request(None)) == UNKNOWN_ADDRESS


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_a_customer_is_one_address(one: str, other: str, same: bool) -> None:
    """All of a customer's IPv6 addresses are one, and an IPv4 address is the same in every writing."""
    assert (canonical_address(one) == canonical_address(other)) is same


def test_the_cloud_has_one_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cloud Run's front end is trusted where it stands, and nowhere else, unless configured otherwise."""
    from shared.settings import read_settings

    assert read_settings({}).proxy_count == 0
    assert read_settings({"CLIPWISE_PLACE": "gcp"}).proxy_count == 1
    assert read_settings({"CLIPWISE_PLACE": "gcp", "TRUSTED_PROXIES": "0"}).proxy_count == 0
    assert read_settings({"TRUSTED_PROXIES": "2"}).proxy_count == 2
