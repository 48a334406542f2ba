"""The contract of image sources: candidates in pages, and bounded requests to search services."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from shared.errors import PermanentError, TransientError
from shared.models.image import CandidatePage
from shared.security.url_guard import check_url
from shared.security.urls import DEFAULT_PORTS, parse_url
from shared.settings import Settings

TIMEOUT_SEC = 30.0
MAX_BYTES = 5_000_000
_BLOCKED_STATUSES = (202, 401, 403, 407, 418, 429, 451)
PARSE_ERRORS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
"""What reading a response of an unknown format may raise: infinite numbers and deep nesting too."""
Pulse = Callable[[], None]
"""Called about once a second during waits; raises to stop the work."""


class ImageSource(Protocol):
    """Returns candidates for a keyword, page by page.

    A response of an unknown format raises PermanentError `engine_unreadable` instead of yielding an empty page. A
    rejected request raises TransientError `engine_blocked`; a missing response, `source_unavailable` or `source_slow`.
    """

    def search_page(self, keyword: str, number: int, max_images: int, pulse: Pulse) -> CandidatePage:
        """Return page `number`, counted from 1. `max_images` is the number of images the chunk still needs."""


@dataclass(frozen=True)
class SearchResponse:
    status: int
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")


def fetch_search_response(
    url: str, settings: Settings, pulse: Pulse, headers: Mapping[str, str] | None = None
) -> SearchResponse:
    """Fetch a response through the URL guard.

    Raises as `fetch_url`, and PermanentError `engine_unreadable` above 5 MB and for a compressed response.
    """
    from shared.security.guarded_http import RequestLimits, fetch_url

    with fetch_url(url, settings, RequestLimits(time.monotonic() + TIMEOUT_SEC, pulse), headers or {}) as response:
        if response.is_encoded:
            raise unreadable_response(response.url.host, "compressed")
        content = bytearray()
        for chunk in response.body:
            content += chunk
            if len(content) > MAX_BYTES:
                raise PermanentError(
                    "engine_unreadable",
                    f"The response from {response.url.host} exceeds {MAX_BYTES // 1_000_000} MB. Use another source.",
                )
        return SearchResponse(response.status, bytes(content))


def check_search_response(name: str, response: SearchResponse) -> None:
    """Raise TransientError `engine_blocked` or `source_unavailable`, or PermanentError, unless the status is 200."""
    if response.status == 200:
        return
    if response.status in _BLOCKED_STATUSES:
        raise TransientError(
            "engine_blocked", f"{name} rejects requests from this server (status {response.status}). Retry later."
        )
    if response.status >= 500:
        raise TransientError(
            "source_unavailable", f"{name} is temporarily unavailable (status {response.status}). Retry later."
        )
    raise unreadable_response(name, f"status {response.status}")


def unreadable_response(name: str, detail: str) -> PermanentError:
    return PermanentError(
        "engine_unreadable",
        f"The response from {name} has an unknown format ({detail}). Update Clipwise, or use another source.",
    )


def allow_base_url(settings: Settings, base_url: str) -> Settings:
    """Return settings that allow the configured server, which may be private.

    Use them only for requests to that server.
    """
    if not base_url:
        return settings
    url = parse_url(base_url)
    host = f"{url.host}:{url.port or DEFAULT_PORTS[url.scheme]}"
    trusted = replace(settings, allow_hosts=",".join(filter(None, [settings.allow_hosts, host])))
    check_url(base_url, trusted)
    return trusted
