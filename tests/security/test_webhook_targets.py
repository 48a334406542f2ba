"""Nobody makes the server send to where it must not: judged when a webhook is made, and again with each delivery."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from shared.pipeline import lifecycle
from tests.api_site import Site, api_server, empty_data, site
from tests.webhook_receiver import Receiver, receiving

__all__ = ["api_server", "empty_data", "site"]

PUBLIC = "93.184.215.14"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the names of the world lead to; can be changed at any time."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in known:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]
        if str(host).startswith("127."):
            return real(host, port, *args, **kwargs)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


def create(site: Site, url: str) -> tuple[int, str]:
    answer = site.client.post("/v1/webhooks", json={"url": url})
    return answer.status_code, str(answer.json().get("code"))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.com/", "url_not_allowed"),
        ("https://127.0.0.1/", "url_not_allowed"),
        ("https://localhost/", "url_not_allowed"),
        ("https://[::1]/", "url_not_allowed"),
        ("https://[::ffff:10.0.0.1]/", "url_not_allowed"),
        ("https://[64:ff9b::10.0.0.1]/", "url_not_allowed"),
        ("https://2130706433/", "url_not_allowed"),
        ("https://0177.0.0.1/", "url_not_allowed"),
        ("https://10.0.0.1/", "url_not_allowed"),
        ("https://169.254.169.254/computeMetadata/v1/", "url_not_allowed"),
        ("https://metadata.google.internal/", "url_not_allowed"),
        ("https://hooks.example.com:22/", "url_not_allowed"),
        ("https://user:secret@hooks.example.com/", "url_not_allowed"),
        ("file:///etc/passwd", "url_not_allowed"),
        ("gopher://hooks.example.com/", "url_not_allowed"),
        ("https://inside.example.com/", "url_not_allowed"),
        ("https://both.example.com/", "url_not_allowed"),
        ("https://nowhere.example.com/", "url_unresolvable"),
        ("nonsense", "url_invalid"),
    ],
)
def test_no_webhook_leads_inside(site: Site, names: dict[str, list[str]], url: str, code: str) -> None:
    """An address that is private, in any spelling or behind any name, is refused, when made and when changed to."""
    names |= {
        "hooks.example.com": [PUBLIC],
        "inside.example.com": ["10.0.0.1"],
        "both.example.com": [PUBLIC, "192.168.0.1"],
    }
    assert create(site, url) == (422, code)
    made = site.client.post("/v1/webhooks", json={"url": "https://hooks.example.com/"}).json()
    answer = site.client.patch(f"/v1/webhooks/{made['id']}", json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_a_name_that_moves_inside_gets_nothing(
    site: Site, names: dict[str, list[str]], receiver: Receiver, address: str
) -> None:
    """A name that was public when the webhook was made, and is not any more, is not connected to (DNS rebinding)."""
    port = receiver.address.rpartition(":")[2]
    names["hooks.example.com"] = [PUBLIC]
    made = site.client.post("/v1/webhooks", json={"url": f"https://hooks.example.com:{port}/"}).json()
    names["hooks.example.com"] = [address]
    lifecycle.cancel_job(site.place.place, site.submit()["id"])
    site.work()

    assert receiver.requests == []
    (line,) = site.client.get(f"/v1/webhooks/{made['id']}/deliveries").json()["deliveries"]
    assert line["status"] == "pending"
    assert line["attempts"][0]["responseCode"] is None
    assert "not on the public internet" in line["attempts"][0]["error"]


def test_a_host_that_is_allowed_no_more_gets_nothing(site: Site, receiver: Receiver) -> None:
    """What ALLOW_HOSTS let through when the webhook was made is judged by what it says now."""
    site.configure(ALLOW_HOSTS=receiver.address)
    assert create(site, receiver.url())[0] == 201
    site.configure(ALLOW_HOSTS="")
    lifecycle.cancel_job(site.place.place, site.submit()["id"])
    site.work()

    assert receiver.requests == []
