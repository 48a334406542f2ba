"""The public keys behind Google's ID tokens: kept as long as they may be, and asked for again no oftener than that."""

from __future__ import annotations

import logging
import re
import threading
from datetime import datetime, timedelta

import httpx2
import jwt

from shared import clock
from shared.platform.gcp.identity_toolkit import TIMEOUT_SEC, unavailable_error

log = logging.getLogger(__name__)

DEFAULT_LIFETIME = timedelta(hours=1)
SHORTEST_PAUSE = timedelta(minutes=1)
"""Anyone can send tokens with made-up key ids: so often, and no oftener, one makes us ask."""
LONGEST_STALE = timedelta(days=1)


class SigningKeys:
    """Keys by their id (`kid`), from a JSON Web Key Set (RFC 7517)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._guard = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._good_until = self._usable_until = clock.now()

    def key(self, kid: str) -> jwt.PyJWK | None:
        """None when there is no such key. Raises TransientError `identity_unavailable` when none are known at all."""
        with self._guard:
            now = clock.now()
            if (kid not in self._keys or now >= self._good_until) and self._can_fetch(now):
                self._fetch_keys(now)
            if not self._keys or now >= self._usable_until:
                raise unavailable_error()
            return self._keys.get(kid)

    def _can_fetch(self, now: datetime) -> bool:
        return self._fetched_at is None or now - self._fetched_at >= SHORTEST_PAUSE

    def _fetch_keys(self, now: datetime) -> None:
        self._fetched_at = now
        try:
            response = httpx2.get(self._url, timeout=TIMEOUT_SEC).raise_for_status()
            key_set = jwt.PyJWKSet.from_dict(response.json())
        except (httpx2.HTTPError, ValueError, jwt.PyJWTError):
            log.warning("the keys of ID tokens cannot be had just now", exc_info=True)
            return
        self._keys = {key.key_id: key for key in key_set.keys if key.key_id}
        self._good_until = now + _lifetime(response.headers.get("cache-control", ""))
        self._usable_until = self._good_until + LONGEST_STALE


def _lifetime(cache_control: str) -> timedelta:
    match = re.search(r"max-age=(\d{1,9})", cache_control)
    return timedelta(seconds=int(match[1])) if match else DEFAULT_LIFETIME
