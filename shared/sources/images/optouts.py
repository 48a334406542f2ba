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

from shared.error_codes.videos import SourceCode
from shared.errors import PermanentError, TransientError
from shared.security.guarded_http import RequestLimits, fetch_url
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.images.source import PARSE_ERRORS, Pulse

AGENT = "Clipwise"
"""Our name in `User-Agent` and in robots.txt."""
POLICY_TIMEOUT_SEC = 10.0
MAX_POLICY_BYTES = 500 * 1024
CACHE_SEC = 3600.0
SLOW_CACHE_SEC = 60.0
"""How long the images of a site are rejected without asking again for a robots.txt that did not come in time."""
MAX_SITES = 5000
MAX_RULES = 300_000
"""Limit of `parsing_cost`; robots.txt of real sites stays far below it."""
MAX_CACHED_RULES = 1_000_000
PATTERN_COST = 10
"""Rules that take as much memory as a pattern of a TDM reservation."""
MAX_DELAY_SEC = 10.0
_FORBIDDING_RULES = frozenset({"noindex", "none", "noimageindex", "noai", "noimageai"})
_AGENT_LINE = re.compile(r"\s*user[-\s]*agent", re.IGNORECASE)
_RULE_LINE = re.compile(r"\s*(?:dis)?allow\s*:", re.IGNORECASE)
_RULE_NAMES = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})


@dataclass(frozen=True)
class SitePolicy:
    """The crawl rules of a site.

    Attributes:
        rules: None forbids everything, because robots.txt could not be read.
        reserved: Path patterns, and whether text and data mining is reserved there; the first match counts.
        cost: Memory that it takes, in rules.
        error: Why robots.txt could not be fetched in time; None if it was.
    """

    rules: Protego | None
    reserved: list[tuple[re.Pattern[str], bool]]
    expires_at: float
    cost: int = 1
    error: TransientError | None = None

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

    def cached_policy(self, url: WebUrl) -> SitePolicy | None:
        """Return the policy of a site if it was fetched within the hour."""
        policy = self._policies.get(_origin(url))
        return policy if policy and not policy.error and policy.expires_at >= time.monotonic() else None

    def get_policy(self, url: WebUrl, pulse: Pulse) -> SitePolicy:
        """Return the policy of a site; raises as `fetch_url` if robots.txt cannot be fetched."""
        origin = _origin(url)
        with self._guard_lock:
            lock = self._locks.setdefault(origin, threading.Lock())
        with lock:
            policy = self._policies.get(origin)
            if policy is None or policy.expires_at < time.monotonic():
                policy = self._fetch_policy(origin, pulse)
                with self._guard_lock:
                    costs = sum(cached.cost for cached in self._policies.values())
                    if len(self._locks) > MAX_SITES or costs + policy.cost > MAX_CACHED_RULES:
                        self._policies.clear()
                        self._locks = {origin: lock}
                    self._policies[origin] = policy
        if policy.error:
            raise TransientError(policy.error.code, policy.error.message)
        return policy

    def _fetch_policy(self, origin: str, pulse: Pulse) -> SitePolicy:
        expires_at = time.monotonic() + CACHE_SEC
        try:
            status, text = self._fetch_text(f"{origin}/robots.txt", pulse)
        except TransientError as error:
            if error.code != SourceCode.SOURCE_SLOW:
                raise
            # Remembered, since all images of the site would wait for it, one after the other.
            return SitePolicy(None, [], time.monotonic() + SLOW_CACHE_SEC, error=error)
        # RFC 9309, 2.3.1.3 and 2.3.1.4: a missing robots.txt forbids nothing; an unreachable one forbids everything.
        # So does one that cannot be read.
        robots = text if status == 200 else ""
        if status >= 500 or status == 429 or robots is None or (cost := parsing_cost(robots)) > MAX_RULES:
            return SitePolicy(None, [], expires_at)
        rules = Protego.parse(robots)
        try:
            status, text = self._fetch_text(f"{origin}/.well-known/tdmrep.json", pulse)
        except (PermanentError, TransientError):
            status, text = 404, ""
        reserved = parse_reservations(text) if status == 200 and text else []
        return SitePolicy(rules, reserved, expires_at, cost + PATTERN_COST * len(reserved))

    def _fetch_text(self, url: str, pulse: Pulse) -> tuple[int, str | None]:
        """Return the status and the beginning of the text; None for a compressed one."""
        limits = RequestLimits(time.monotonic() + POLICY_TIMEOUT_SEC, pulse)
        with fetch_url(url, self.settings, limits, {"User-Agent": AGENT}) as response:
            if response.is_encoded:
                return response.status, None
            content = bytearray()
            for chunk in response.body:
                content += chunk
                if len(content) > MAX_POLICY_BYTES:
                    break
            return response.status, bytes(content[:MAX_POLICY_BYTES]).decode("utf-8", errors="replace")


def _origin(url: WebUrl) -> str:
    return f"{url.scheme}://{url.authority}"


def parsing_cost(text: str) -> int:
    """Return an upper bound of the rules that the parser stores: each rule once for each agent of its group."""
    cost, agents, in_rules = 1, 0, False
    for line in text.splitlines():
        if _AGENT_LINE.match(line):
            agents, in_rules = 1 if in_rules else agents + 1, False
        else:
            in_rules = in_rules or _RULE_LINE.match(line) is not None
            cost += agents
    return cost


def parse_reservations(text: str) -> list[tuple[re.Pattern[str], bool]]:
    """Parse the rules of a tdmrep.json; none if it is invalid."""
    try:
        rules: Any = json.loads(text)
        return [(_path_pattern(str(rule["location"])), int(rule["tdm-reservation"]) == 1) for rule in rules]
    except PARSE_ERRORS:
        return []


def _path_pattern(location: str) -> re.Pattern[str]:
    """Compile a path pattern as in robots.txt: a prefix, with `*` for anything and `$` for the end.

    Matching takes linear time: an atomic group keeps the first place where a part fits, which leaves most to the rest.
    """
    prefix, *parts = (re.escape(part) for part in location.removesuffix("$").split("*"))
    end = ""
    if location.endswith("$"):
        end = f".*{parts.pop()}\\Z" if parts else "\\Z"
    return re.compile(prefix + "".join(f"(?>.*?{part})" for part in parts) + end, re.DOTALL)


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
