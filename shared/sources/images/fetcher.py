"""Download of one image: through the URL guard, within size limits, and at the pace that hosts ask for."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.clock import parse_retry_after
from shared.error_codes.videos import SourceCode
from shared.errors import ClipwiseError, TransientError
from shared.media.file_type import HEAD_BYTES, sniff_image_format
from shared.security.guarded_http import HttpResponse, RequestLimits, fetch_url
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.images.optouts import AGENT, SitePolicies, SitePolicy, opt_out_reason
from shared.sources.images.source import Pulse

MAX_PAUSE_SEC = 60.0
PULSE_SEC = 1.0
MAX_HOSTS = 10_000
MAX_TRIES = 3
MAX_RETRY_WAIT_SEC = 30.0
"""The longest Retry-After to wait for; the image is rejected if a host asks for more."""
FIRST_WAIT_SEC = 1.0
HEADERS = {"User-Agent": AGENT, "Accept": "image/*"}
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
        self._changed = threading.Condition()

    @contextmanager
    def request_slot(self, authority: str, delay: float, pulse: Pulse) -> Iterator[None]:
        """Wait for a slot at a host and hold it; `delay` is the host's own crawl delay in seconds."""
        host = self._acquire_slot(authority, max(self._delay, delay), pulse)
        try:
            yield
        finally:
            with self._changed:
                host.busy -= 1
                self._changed.notify_all()

    def pause_host(self, authority: str, seconds: float) -> None:
        """Send no request to this host for `seconds`, at most 60."""
        with self._changed:
            host = self._host_state(authority)
            host.free_at = max(host.free_at, time.monotonic() + min(seconds, MAX_PAUSE_SEC))

    def _acquire_slot(self, authority: str, delay: float, pulse: Pulse) -> HostState:
        while True:
            pulse()
            with self._changed:
                host, now = self._host_state(authority), time.monotonic()
                if host.busy < self._connections and host.free_at <= now:
                    host.busy += 1
                    host.free_at = now + delay
                    return host
                wait_sec = host.free_at - now if host.busy < self._connections else PULSE_SEC
                self._changed.wait(max(0.001, min(PULSE_SEC, wait_sec)))

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
    sha256: str
    size: int
    content_type: str | None


@dataclass(frozen=True)
class ImageFetcher:
    """Fetches all images of a chunk. Safe for use from several threads."""

    settings: Settings
    throttle: HostThrottle
    policies: SitePolicies

    def fetch(self, url: WebUrl, target: Path, pulse: Pulse) -> FetchedImage:
        """Download to the file `target`. Raises ImageRejected, and what `pulse` raises.

        Reasons: `robots`, `x_robots_tag`, `tdm_reserved`; `not_public`, `url_invalid`, `redirects`, `untrusted`;
        `unreachable`, `timeout`, `broken_off`, `http_404` and the like; `not_an_image`, `too_many_bytes`, `encoded`.
        """
        for retries_left in reversed(range(MAX_TRIES)):
            try:
                return self._fetch_once(url, target, pulse)
            except _RetryLater as retry:
                if not retries_left or retry.seconds > MAX_RETRY_WAIT_SEC:
                    raise ImageRejected(retry.reason) from None
                self.throttle.pause_host(url.authority, retry.seconds)
            except ClipwiseError as error:
                if not retries_left or not isinstance(error, TransientError) or error.code == SourceCode.SOURCE_SLOW:
                    raise ImageRejected(_REASONS.get(error.code, error.code)) from None
        raise AssertionError

    def _fetch_once(self, url: WebUrl, target: Path, pulse: Pulse) -> FetchedImage:
        policy, authority = self._check_robots(url, pulse), url.authority
        with ExitStack() as slot:
            slot.enter_context(self.throttle.request_slot(authority, policy.delay, pulse))
            limits = RequestLimits(time.monotonic() + self.settings.crawl_timeout_sec, pulse)

            def visit(hop: WebUrl) -> None:
                nonlocal policy, authority
                if hop.authority == authority:
                    if not policy.allows(hop):
                        raise ImageRejected("robots")
                    return
                # A slot of one host at a time: hosts that redirect to each other would wait for each other for ever.
                slot.close()
                policy, authority = self._check_robots(hop, pulse), hop.authority
                slot.enter_context(self.throttle.request_slot(authority, policy.delay, pulse))

            with fetch_url(str(url), self.settings, limits, HEADERS, visit=visit) as response:
                self._check_response(response, policy)
                return self._write_body(response, target)

    def _check_robots(self, url: WebUrl, pulse: Pulse) -> SitePolicy:
        policy = self.policies.get_policy(url, pulse)
        if not policy.allows(url):
            raise ImageRejected("robots")
        return policy

    def _check_response(self, response: HttpResponse, policy: SitePolicy) -> None:
        if response.status in _RETRY_STATUSES:
            wait = parse_retry_after(response.headers.get("retry-after", ""))
            raise _RetryLater(FIRST_WAIT_SEC if wait is None else wait, f"http_{response.status}")
        if response.status not in (200, 203):
            raise ImageRejected(f"http_{response.status}")
        if reason := opt_out_reason(response.url, response.headers, policy):
            raise ImageRejected(reason)
        if response.is_encoded:
            raise ImageRejected("encoded")
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise ImageRejected("too_many_bytes")

    def _write_body(self, response: HttpResponse, target: Path) -> FetchedImage:
        digest, size, head = hashlib.sha256(), 0, b""
        with target.open("wb") as file:
            for chunk in response.body:
                size += len(chunk)
                if size > self._max_bytes:
                    raise ImageRejected("too_many_bytes")
                if len(head) < HEAD_BYTES:
                    head += chunk
                    if len(head) >= HEAD_BYTES:
                        _check_head(head)
                digest.update(chunk)
                file.write(chunk)
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) != size:
            raise TransientError("source_incomplete", "The server sent less than it announced. Try again.")
        if head:
            _check_head(head)
        return FetchedImage(digest.hexdigest(), size, response.headers.get("content-type"))

    @property
    def _max_bytes(self) -> int:
        return self.settings.max_image_size_mb * 1_000_000


def _check_head(head: bytes) -> None:
    """Raise ImageRejected if the content is no image; the declared type does not count, since servers err."""
    if not sniff_image_format(head):
        raise ImageRejected("not_an_image")


_fetchers: list[ImageFetcher] = []
_fetchers_lock = threading.Lock()


def process_fetcher(settings: Settings) -> ImageFetcher:
    """Return the fetcher of this process, so that concurrent chunks share its throttle and site policies."""
    with _fetchers_lock:
        if not _fetchers or _fetchers[0].settings != settings:
            throttle = HostThrottle(settings.crawl_host_connections, settings.crawl_host_delay_sec)
            _fetchers[:] = [ImageFetcher(settings, throttle, SitePolicies(settings))]
        return _fetchers[0]
