"""Fetching images: politely, and nothing that is not wanted."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest

from shared.security.guarded_transfers import GuardedTransfers
from shared.security.urls import parse_url
from shared.settings import Settings, read_settings
from shared.sources.images import optouts
from shared.sources.images.fetcher import (
    CrawlSites,
    FetchedImage,
    HostThrottle,
    ImageFetcher,
    ImageRejected,
    crawl_sites,
)
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


def the_sites(site: ImageSite | HostileServer, **environ: str) -> CrawlSites:
    usual = {"CRAWL_HOST_DELAY_SEC": "0", "CRAWL_HOST_CONNECTIONS": "4", "CRAWL_TIMEOUT_SEC": "5"}
    return crawl_sites(read_settings(usual | {"ALLOW_HOSTS": site.address} | environ))


def pulse() -> None:
    """Nobody stops it."""


def fetch(sites: CrawlSites, *urls: str) -> list[FetchedImage | str]:
    """What becomes of these addresses, fetched at once: the image, or the reason why there is none."""

    async def fetch_one(fetcher: ImageFetcher, url: str) -> FetchedImage | str:
        try:
            return await fetcher.fetch(parse_url(url))
        except ImageRejected as rejected:
            return rejected.reason

    async def fetch_all() -> list[FetchedImage | str]:
        async with GuardedTransfers(sites.settings, 8) as transfers:
            fetcher = ImageFetcher(sites, transfers, pulse)
            return await asyncio.gather(*(fetch_one(fetcher, url) for url in urls))

    return asyncio.run(asyncio.wait_for(fetch_all(), PATIENCE_SEC))


def content(fetched: FetchedImage | str) -> bytes:
    assert isinstance(fetched, FetchedImage), fetched
    return fetched.file.read()


def test_an_image_comes_as_it_was_sent(site: ImageSite) -> None:
    """What is fetched is what was sent, with the type that the server declared."""
    (fetched,) = fetch(the_sites(site), site.url("image", 1))
    assert content(fetched) == picture(1)
    assert isinstance(fetched, FetchedImage)
    assert fetched.content_type == "image/jpeg"
    assert site.agents == {"Clipwise"}


def test_a_large_image_is_not_held_in_memory(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image of megabytes goes to a file while it arrives, whole, and one that exceeds the limit is cut off."""
    large = picture(1) + bytes(3_000_000)
    monkeypatch.setitem(ROUTES, "/large.jpg", lambda connection: connection.answer(large))
    (fetched,) = fetch(the_sites(server), server.url("/large.jpg"))
    assert content(fetched) == large
    assert isinstance(fetched, FetchedImage)
    assert isinstance(fetched.file.fileno(), int)
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + large
    monkeypatch.setitem(ROUTES, "/endless.jpg", lambda connection: connection.send(endless))
    assert fetch(the_sites(server, MAX_IMAGE_SIZE_MB="2"), server.url("/endless.jpg")) == ["too_many_bytes"]


# What only shows when the bytes are looked at is not a fetcher's to say.
SEEN_LATER = ("bomb", "svg", "ico")


@pytest.mark.parametrize("sort", [sort for sort in FATES if sort not in SEEN_LATER])
def test_each_sort_of_answer(site: ImageSite, sort: str) -> None:
    """Every refusal, opt-out and mishap has a reason of its own; what is only busy or elsewhere is fetched."""
    (fetched,) = fetch(the_sites(site), site.url(sort, 77))
    if FATES[sort] is None:
        assert content(fetched)
    else:
        assert fetched == FATES[sort]


def test_robots_are_asked_first_and_once() -> None:
    """What a site forbids is never asked for, and its rules are read once for all images."""
    with ImageSite() as site:
        assert fetch(the_sites(site), *(site.url("robots", number) for number in range(3))) == ["robots"] * 3
        assert fetch(the_sites(site), site.url("robots", 4)) == ["robots"]
        assert dict(site.asked) == {"/robots.txt": 1, "/.well-known/tdmrep.json": 1}


def test_a_busy_host_is_left_alone() -> None:
    """A Retry-After is waited for, and by everyone who wants something of the host."""
    with ImageSite() as site:
        sites = the_sites(site)
        began = time.monotonic()
        assert content(*fetch(sites, site.url("busy", 1)))
        assert time.monotonic() - began >= 1
        assert site.asked["/busy/1.jpg"] == 2
        assert fetch(sites, site.url("toobusy", 1)) == ["http_429"]
        assert site.asked["/toobusy/1.jpg"] == 1


def test_hosts_that_redirect_to_each_other_hold_up_nobody(server: HostileServer) -> None:
    """Two hosts that redirect to each other while all their connections are in use do not stop the crawl for ever."""
    with HostileServer() as other:
        sites = the_sites(server, ALLOW_HOSTS=f"{server.address},{other.address}", CRAWL_HOST_CONNECTIONS="1")
        both_busy = asyncio.Barrier(2)
        sites.throttle.request_slot = meeting(sites.throttle.request_slot, both_busy)  # type: ignore[method-assign]
        urls = [
            server.url(f"/redirect?to={quote(other.url('/picture.jpg'))}"),
            other.url(f"/redirect?to={quote(server.url('/picture.jpg'))}"),
        ]
        assert [content(fetched) for fetched in fetch(sites, *urls)] == [picture(1)] * 2


def meeting(request_slot: Any, both_busy: asyncio.Barrier) -> Any:
    """Slots of which the first two are held at the same time."""
    taken = itertools.count()

    @asynccontextmanager
    async def wait_for_other(*args: Any) -> AsyncIterator[None]:
        async with request_slot(*args):
            if next(taken) < 2:
                await both_busy.wait()
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
    server: HostileServer, monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
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
        for number in range(3):
            assert fetch(the_sites(site), site.url(f"/{number}.jpg")) == [reason]
        assert [request.path for request in site.requests] == ["/robots.txt"]


def test_remembered_rules_take_bounded_memory(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of many sites are forgotten before they take more memory than their share."""
    rules = "User-agent: *\n" + "Disallow: /x\n" * 50
    monkeypatch.setitem(ROUTES, "/robots.txt", lambda connection: connection.answer(rules.encode()))
    monkeypatch.setattr(optouts, "MAX_CACHED_RULES", 100)
    policies = optouts.SitePolicies(Settings(allow_hosts=f"{server.address},localhost:{server.server_address[1]}"))
    for _ in range(2):
        for host in ("127.0.0.1", "localhost"):
            policies.get_policy(parse_url(f"http://{host}:{server.server_address[1]}/"), pulse)
    assert len(server.asked("/robots.txt")) == 4


def test_few_connections_to_one_host() -> None:
    """However many chunks want something of a host, only so many have it at a time."""
    with ImageSite(latency_sec=0.05) as site, ThreadPoolExecutor(2) as chunks:
        sites = the_sites(site, CRAWL_HOST_CONNECTIONS="2")
        urls = [[site.url("image", number) for number in numbers] for numbers in (range(6), range(6, 12))]
        for fetched in chunks.map(lambda part: fetch(sites, *part), urls):
            assert all(map(content, fetched))
        assert site.most_at_once == 2


def test_whoever_stops_does_not_wait() -> None:
    """A chunk that is cancelled while it waits for its turn ends at once."""
    hosts = HostThrottle(1, 0)

    async def wait() -> None:
        async with hosts.request_slot("a.example", 0):
            pytest.fail("it is not its turn")

    async def stop() -> None:
        async with hosts.request_slot("a.example", 0):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(asyncio.wait_for(stop(), PATIENCE_SEC))
