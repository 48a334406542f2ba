"""Download of images: through the URL guard, within size limits, and at the pace that hosts ask for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO

from shared.clock import parse_retry_after
from shared.error_codes.videos import SourceCode
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.media.file_type import HEAD_BYTES, sniff_image_format
from shared.security.guarded_http import MAX_REDIRECTS, REDIRECTS, ResponseHead, next_hop
from shared.security.guarded_transfers import GuardedTransfers
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.images.optouts import AGENT, SitePolicies, SitePolicy, opt_out_reason
from shared.sources.images.source import Pulse

MAX_PAUSE_SEC = 60.0
POLL_SEC = 0.05
"""How often a request asks again for a slot at a host; other event loops of the process may hold them all."""
MAX_HOSTS = 10_000
MAX_TRIES = 3
MAX_RETRY_WAIT_SEC = 30.0
"""The longest Retry-After to wait for; the image is rejected if a host asks for more."""
FIRST_WAIT_SEC = 1.0
MAX_MEMORY_BYTES = 1_048_576
"""Longer images are written to a temporary file."""
HEADERS = {"User-Agent": AGENT, "Accept": "image/*", "Accept-Encoding": "identity"}
_RETRY_STATUSES = (429, 503)
_REASONS: dict[str, str] = {
    SourceCode.SOURCE_SLOW: "timeout",
    SourceCode.SOURCE_UNAVAILABLE: "unreachable",
    SourceCode.SOURCE_INCOMPLETE: "broken_off",
    SourceCode.SOURCE_REDIRECTS: "redirects",
    SourceCode.SOURCE_UNTRUSTED: "untrusted",
    SourceCode.URL_NOT_ALLOWED: "not_public",
    SourceCode.URL_UNRESOLVABLE: "unreachable",
}
"""Error codes of the guard as reasons of rejected images."""


@dataclass
class HostState:
    busy: int = 0
    free_at: float = 0.0
    """Time of the next allowed request, by `time.monotonic()`."""


class HostThrottle:
    """Limits the requests of all threads of this process to each host.

    Args:
        connections: Maximum number of concurrent requests to one host.
        delay: Minimum seconds between the starts of two requests.
    """

    def __init__(self, connections: int, delay: float) -> None:
        self._connections = connections
        self._delay = delay
        self._hosts: dict[str, HostState] = {}
        self._lock = threading.Lock()

    @asynccontextmanager
    async def request_slot(self, authority: str, delay: float) -> AsyncIterator[None]:
        """Wait for a slot at a host and hold it; `delay` is the host's own crawl delay in seconds."""
        while (wait_sec := self._take_slot(authority, max(self._delay, delay))) is not None:
            await asyncio.sleep(wait_sec)
        try:
            yield
        finally:
            with self._lock:
                self._hosts[authority].busy -= 1

    def pause_host(self, authority: str, seconds: float) -> None:
        """Send no request to this host for `seconds`, at most 60."""
        with self._lock:
            host = self._host_state(authority)
            host.free_at = max(host.free_at, time.monotonic() + min(seconds, MAX_PAUSE_SEC))

    def _take_slot(self, authority: str, delay: float) -> float | None:
        """Take a slot; if there is none, return the seconds after which to ask again."""
        with self._lock:
            host, now = self._host_state(authority), time.monotonic()
            if host.busy >= self._connections:
                return POLL_SEC
            if host.free_at > now:
                return min(host.free_at - now, POLL_SEC)
            host.busy += 1
            host.free_at = now + delay
            return None

    def _host_state(self, authority: str) -> HostState:
        if len(self._hosts) > MAX_HOSTS:
            now = time.monotonic()
            self._hosts = {name: host for name, host in self._hosts.items() if host.busy or host.free_at > now}
        return self._hosts.setdefault(authority, HostState())


class ImageRejected(Exception):
    """The image is rejected, for a machine-readable `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _RetryLater(Exception):
    """The server asks to retry after `seconds`."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason


@dataclass(frozen=True)
class FetchedImage:
    """A downloaded image.

    Attributes:
        file: The bytes, in memory up to 1 MB, else in a file that is deleted with this.
        content_type: As declared by the server.
    """

    file: IO[bytes] = field(repr=False)
    content_type: str | None


@dataclass(frozen=True)
class CrawlSites:
    """What all chunks of a process know of sites: their pace and their policies."""

    settings: Settings
    throttle: HostThrottle
    policies: SitePolicies


