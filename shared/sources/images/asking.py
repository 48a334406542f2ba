"""One bounded request to a search service, through the URL guard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.errors import PermanentError, TransientError
from shared.security.guarded_http import Limits, guarded_get
from shared.security.url_guard import check_url
from shared.security.urls import DEFAULT_PORTS, parse_url
from shared.settings import Settings
from shared.sources.images.source import Pulse

SECONDS = 30.0
MAX_BYTES = 5_000_000

_REFUSALS = (202, 401, 403, 407, 418, 429, 451)


@dataclass(frozen=True)
class Told:
    status: int
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")


def ask(url: str, settings: Settings, pulse: Pulse, headers: Mapping[str, str] | None = None) -> Told:
    """Raises as `guarded_get`, and PermanentError `engine_unreadable` for more than five megabytes."""
    with guarded_get(url, settings, Limits(time.monotonic() + SECONDS, pulse), headers or {}) as answer:
        content = bytearray()
        for piece in answer.body:
            content += piece
            if len(content) > MAX_BYTES:
                raise PermanentError(
                    "engine_unreadable",
                    f"The response from {answer.url.host} exceeds {MAX_BYTES // 1_000_000} MB. Use another source.",
                )
        return Told(answer.status, bytes(content))


def check_answered(name: str, told: Told) -> None:
    """Raises for all but 200: TransientError `engine_blocked`, `source_unavailable`; else as `unreadable` has it."""
    if told.status == 200:
        return
    if told.status in _REFUSALS:
        raise TransientError(
            "engine_blocked", f"{name} rejects requests from this server (status {told.status}). Retry later."
        )
    if told.status >= 500:
        raise TransientError(
            "source_unavailable", f"{name} is temporarily unavailable (status {told.status}). Retry later."
        )
    raise unreadable(name, f"status {told.status}")


def unreadable(name: str, what: str) -> PermanentError:
    return PermanentError(
        "engine_unreadable",
        f"The response from {name} has an unknown format ({what}). Update Clipwise, or use another source.",
    )


def trusting(settings: Settings, base_url: str) -> Settings:
    """Settings that let the configured server through, which may be private; nothing but requests to it gets them."""
    if not base_url:
        return settings
    url = parse_url(base_url)
    place = f"{url.host}:{url.port or DEFAULT_PORTS[url.scheme]}"
    trusted = replace(settings, allow_hosts=",".join(filter(None, [settings.allow_hosts, place])))
    check_url(base_url, trusted)
    return trusted
