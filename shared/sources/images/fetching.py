"""Fetching one image: politely, through the URL guard, never more than is wanted of it."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from shared.clock import parse_retry_after
from shared.error_codes.videos import SourceCode
from shared.errors import ClipwiseError, TransientError
from shared.security.guarded_http import Answer, Limits, guarded_get
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.images.hosts import Hosts
from shared.sources.images.optouts import AGENT, Site, Sites, opted_out
from shared.sources.images.source import Pulse

TRIES = 3
PATIENCE_SEC = 30.0
"""The longest wait that a host may ask for and get; whoever asks for more is not asked again."""
FIRST_WAIT_SEC = 1.0

HEADERS = {"User-Agent": AGENT, "Accept": "image/*"}
_TRY_AGAIN = (429, 503)
_NO_IMAGE = ("text/", "application/json", "application/xhtml+xml", "application/pdf", "video/", "audio/")
_CODES: dict[str, str] = {
    SourceCode.SOURCE_SLOW: "timeout",
    SourceCode.SOURCE_UNAVAILABLE: "unreachable",
    SourceCode.SOURCE_INCOMPLETE: "broken_off",
    SourceCode.SOURCE_REDIRECTS: "redirects",
    SourceCode.SOURCE_UNTRUSTED: "untrusted",
    SourceCode.URL_NOT_ALLOWED: "not_public",
    SourceCode.URL_UNRESOLVABLE: "unreachable",
}
"""The guard's errors as reasons for which images are rejected."""


class Rejected(Exception):
    """The image is not taken; `reason` says why, for machines."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Again(Exception):
    """The server asks to come back in so many seconds."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason


@dataclass(frozen=True)
class Fetched:
    sha256: str
    size: int
    content_type: str | None


@dataclass(frozen=True)
class Fetcher:
    """What all images of a chunk are fetched by. Use from several threads."""

    settings: Settings
    hosts: Hosts
    sites: Sites

    def fetch(self, url: WebUrl, into: Path, pulse: Pulse) -> Fetched:
        """Download to the file `into`. Raises Rejected, and what `pulse` raises.

        Reasons: `robots`, `x_robots_tag`, `tdm_reserved`; `not_public`, `url_invalid`, `redirects`, `untrusted`;
        `unreachable`, `timeout`, `broken_off`, `http_404` and the like; `not_an_image`, `too_many_bytes`, `encoded`.
        """
        for left in reversed(range(TRIES)):
            try:
                return self._try(url, into, pulse)
            except _Again as later:
                if not left or later.seconds > PATIENCE_SEC:
                    raise Rejected(later.reason) from None
                self.hosts.pause(url.authority, later.seconds)
            except ClipwiseError as error:
                if not left or not isinstance(error, TransientError) or error.code == SourceCode.SOURCE_SLOW:
                    raise Rejected(_CODES.get(error.code, error.code)) from None
        raise AssertionError

    def _try(self, url: WebUrl, into: Path, pulse: Pulse) -> Fetched:
        site = self._allowed(url, pulse)
        with self.hosts.turn(url.authority, site.delay, pulse):
            limits = Limits(time.monotonic() + self.settings.crawl_timeout_sec, pulse)

            def visit(hop: WebUrl) -> None:
                nonlocal site
                if hop.authority != url.authority:
                    site = self._allowed(hop, pulse)
                    with self.hosts.turn(hop.authority, site.delay, pulse):
                        return
                if not site.allows(hop):
                    raise Rejected("robots")

            with guarded_get(str(url), self.settings, limits, HEADERS, visit=visit) as answer:
                self._check(answer, site)
                return self._receive(answer, into)

    def _allowed(self, url: WebUrl, pulse: Pulse) -> Site:
        site = self.sites.site(url, pulse)
        if not site.allows(url):
            raise Rejected("robots")
        return site

    def _check(self, answer: Answer, site: Site) -> None:
        if answer.status in _TRY_AGAIN:
            wait = parse_retry_after(answer.headers.get("retry-after", ""))
            raise _Again(FIRST_WAIT_SEC if wait is None else wait, f"http_{answer.status}")
        if answer.status not in (200, 203):
            raise Rejected(f"http_{answer.status}")
        if reason := opted_out(answer.url, answer.headers, site):
            raise Rejected(reason)
        if answer.headers.get("content-type", "").strip().lower().startswith(_NO_IMAGE):
            raise Rejected("not_an_image")
        if answer.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
            raise Rejected("encoded")
        length = answer.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            raise Rejected("too_many_bytes")

    def _receive(self, answer: Answer, into: Path) -> Fetched:
        digest, size = hashlib.sha256(), 0
        with into.open("wb") as file:
            for piece in answer.body:
                size += len(piece)
                if size > self._most:
                    raise Rejected("too_many_bytes")
                digest.update(piece)
                file.write(piece)
        length = answer.headers.get("content-length", "")
        if length.isdecimal() and int(length) != size:
            raise TransientError("source_incomplete", "The server sent less than it announced. Try again.")
        return Fetched(digest.hexdigest(), size, answer.headers.get("content-type"))

    @property
    def _most(self) -> int:
        return self.settings.max_image_size_mb * 1_000_000


_made: list[Fetcher] = []
_making = threading.Lock()


def fetcher(settings: Settings) -> Fetcher:
    """This process's: chunks that it works at beside each other are polite together, and know what the others know."""
    with _making:
        if not _made or _made[0].settings != settings:
            hosts = Hosts(settings.crawl_host_connections, settings.crawl_host_delay_sec)
            _made[:] = [Fetcher(settings, hosts, Sites(settings))]
        return _made[0]
