"""Opt-outs that sites declare for machines: robots.txt (RFC 9309), X-Robots-Tag, and TDM reservations.

TDM: https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protego import Protego

from shared.errors import PermanentError, TransientError
from shared.security.guarded_http import RequestLimits, fetch_url
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.images.source import Pulse

AGENT = "Clipwise"
"""Our name in `User-Agent` and in robots.txt."""
POLICY_TIMEOUT_SEC = 10.0
MAX_POLICY_BYTES = 500 * 1024
CACHE_SEC = 3600.0
MAX_SITES = 5000
MAX_DELAY_SEC = 10.0
_FORBIDDING_RULES = frozenset({"noindex", "none", "noimageindex", "noai", "noimageai"})
_RULE_NAMES = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})


@dataclass(frozen=True)
class SitePolicy:
    """The crawl rules of a site.

    Attributes:
        rules: None forbids everything, because robots.txt could not be fetched.
        reserved: Path patterns, and whether text and data mining is reserved there; the first match counts.
    """

    rules: Protego | None
    reserved: list[tuple[re.Pattern[str], bool]]
    expires_at: float

    def allows(self, url: WebUrl) -> bool:
        return self.rules is not None and bool(self.rules.can_fetch(str(url), AGENT))

    @property
    def delay(self) -> float:
        """Crawl delay of robots.txt in seconds, at most 10."""
        crawl_delay = self.rules.crawl_delay(AGENT) if self.rules else None
        return min(MAX_DELAY_SEC, float(crawl_delay or 0))


@dataclass
class SitePolicies:
    """Policies of sites, fetched once per site and hour for all threads."""

    settings: Settings
    _policies: dict[str, SitePolicy] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _guard_lock: threading.Lock = field(default_factory=threading.Lock)

    def get_policy(self, url: WebUrl, pulse: Pulse) -> SitePolicy:
        origin = f"{url.scheme}://{url.authority}"
        with self._guard_lock:
            lock = self._locks.setdefault(origin, threading.Lock())
        with lock:
            policy = self._policies.get(origin)
            if policy is None or policy.expires_at < time.monotonic():
                policy = self._fetch_policy(origin, pulse)
                with self._guard_lock:
                    if len(self._policies) >= MAX_SITES:
                        self._policies.clear()
                        self._locks = {origin: lock}
                    self._policies[origin] = policy
            return policy

    def _fetch_policy(self, origin: str, pulse: Pulse) -> SitePolicy:
        expires_at = time.monotonic() + CACHE_SEC
        status, text = self._fetch_text(f"{origin}/robots.txt", pulse)
        # RFC 9309, 2.3.1.3 and 2.3.1.4: a missing robots.txt forbids nothing; an unreachable one forbids everything.
        if status >= 500 or status == 429:
            return SitePolicy(None, [], expires_at)
        rules = Protego.parse(text if status == 200 else "")
        try:
            status, text = self._fetch_text(f"{origin}/.well-known/tdmrep.json", pulse)
        except (PermanentError, TransientError):
            status, text = 404, ""
        return SitePolicy(rules, parse_reservations(text) if status == 200 else [], expires_at)

    def _fetch_text(self, url: str, pulse: Pulse) -> tuple[int, str]:
        limits = RequestLimits(time.monotonic() + POLICY_TIMEOUT_SEC, pulse)
        with fetch_url(url, self.settings, limits, {"User-Agent": AGENT}) as response:
            content = bytearray()
            for chunk in response.body:
                content += chunk
                if len(content) > MAX_POLICY_BYTES:
                    break
            return response.status, bytes(content[:MAX_POLICY_BYTES]).decode("utf-8", errors="replace")


def parse_reservations(text: str) -> list[tuple[re.Pattern[str], bool]]:
    """Parse the rules of a tdmrep.json; none if it is invalid."""
    try:
        rules: Any = json.loads(text)
        return [(_path_pattern(str(rule["location"])), int(rule["tdm-reservation"]) == 1) for rule in rules]
    except (ValueError, TypeError, KeyError):
        return []


def _path_pattern(location: str) -> re.Pattern[str]:
    """Compile a path pattern as in robots.txt: a prefix, with `*` for anything and `$` for the end."""
    ends = location.endswith("$")
    parts = (re.escape(part) for part in location.removesuffix("$").split("*"))
    return re.compile(".*".join(parts) + ("$" if ends else ""), re.DOTALL)


def opt_out_reason(url: WebUrl, headers: Mapping[str, str], policy: SitePolicy) -> str | None:
    """Return why a fetched image must not be kept: `x_robots_tag`, `tdm_reserved` or None."""
    if has_opt_out(headers.get("x-robots-tag", "")):
        return "x_robots_tag"
    reservation = headers.get("tdm-reservation", "").strip()
    if reservation in ("0", "1"):
        return "tdm_reserved" if reservation == "1" else None
    reserved = next((is_reserved for pattern, is_reserved in policy.reserved if pattern.match(url.target)), False)
    return "tdm_reserved" if reserved else None


def has_opt_out(header: str) -> bool:
    """Return whether X-Robots-Tag, one header per line, forbids us or everyone to keep an image."""
    return any(_line_has_opt_out(line) for line in header.lower().splitlines())


def _line_has_opt_out(line: str) -> bool:
    applies = True
    for part in line.split(","):
        name, colon, remainder = part.strip().partition(":")
        if colon and name not in _RULE_NAMES:
            # The following rules apply to the robot of this name.
            applies, rule = name in (AGENT.lower(), "*"), remainder.strip()
        else:
            rule = name
        if applies and rule in _FORBIDDING_RULES:
            return True
    return False
