"""Requests through the URL guard: what names resolve to, where redirects lead, and what is really connected to."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpcore2
import pytest

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.security.guarded_http import RequestLimits, fetch_url, open_response
from shared.security.url_guard import Resolver, public_addresses, system_resolver
from shared.security.urls import WebUrl, parse_url
from shared.settings import Settings
from tests.hostile_server import HostileServer

PUBLIC = "93.184.215.14"
OPEN = Settings()

# What a name may resolve to, to be refused.
INWARD = [
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
]


def code_of(action: Callable[[], object]) -> tuple[type[ClipwiseError], str]:
    with pytest.raises(ClipwiseError) as caught:
        action()
    return type(caught.value), caught.value.code


def resolving(*answers: list[str]) -> tuple[Resolver, list[str]]:
    """A resolver that gives one answer after the other, and the names it was asked for."""
    queue, asked = list(answers), []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return queue.pop(0)

    return resolve, asked


def failing(errno: int) -> Resolver:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(errno, "no")

    return resolve


def get(url: str, settings: Settings = OPEN, resolve: Resolver = system_resolver) -> tuple[int, str]:
    """Status and final URL."""
    limits = RequestLimits(time.monotonic() + 10, lambda: None)
    with fetch_url(url, settings, limits, {}, resolve) as answer:
        list(answer.body)
        return answer.status, str(answer.url)


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        yield running


@pytest.mark.parametrize("address", INWARD)
def test_refuses_names_that_point_inward(address: str) -> None:
    """A public-looking name that resolves to an inner address is refused."""
    resolve, _ = resolving([address])
    assert code_of(lambda: public_addresses("example.com", 80, OPEN, resolve)) == (PermanentError, "url_not_allowed")


@pytest.mark.parametrize("address", INWARD)
def test_one_inner_address_condemns_the_name(address: str) -> None:
    """A name that has a public and an inner address is refused whichever comes first."""
    for addresses in ([PUBLIC, address], [address, PUBLIC]):
        resolve, _ = resolving(addresses)
        assert code_of(lambda r=resolve: public_addresses("example.com", 80, OPEN, r)) == (
            PermanentError,
            "url_not_allowed",
        )


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://0x7f.1/",
        "http://user:secret@example.com/",
        "http://example.com:25/",
        "file:///etc/passwd",
        "//10.0.0.1/x",
    ],
)
def test_redirects_are_judged_like_links(server: HostileServer, target: str) -> None:
    """A harmless server that sends us to an inner address gets nowhere, without another look-up."""
    resolve, _ = resolving(["127.0.0.1"])
    settings = Settings(allow_hosts=f"server.example.com:{server.server_address[1]}")
    start = f"http://server.example.com:{server.server_address[1]}/redirect?to={quote(target)}"
    assert code_of(lambda: get(start, settings, resolve)) == (PermanentError, "url_not_allowed")


@pytest.mark.parametrize("target", ["http://[::1/", "http://exa mple.com/", "https://example.com:99999/"])
def test_broken_redirects_are_named(server: HostileServer, target: str) -> None:
    """A redirect to something that is no link ends with a clear error."""
    start = server.url(f"/redirect?to={quote(target)}")
    assert code_of(lambda: get(start, Settings(allow_hosts=server.address))) == (PermanentError, "url_invalid")


def test_redirects_end(server: HostileServer) -> None:
    """Five redirects are followed, relative ones too; six, a loop or one to nowhere are not."""
    settings = Settings(allow_hosts=server.address)
    assert get(server.url("/redirects?left=4"), settings) == (200, server.url("/ok.mp4"))
    for path in ("/redirects?left=5", "/redirect-loop", "/redirect-nowhere"):
        assert code_of(lambda p=path: get(server.url(p), settings)) == (PermanentError, "source_redirects")


def test_rebinding_is_too_late(server: HostileServer) -> None:
    """A name that turns inward after its first look-up is refused at the next connection; none is made by name."""
    port = server.server_address[1]
    settings = Settings(allow_hosts=f"first.example.com:{port}")
    resolve, asked = resolving(["127.0.0.1"], [PUBLIC, "127.0.0.1"])
    start = f"http://first.example.com:{port}/redirect?to={quote(f'http://second.example.com:{port}/ok.mp4')}"
    before = len(server.asked("/ok.mp4"))
    assert code_of(lambda: get(start, settings, resolve)) == (PermanentError, "url_not_allowed")
    assert asked == ["first.example.com", "second.example.com"]
    assert len(server.asked("/ok.mp4")) == before


def test_no_wait_outlasts_the_deadline() -> None:
    """However patient a single operation is, the time for the whole request bounds it."""
    limits = RequestLimits(time.monotonic() + 5, lambda: None)
    assert limits.remaining(20) <= 5
    assert limits.remaining(1) == 1
    with pytest.raises(httpcore2.TimeoutException):
        RequestLimits(time.monotonic(), lambda: None).remaining(20)


class Wire(httpcore2.MockStream):
    """A connection that answers from a list and remembers what was said on it."""

    def __init__(self, answer: bytes, tls_error: Exception | None = None) -> None:
        super().__init__([answer])
        self.sent = b""
        self.server_name: str | None = None
        self.trust: ssl.SSLContext | None = None
        self._tls_error = tls_error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.sent += buffer

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        self.server_name, self.trust = server_hostname, ssl_context
        assert ssl_context.check_hostname
        assert ssl_context.verify_mode is ssl.CERT_REQUIRED
        if self._tls_error:
            raise httpcore2.ConnectError(self._tls_error) from self._tls_error
        return self


def wired(monkeypatch: pytest.MonkeyPatch, outcomes: dict[str, Wire | Exception]) -> list[tuple[str, int]]:
    """Replace the network below the guard; returns the addresses that are connected to."""
    connected = []

    def connect(
        self: httpcore2.SyncBackend, host: str, port: int, timeout: float | None = None, **_: object
    ) -> httpcore2.NetworkStream:
        connected.append((host, port))
        outcome = outcomes[host]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    return connected


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_the_judged_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up, its address is dialled, and yet certificate and Host header are about the name."""
    wire = Wire(OK)
    connected = wired(monkeypatch, {PUBLIC: wire})
    resolve, asked = resolving([PUBLIC], ["127.0.0.1"])
    assert get("https://Example.com:8443/a?b", resolve=resolve)[0] == 200
    assert (asked, connected) == (["example.com"], [(PUBLIC, 8443)])
    assert wire.server_name == "example.com"
    assert wire.sent.startswith(b"GET /a?b HTTP/1.1\r\nHost: example.com:8443\r\n")


