"""One bounded request to a search service, through the URL guard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.errors import PermanentError, TransientError
from shared.security.guarded_http import RequestLimits, fetch_url
from shared.security.url_guard import check_url
from shared.security.urls import DEFAULT_PORTS, parse_url
from shared.settings import Settings
from shared.sources.images.source import Pulse

TIMEOUT_SEC = 30.0
MAX_BYTES = 5_000_000
_BLOCKED_STATUSES = (202, 401, 403, 407, 418, 429, 451)


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
    """Raises as `fetch_url`, and PermanentError `engine_unreadable` for more than five megabytes."""
    with fetch_url(url, settings, RequestLimits(time.monotonic() + TIMEOUT_SEC, pulse), headers or {}) as response:
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
    """Raises for all but 200: TransientError `engine_blocked`, `source_unavailable`; else as `unreadable` has it."""
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
    """Settings that let the configured server through, which may be private; nothing but requests to it gets them."""
    if not base_url:
        return settings
    url = parse_url(base_url)
    host = f"{url.host}:{url.port or DEFAULT_PORTS[url.scheme]}"
    trusted = replace(settings, allow_hosts=",".join(filter(None, [settings.allow_hosts, host])))
    check_url(base_url, trusted)
    return trusted
