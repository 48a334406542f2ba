"""What sites say that machines may take: robots.txt (RFC 9309), X-Robots-Tag, and TDM reservations.

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
from shared.security.guarded_http import Limits, guarded_get
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.images.source import Pulse

AGENT = "Clipwise"
"""How we call ourselves: in `User-Agent`, and for robots.txt to name."""
ASK_SEC = 10.0
MOST_BYTES = 500 * 1024
REMEMBER_SEC = 3600.0
MOST_SITES = 5000
LONGEST_DELAY_SEC = 10.0

_FORBIDDING = frozenset({"noindex", "none", "noimageindex", "noai", "noimageai"})
_RULE_NAMES = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})


@dataclass(frozen=True)
class Site:
    """What a site asks of us.

    Attributes:
        rules: None where everything is forbidden, since the site's rules could not be had.
        reserved: Paths with whether mining them is reserved; the first that fits counts.
    """

    rules: Protego | None
    reserved: list[tuple[re.Pattern[str], bool]]
    until: float

    def allows(self, url: WebUrl) -> bool:
        return self.rules is not None and bool(self.rules.can_fetch(str(url), AGENT))

    @property
    def delay(self) -> float:
        """Seconds between two requests that robots.txt asks for."""
        asked = self.rules.crawl_delay(AGENT) if self.rules else None
        return min(LONGEST_DELAY_SEC, float(asked or 0))


@dataclass
class Sites:
    """Each site is asked once in an hour, whoever wants to know it first."""

    settings: Settings
    _known: dict[str, Site] = field(default_factory=dict)
    _asking: dict[str, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def site(self, url: WebUrl, pulse: Pulse) -> Site:
        origin = f"{url.scheme}://{url.authority}"
        with self._guard:
            lock = self._asking.setdefault(origin, threading.Lock())
        with lock:
            known = self._known.get(origin)
            if known is None or known.until < time.monotonic():
                known = self._ask(origin, pulse)
                with self._guard:
                    if len(self._known) >= MOST_SITES:
                        self._known.clear()
                        self._asking = {origin: lock}
                    self._known[origin] = known
            return known

    def _ask(self, origin: str, pulse: Pulse) -> Site:
        until = time.monotonic() + REMEMBER_SEC
        status, text = self._get(f"{origin}/robots.txt", pulse)
        # RFC 9309, 2.3.1.3 and 2.3.1.4: what is not there forbids nothing; what cannot be had forbids everything.
        if status >= 500 or status == 429:
            return Site(None, [], until)
        rules = Protego.parse(text if status == 200 else "")
        try:
            status, text = self._get(f"{origin}/.well-known/tdmrep.json", pulse)
        except (PermanentError, TransientError):
            status, text = 404, ""
        return Site(rules, reservations(text) if status == 200 else [], until)

    def _get(self, url: str, pulse: Pulse) -> tuple[int, str]:
        limits = Limits(time.monotonic() + ASK_SEC, pulse)
        with guarded_get(url, self.settings, limits, {"User-Agent": AGENT}) as answer:
            content = bytearray()
            for piece in answer.body:
                content += piece
                if len(content) > MOST_BYTES:
                    break
            return answer.status, bytes(content[:MOST_BYTES]).decode("utf-8", errors="replace")


def reservations(text: str) -> list[tuple[re.Pattern[str], bool]]:
    """The rules of a tdmrep.json; none of one that cannot be read."""
    try:
        rules: Any = json.loads(text)
        return [(_pattern(str(rule["location"])), int(rule["tdm-reservation"]) == 1) for rule in rules]
    except (ValueError, TypeError, KeyError):
        return []


def _pattern(location: str) -> re.Pattern[str]:
    """As in robots.txt: `*` is anything, `$` the end; otherwise all that begins so."""
    ends = location.endswith("$")
    parts = (re.escape(part) for part in location.removesuffix("$").split("*"))
    return re.compile(".*".join(parts) + ("$" if ends else ""), re.DOTALL)


def opted_out(url: WebUrl, headers: Mapping[str, str], site: Site) -> str | None:
    """Why an image that was answered may not be kept: `x_robots_tag`, `tdm_reserved` or None."""
    if forbids(headers.get("x-robots-tag", "")):
        return "x_robots_tag"
    told = headers.get("tdm-reservation", "").strip()
    if told in ("0", "1"):
        return "tdm_reserved" if told == "1" else None
    reserved = next((yes for pattern, yes in site.reserved if pattern.match(url.target)), False)
    return "tdm_reserved" if reserved else None


def forbids(header: str) -> bool:
    """Whether rules of X-Robots-Tag, a header in each line, that are for us or for everyone forbid to keep an image."""
    return any(_forbids(line) for line in header.lower().splitlines())


def _forbids(line: str) -> bool:
    ours = True
    for part in line.split(","):
        name, colon, rest = part.strip().partition(":")
        if colon and name not in _RULE_NAMES:
            # From here on the rules are for the robot of this name.
            ours, rule = name in (AGENT.lower(), "*"), rest.strip()
        else:
            rule = name
        if ours and rule in _FORBIDDING:
            return True
    return False