def test_an_address_as_host_needs_no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link with a public IPv6 address is dialled as it is, with brackets in the Host header."""
    wire = Wire(OK)
    connected = wired(monkeypatch, {"2606:4700:4700::1111": wire})
    resolve, asked = resolving()
    assert get("http://[2606:4700:4700::1111]/", resolve=resolve)[0] == 200
    assert (asked, connected) == ([], [("2606:4700:4700::1111", 80)])
    assert b"Host: [2606:4700:4700::1111]\r\n" in wire.sent


def test_dead_addresses_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with one dead address is still reached; with only dead ones the download is tried again later."""
    refused = httpcore2.ConnectError("refused")
    wired(monkeypatch, {"2606:4700::1": httpcore2.ConnectTimeout("silence"), PUBLIC: Wire(OK), "8.8.8.8": refused})
    assert get("http://example.com/", resolve=resolving(["2606:4700::1", PUBLIC])[0])[0] == 200
    for addresses, code in ((["8.8.8.8"], "source_unavailable"), (["8.8.8.8", "2606:4700::1"], "source_slow")):
        resolve, _ = resolving(addresses)
        assert code_of(lambda r=resolve: get("http://example.com/", resolve=r)) == (TransientError, code)


def test_a_host_with_many_dead_addresses_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a hundred addresses cannot make us dial a hundred times."""
    addresses = [f"8.8.8.{number}" for number in range(100)]
    connected = wired(monkeypatch, {address: httpcore2.ConnectError("no") for address in addresses})
    assert code_of(lambda: get("http://example.com/", resolve=resolving(addresses)[0]))[1] == "source_unavailable"
    assert len(connected) == 4


def test_one_dead_network_does_not_hide_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with many unreachable IPv6 addresses and one IPv4 address is reached."""
    dead = [f"2606:4700::{number}" for number in range(1, 9)]
    outcomes: dict[str, Wire | Exception] = {address: httpcore2.ConnectError("no route") for address in dead}
    wired(monkeypatch, outcomes | {PUBLIC: Wire(OK)})
    assert get("http://example.com/", resolve=resolving([*dead, PUBLIC])[0])[0] == 200


def test_a_wrong_certificate_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot prove its name is not read from, and the user is told why."""
    wired(monkeypatch, {PUBLIC: Wire(OK, ssl.SSLCertVerificationError("self-signed"))})
    resolve, _ = resolving([PUBLIC])
    assert code_of(lambda: get("https://example.com/", resolve=resolve)) == (PermanentError, "source_untrusted")


def test_the_authorities_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand images over https do not read the file of certificate authorities a thousand times."""
    first, second = Wire(OK), Wire(OK)
    wired(monkeypatch, {PUBLIC: first, "8.8.8.8": second})
    for address in (PUBLIC, "8.8.8.8"):
        assert get("https://example.com/", resolve=resolving([address])[0])[0] == 200
    assert first.trust is second.trust is not None


