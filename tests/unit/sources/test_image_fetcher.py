"""Fetching images: politely, and nothing that is not wanted."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from shared.security.urls import parse_url
from shared.settings import Settings, read_settings
from shared.sources.images import optouts
from shared.sources.images.fetcher import HostThrottle, ImageFetcher, ImageRejected, process_fetcher
from tests.hostile_routes import ROUTES, Route, not_found
from tests.hostile_server import HostileServer
from tests.image_site import FATES, ImageSite, picture
from tests.patience import PATIENCE_SEC


@pytest.fixture(scope="module")
def site() -> Iterator[ImageSite]:
    with ImageSite() as serving:
        yield serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileServer]:
    monkeypatch.setitem(ROUTES, "/robots.txt", not_found)
    monkeypatch.setitem(ROUTES, "/picture.jpg", lambda connection: connection.answer(picture(1)))
    with HostileServer() as running:
        yield running


def the_fetcher(site: ImageSite | HostileServer, **environ: str) -> ImageFetcher:
    usual = {"CRAWL_HOST_DELAY_SEC": "0", "CRAWL_HOST_CONNECTIONS": "4", "CRAWL_TIMEOUT_SEC": "5"}
    return process_fetcher(read_settings(usual | {"ALLOW_HOSTS": site.address} | environ))


def pulse() -> None:
    """Nobody stops it."""


def test_an_image_comes_with_its_digest(site: ImageSite, tmp_path: Path) -> None:
    """What is written is what was sent, and its sha256 is known without reading it again."""
    path = tmp_path / "image"
    fetched = the_fetcher(site).fetch(parse_url(site.url("image", 1)), path, pulse)
    assert path.read_bytes() == picture(1)
    assert (fetched.sha256, fetched.size) == (hashlib.sha256(picture(1)).hexdigest(), len(picture(1)))
    assert fetched.content_type == "image/jpeg"
    assert site.agents == {"Clipwise"}


# What only shows when the bytes are looked at is not a fetcher's to say.
SEEN_LATER = ("bomb", "svg", "ico")


@pytest.mark.parametrize("sort", [sort for sort in FATES if sort not in SEEN_LATER])
def test_each_sort_of_answer(site: ImageSite, tmp_path: Path, sort: str) -> None:
    """Every refusal, opt-out and mishap has a reason of its own; what is only busy or elsewhere is fetched."""
    reason, url = FATES[sort], parse_url(site.url(sort, 77))
    if reason is None:
        assert the_fetcher(site).fetch(url, tmp_path / "image", pulse).size
    else:
        with pytest.raises(ImageRejected) as raised:
            the_fetcher(site).fetch(url, tmp_path / "image", pulse)
        assert raised.value.reason == reason


def test_robots_are_asked_first_and_once(tmp_path: Path) -> None:
    """What a site forbids is never asked for, and its rules are read once for all images."""
    with ImageSite() as site:
        chosen = the_fetcher(site)
        for number in range(3):
            with pytest.raises(ImageRejected, match="robots"):
                chosen.fetch(parse_url(site.url("robots", number)), tmp_path / "image", pulse)
        assert dict(site.asked) == {"/robots.txt": 1, "/.well-known/tdmrep.json": 1}


def test_a_busy_host_is_left_alone(tmp_path: Path) -> None:
    """A Retry-After is waited for, and by everyone who wants something of the host."""
    with ImageSite() as site:
        chosen = the_fetcher(site)
        began = time.monotonic()
        chosen.fetch(parse_url(site.url("busy", 1)), tmp_path / "image", pulse)
        assert time.monotonic() - began >= 1
        assert site.asked["/busy/1.jpg"] == 2
        with pytest.raises(ImageRejected, match="http_429"):
            chosen.fetch(parse_url(site.url("toobusy", 1)), tmp_path / "image", pulse)
        assert site.asked["/toobusy/1.jpg"] == 1


def test_hosts_that_redirect_to_each_other_hold_up_nobody(server: HostileServer, tmp_path: Path) -> None:
    """Two hosts that redirect to each other while all their connections are in use do not stop the crawl for ever."""
    with HostileServer() as other, ThreadPoolExecutor(4) as threads:
        chosen = the_fetcher(server, ALLOW_HOSTS=f"{server.address},{other.address}", CRAWL_HOST_CONNECTIONS="1")
        both_busy = threading.Barrier(2, timeout=PATIENCE_SEC)
        chosen.throttle.request_slot = meeting(chosen.throttle.request_slot, both_busy)  # type: ignore[method-assign]
        urls = [
            server.url(f"/redirect?to={quote(other.url('/picture.jpg'))}"),
            other.url(f"/redirect?to={quote(server.url('/picture.jpg'))}"),
        ]
        fetches = [
            threads.submit(chosen.fetch, parse_url(url), tmp_path / str(number), pulse)
            for number, url in enumerate(urls)
        ]
        assert [fetch.result(PATIENCE_SEC).size for fetch in fetches] == [len(picture(1))] * 2


def meeting(request_slot: Any, both_busy: threading.Barrier) -> Any:
    """Slots of which the first two are held at the same time."""
    taken = itertools.count()

    @contextmanager
    def wait_for_other(*args: Any) -> Iterator[None]:
        with request_slot(*args):
            if next(taken) < 2:
                both_busy.wait()
            yield

    return wait_for_other


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("silent", "timeout"),
        ("gzip", "robots"),
        ("agents", "robots"),
    ],
)
def test_rules_that_cannot_be_read_cost_little(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
) -> None:
    """A robots.txt that never comes, comes compressed, or takes gigabytes to parse, is asked for once, and obeyed."""
    bomb = "".join(f"User-agent: {number}\n" for number in range(5000)) + "Disallow: /x\n" * 5000
    routes: dict[str, Route] = {
        "silent": lambda connection: connection.hold(),
        "gzip": lambda connection: connection.answer(gzip.compress(b""), Content_Encoding="gzip"),
        "agents": lambda connection: connection.answer(bomb.encode()),
    }
    monkeypatch.setitem(ROUTES, "/robots.txt", routes[answer])
    monkeypatch.setattr(optouts, "POLICY_TIMEOUT_SEC", 0.2)
    with HostileServer() as site:
        chosen = the_fetcher(site)
        for number in range(3):
            with pytest.raises(ImageRejected, match=reason):
                chosen.fetch(parse_url(site.url(f"/{number}.jpg")), tmp_path / "image", pulse)
        assert [request.path for request in site.requests] == ["/robots.txt"]


def test_remembered_rules_take_bounded_memory(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules of many sites are forgotten before they take more memory than their share."""
    rules = "User-agent: *\n" + "Disallow: /x\n" * 50
    monkeypatch.setitem(ROUTES, "/robots.txt", lambda connection: connection.answer(rules.encode()))
    monkeypatch.setattr(optouts, "MAX_CACHED_RULES", 100)
    policies = optouts.SitePolicies(Settings(allow_hosts=f"{server.address},localhost:{server.server_address[1]}"))
    for _ in range(2):
        for host in ("127.0.0.1", "localhost"):
            policies.get_policy(parse_url(f"http://{host}:{server.server_address[1]}/"), pulse)
    assert len(server.asked("/robots.txt")) == 4


def test_few_connections_to_one_host(tmp_path: Path) -> None:
    """However many threads want something of a host, only so many have it at a time."""
    with ImageSite(latency_sec=0.05) as site, ThreadPoolExecutor(8) as threads:
        chosen = the_fetcher(site, CRAWL_HOST_CONNECTIONS="2")
        urls = [parse_url(site.url("image", number)) for number in range(12)]
        list(threads.map(lambda n: chosen.fetch(urls[n], tmp_path / str(n), pulse), range(12)))
        assert site.most_at_once <= 2


def test_whoever_stops_does_not_wait(tmp_path: Path) -> None:
    """A chunk that is cancelled while it waits for its turn ends at once."""
    hosts, stop = HostThrottle(1, 0), threading.Event()

    class Stopped(Exception):
        pass

    def raise_stop() -> None:
        if stop.is_set():
            raise Stopped

    with hosts.request_slot("a.example", 0, pulse), ThreadPoolExecutor(1) as threads:

        def wait() -> None:
            with hosts.request_slot("a.example", 0, raise_stop):
                pytest.fail("it is not its turn")

        waiting = threads.submit(wait)
        stop.set()
        with pytest.raises(Stopped):
            waiting.result(PATIENCE_SEC)
