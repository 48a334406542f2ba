"""Transfers by libcurl through the URL guard: what is connected to, what is trusted, and what ends a transfer."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.errors import ClipwiseError
from shared.security import guarded_transfers
from shared.security.guarded_transfers import GuardedTransfers
from shared.security.url_guard import Resolver
from shared.security.urls import parse_url
from shared.settings import Settings
from tests.certificates import make_certificates
from tests.hostile_server import HostileServer
from tests.image_site import ImageSite, picture
from tests.patience import PATIENCE_SEC
from tests.server import BEHIND_PROXY


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        yield running


def get(settings: Settings, *urls: str, resolve: Resolver | None = None, timeout_sec: float = 5) -> list[str | int]:
    """The length of each body, or the code of the error; one request after the other, over the same connections."""

    async def get_one(transfers: GuardedTransfers, url: str) -> str | int:
        body = bytearray()
        try:
            await transfers.get(parse_url(url), {"User-Agent": "Clipwise"}, timeout_sec, lambda head: body.extend)
        except ClipwiseError as error:
            return error.code
        return len(body)

    async def get_all() -> list[str | int]:
        more = {"resolve": resolve} if resolve else {}
        async with GuardedTransfers(settings, 4, **more) as transfers:
            return [await get_one(transfers, url) for url in urls]

    return asyncio.run(asyncio.wait_for(get_all(), PATIENCE_SEC))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00:ec2::254"])
def test_names_that_point_inward_are_refused(server: HostileServer, address: str) -> None:
    """A name that resolves to this machine or its network is not connected to, whatever else it resolves to."""
    before = len(server.requests)
    url = f"http://inward.example.com:{server.server_address[1]}/ok.mp4"
    assert get(Settings(), url, resolve=lambda host, port: ["93.184.215.14", address]) == ["url_not_allowed"]
    assert len(server.requests) == before


def test_the_permitted_address_is_the_one_connected_to(server: HostileServer) -> None:
    """A name is resolved once, its permitted address is connected to, and the Host header has the name."""
    port = server.server_address[1]
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    settings = Settings(allow_hosts=f"only.example.com:{port}")
    assert get(settings, *[f"http://only.example.com:{port}/ok.mp4"] * 2, resolve=resolve) == [100_000] * 2
    assert asked == ["only.example.com"]
    assert server.requests[-1].headers["host"] == f"only.example.com:{port}"


def test_no_socket_is_opened_to_another_address(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """If libcurl were to choose an address by itself, the socket to it would be refused."""
    monkeypatch.setattr(guarded_transfers, "dial_order", lambda addresses: ["93.184.215.14"])
    before = len(server.requests)
    settings = Settings(allow_hosts=server.address)
    # The host is an address: libcurl takes it from the URL.
    assert get(settings, server.url("/ok.mp4")) == ["source_unavailable"]
    assert len(server.requests) == before


def test_nothing_of_ours_is_sent_and_no_proxy_is_used(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies and credentials of this machine's environment stay unused, and the path is sent as it is."""
    for name, value in BEHIND_PROXY.items():
        monkeypatch.setenv(name, value)
    get(Settings(allow_hosts=server.address), server.url("/a/../b//c?d=%20e"))
    request = server.requests[-1]
    assert request.path == "/a/../b//c"
    assert set(request.headers) == {"host", "accept", "user-agent"}


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/chunked", 100_000),
        ("/redirect?to=http://10.0.0.1/", 0),
        ("/short", "source_incomplete"),
        ("/reset", "source_incomplete"),
        ("/chunked-short", "source_incomplete"),
        ("/reset-at-once", "source_unavailable"),
        ("/closed-at-once", "source_unavailable"),
        ("/not-http", "source_unavailable"),
        ("/huge-headers", "source_unavailable"),
        ("/two-lengths", "source_unavailable"),
        ("/silent", "source_slow"),
        ("/slow-headers", "source_slow"),
        ("/endless-hints", "source_unavailable"),
        ("/stalled", "source_slow"),
    ],
)
def test_each_way_to_fail_has_its_code(server: HostileServer, path: str, outcome: str | int) -> None:
    """Whatever a server does, a transfer ends in time, with the code that the guard has for it everywhere else."""
    assert get(Settings(allow_hosts=server.address), server.url(path), timeout_sec=1) == [outcome]


def test_a_compressed_body_stays_as_it_was_sent(server: HostileServer) -> None:
    """No body is decompressed, so that a small one cannot become a large one."""
    (length,) = get(Settings(allow_hosts=server.address), server.url("/gzip-bomb"))
    assert isinstance(length, int)
    assert length < 200_000


def test_connections_are_used_again() -> None:
    """Several images of one site come over one connection."""
    with ImageSite() as site:
        accepted = []
        accept = site._server.get_request
        site._server.get_request = lambda: accepted.append(1) or accept()  # type: ignore[method-assign,func-returns-value]
        urls = [site.url("image", number) for number in range(3)]
        assert get(Settings(allow_hosts=site.address), *urls) == [len(picture(number)) for number in range(3)]
        assert len(accepted) == 1


@contextmanager
def https_server(folder: Path) -> Iterator[int]:
    """Answers with two bytes over TLS; its certificate is for 127.0.0.1 and from an authority of its own."""
    make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "site.pem", folder / "site.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(connection, server_side=True) as wrapped:
                        wrapped.recv(65536)
                        wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                except OSError:
                    continue  # it does not trust us

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of an unknown authority, or with a certificate for another name, is not read from."""
    with https_server(tmp_path) as port:
        names = [f"127.0.0.1:{port}", f"other.example.com:{port}"]
        settings = Settings(allow_hosts=",".join(names))
        urls = [f"https://{name}/" for name in names]
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        assert get(settings, urls[0]) == ["source_untrusted"]
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert get(settings, *urls, resolve=lambda host, port: ["127.0.0.1"]) == [2, "source_untrusted"]