class ImageFetcher:
    """Fetches the images of a chunk, many at a time on one event loop.

    Args:
        pulse: Called about once a second while a site's policy is read; raises to stop.
    """

    def __init__(self, sites: CrawlSites, transfers: GuardedTransfers, pulse: Pulse) -> None:
        self._settings = sites.settings
        self._throttle = sites.throttle
        self._policies = sites.policies
        self._transfers = transfers
        self._pulse = pulse

    async def fetch(self, url: WebUrl) -> FetchedImage:
        """Download an image; `url` must come from `check_url`. Raises ImageRejected, and what `pulse` raises.

        Reasons: `robots`, `x_robots_tag`, `tdm_reserved`; `not_public`, `url_invalid`, `redirects`, `untrusted`;
        `unreachable`, `timeout`, `broken_off`, `http_404` and the like; `not_an_image`, `too_many_bytes`, `encoded`.
        """
        for retries_left in reversed(range(MAX_TRIES)):
            try:
                return await self._fetch_once(url)
            except _RetryLater as retry:
                if not retries_left or retry.seconds > MAX_RETRY_WAIT_SEC:
                    raise ImageRejected(retry.reason) from None
                self._throttle.pause_host(url.authority, retry.seconds)
            except ClipwiseError as error:
                if not retries_left or not isinstance(error, TransientError) or error.code == SourceCode.SOURCE_SLOW:
                    raise ImageRejected(_REASONS.get(error.code, error.code)) from None
        raise AssertionError

    async def _fetch_once(self, url: WebUrl) -> FetchedImage:
        policy = await self._check_robots(url)
        async with AsyncExitStack() as slot:
            await slot.enter_async_context(self._throttle.request_slot(url.authority, policy.delay))
            deadline = time.monotonic() + self._settings.crawl_timeout_sec
            for _ in range(MAX_REDIRECTS + 1):
                body = ImageBody(policy, self._settings.max_image_size_mb * 1_000_000)
                head = await self._transfers.get(url, HEADERS, deadline - time.monotonic(), body.begin)
                if head.status not in REDIRECTS:
                    return body.finish()
                previous, url = url, next_hop(head, self._settings)
                if url.authority != previous.authority:
                    # A slot of one host at a time: hosts that redirect to each other would wait for each other forever.
                    await slot.aclose()
                policy = await self._check_robots(url)
                if url.authority != previous.authority:
                    await slot.enter_async_context(self._throttle.request_slot(url.authority, policy.delay))
        raise PermanentError(
            SourceCode.SOURCE_REDIRECTS, "The link redirects too many times. Use the address at which they end."
        )

    async def _check_robots(self, url: WebUrl) -> SitePolicy:
        policy = self._policies.cached_policy(url)
        if policy is None:
            policy = await asyncio.to_thread(self._policies.get_policy, url, self._pulse)
        if not policy.allows(url):
            raise ImageRejected("robots")
        return policy


class ImageBody:
    """The body of an image's response, checked while it arrives. All methods raise ImageRejected."""

    def __init__(self, policy: SitePolicy, max_bytes: int) -> None:
        self._policy = policy
        self._max_bytes = max_bytes
        self._content_type: str | None = None
        self._file: IO[bytes] = BytesIO()
        self._size = 0
        self._head = b""

    def begin(self, response: ResponseHead) -> Callable[[bytes], object] | None:
        """Judge the response by its head; raises _RetryLater for a server that is busy."""
        if response.status in REDIRECTS:
            return None
        if response.status in _RETRY_STATUSES:
            wait = parse_retry_after(response.headers.get("retry-after", ""))
            raise _RetryLater(FIRST_WAIT_SEC if wait is None else wait, f"http_{response.status}")
        if response.status not in (200, 203):
            raise ImageRejected(f"http_{response.status}")
        if reason := opt_out_reason(response.url, response.headers, self._policy):
            raise ImageRejected(reason)
        if response.is_encoded:
            raise ImageRejected("encoded")
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise ImageRejected("too_many_bytes")
        self._content_type = response.headers.get("content-type")
        return self._write

    def finish(self) -> FetchedImage:
        if self._head:
            _check_head(self._head)
        self._file.seek(0)
        return FetchedImage(self._file, self._content_type)

    def _write(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise ImageRejected("too_many_bytes")
        if len(self._head) < HEAD_BYTES:
            self._head += piece[:HEAD_BYTES]
            if len(self._head) >= HEAD_BYTES:
                _check_head(self._head)
        if self._size > MAX_MEMORY_BYTES and isinstance(self._file, BytesIO):
            start = self._file.getbuffer()
            self._file = TemporaryFile()  # noqa: SIM115  # closed with the image
            self._file.write(start)
        self._file.write(piece)


def _check_head(head: bytes) -> None:
    """Raise ImageRejected if the content is no image; the declared type does not count, since servers err."""
    if not sniff_image_format(head):
        raise ImageRejected("not_an_image")


_sites: list[CrawlSites] = []
_sites_lock = threading.Lock()


def crawl_sites(settings: Settings) -> CrawlSites:
    """Return what this process knows of sites; concurrent chunks share it."""
    with _sites_lock:
        if not _sites or _sites[0].settings != settings:
            throttle = HostThrottle(settings.crawl_host_connections, settings.crawl_host_delay_sec)
            _sites[:] = [CrawlSites(settings, throttle, SitePolicies(settings))]
        return _sites[0]