def test_https_is_not_given_up_for_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect from https to http is refused; from http to https it is followed."""
    to_http = Wire(b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n")
    wired(monkeypatch, {PUBLIC: to_http})
    resolve, asked = resolving([PUBLIC], [PUBLIC])
    assert code_of(lambda: get("https://example.com/", resolve=resolve)) == (PermanentError, "url_not_allowed")
    assert asked == ["example.com"]
    to_https = Wire(b"HTTP/1.1 302 Found\r\nLocation: https://www.example.com/\r\nContent-Length: 0\r\n\r\n")
    wired(monkeypatch, {PUBLIC: to_https, "8.8.8.8": Wire(OK)})
    assert get("http://example.com/", resolve=resolving([PUBLIC], ["8.8.8.8"])[0]) == (200, "https://www.example.com/")


def test_nothing_of_ours_is_sent(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies and logins of the environment are not used, and a cookie from one hop is not carried to the next."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    settings = Settings(allow_hosts=server.address)
    assert get(server.url("/redirect?to=/ok.mp4"), settings)[0] == 200
    sent = server.asked("/ok.mp4")[-1].headers
    assert set(sent) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert sent["host"] == server.address


def test_what_proves_who_we_are_stays_with_its_server(server: HostileServer) -> None:
    """A redirect to another server is followed without tokens and cookies, one to the same server with them."""
    port = server.server_address[1]
    settings = Settings(allow_hosts=f"{server.address},other.example.com:{port}")
    limits = RequestLimits(time.monotonic() + 10, lambda: None)
    secrets = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Plain": "c"}
    for target, kept in ((f"http://other.example.com:{port}/ok.mp4", False), ("/ok.mp4", True)):
        start = server.url(f"/redirect?to={quote(target)}")
        with fetch_url(start, settings, limits, secrets, lambda host, port: ["127.0.0.1"]) as answer:
            list(answer.body)
        first, second = server.requests[-2:]
        assert {"authorization", "cookie", "x-plain"} <= set(first.headers)
        assert [name in second.headers for name in ("authorization", "cookie")] == [kept, kept]
        assert second.headers["x-plain"] == "c"


def test_a_request_may_be_ended_at_each_hop(server: HostileServer) -> None:
    """Whoever looks at the hops can stop before the next one is asked for."""
    hops: list[str] = []

    def visit(hop: WebUrl) -> None:
        hops.append(hop.path)
        if hop.path == "/ok.mp4":
            raise KeyError

    before = len(server.asked("/ok.mp4"))
    limits = RequestLimits(time.monotonic() + 10, lambda: None)
    settings = Settings(allow_hosts=server.address)
    with pytest.raises(KeyError), fetch_url(server.url("/redirect?to=/ok.mp4"), settings, limits, {}, visit=visit):
        pass
    assert hops == ["/redirect", "/ok.mp4"]
    assert len(server.asked("/ok.mp4")) == before


def test_a_request_can_carry_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST has its length and its body, our own headers only where none were given, and no header twice."""
    wire = Wire(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n")
    wired(monkeypatch, {PUBLIC: wire})
    limits = RequestLimits(time.monotonic() + 10, lambda: None)
    given = {"user-agent": "Other", "Host": "forged.example.com", "content-length": "99"}
    url = parse_url("https://example.com/a")
    with open_response("POST", url, OPEN, limits, given, b"body", resolve=resolving([PUBLIC])[0]) as answer:
        assert answer.cookies == ["a=1", "b=2"]
    head, _, body = wire.sent.decode().partition("\r\n\r\n")
    names = [line.split(":")[0].lower() for line in head.split("\r\n")[1:]]
    assert head.startswith("POST /a HTTP/1.1\r\nHost: example.com\r\n")
    assert sorted(names) == sorted(set(names))
    assert ("user-agent: Other" in head, "Content-Length: 4" in head, body) == (True, True, "body")


@pytest.mark.parametrize(
    ("errno", "expected"),
    [(socket.EAI_NONAME, PermanentError), (socket.EAI_AGAIN, TransientError), (socket.EAI_FAIL, TransientError)],
)
def test_a_missing_host_is_final_a_failing_resolver_is_not(errno: int, expected: type[ClipwiseError]) -> None:
    """A misspelt host ends the job at once; a resolver that is down does not."""
    assert code_of(lambda: get("http://example.com/", resolve=failing(errno))) == (expected, "url_unresolvable")


def test_a_machine_without_internet_does_not_blame_the_link() -> None:
    """A user without a network reads to check the connection, not only the spelling of a link that is right."""
    with pytest.raises(PermanentError, match=r"not found in DNS\. .* internet connection\."):
        get("http://example.com/", resolve=failing(socket.EAI_NONAME))


def test_a_name_without_addresses_is_missing() -> None:
    """A name that exists but has no address is reported like one that does not exist."""
    assert code_of(lambda: get("http://example.com/", resolve=resolving([])[0])) == (PermanentError, "url_unresolvable")
