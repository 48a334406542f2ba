"""From a link to the page it is, or is short for."""

from __future__ import annotations

import re
import time

from shared.errors import PermanentError, TransientError
from shared.progress import Tick
from shared.security.guarded_http import Limits, guarded_get
from shared.security.url_guard import check_url
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.video.platforms import PlatformPage, is_short, not_a_video, parse_page_url, platform_of

RESOLVE_TIMEOUT_SEC = 30.0
_LOGIN = re.compile(r"/(accounts/)?login\b")


class PageReached(Exception):
    """A link turned out to lead to the page of a video."""

    def __init__(self, page: PlatformPage) -> None:
        super().__init__(page.url)
        self.page = page


def stop_at_page(hop: WebUrl) -> None:
    """For `visit`: end the request before a platform's page is asked for.

    Raises:
        Found: It is the page of a video.
        PermanentError: `not_a_video`.
        TransientError: `source_blocked` when the platform wants a login before it tells where a short link leads.
    """
    if page := parse_page_url(hop):
        raise PageReached(page)
    platform = platform_of(hop)
    if platform and _LOGIN.match(hop.path):
        raise TransientError("source_blocked", "The short link leads to a login page. Use the full link of the video.")
    if platform and not is_short(hop):
        raise not_a_video(platform)


def resolve_page(url: str, settings: Settings, tick: Tick) -> PlatformPage | None:
    """The page of a video that `url` is or, by its host, is short for; None for a link of any other host.

    Redirects are followed hop by hop through the guard, and no body is read.

    Raises:
        PermanentError: What the guard refuses; `not_a_video`; `source_not_found` for a short link to nothing.
        TransientError: `source_blocked`, `source_unavailable`, `source_slow`, `url_unresolvable`.
    """
    link = check_url(url, settings)
    if platform_of(link) is None:
        return None
    try:
        stop_at_page(link)
        limits = Limits(time.monotonic() + RESOLVE_TIMEOUT_SEC, lambda: tick(0, "Resolving the short link"))
        with guarded_get(url, settings, limits, {}, visit=stop_at_page) as response:
            status = response.status
    except PageReached as reached:
        return reached.page
    if status >= 500 or status in (408, 425, 429):
        raise TransientError(
            "source_unavailable", f"The short link cannot be followed (status {status}). Try again later."
        )
    raise PermanentError("source_not_found", "The short link no longer leads to a video. Share the video again.")
