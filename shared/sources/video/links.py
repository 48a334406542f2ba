"""Links to platform pages: recognized, resolved if short, and brought to one form.

The canonical form has no tracking parameters; a port stays as it is.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qs

from shared.errors import PermanentError, TransientError
from shared.progress import Tick
from shared.security.guarded_http import RequestLimits, fetch_url
from shared.security.url_guard import check_url
from shared.security.urls import WebUrl
from shared.settings import Settings

RESOLVE_TIMEOUT_SEC = 30.0
Platform = Literal["tiktok", "instagram", "youtube"]
_NAMES: dict[Platform, str] = {"tiktok": "TikTok", "instagram": "Instagram", "youtube": "YouTube"}
_HOSTS: dict[str, Platform] = {
    "tiktok.com": "tiktok",
    "instagram.com": "instagram",
    "instagr.am": "instagram",
    "youtube.com": "youtube",
    "youtube-nocookie.com": "youtube",
    "youtu.be": "youtube",
}
_PAGES = ("", "www.", "m.", "music.", "vm.", "vt.")  # other subdomains serve files
_SHORT = {
    "tiktok": re.compile(r"/t/\w+/?"),
    "instagram": re.compile(r"/share/(?:(?:p|reel)/)?[\w-]+/?"),
}
_TIKTOK = re.compile(r"/(@[\w.-]*)/(video|photo)/(\d+)")
_TIKTOK_BARE = re.compile(r"/(?:v|embed(?:/v2)?)/(\d+)")
_INSTAGRAM = re.compile(r"(?:/(?!share/)[\w.-]+)?/(p|reels?|tv)/([\w-]+)")
_YOUTUBE = re.compile(r"/(?:shorts|live|embed|v)/([\w-]{11})(?![\w-])")
_YOUTUBE_ID = re.compile(r"[\w-]{11}")
_LOGIN = re.compile(r"/(accounts/)?login\b")


@dataclass(frozen=True)
class PlatformPage:
    """The page of one video, or of a list of videos.

    Attributes:
        url: The canonical link.
        id: The platform's id of the video or the list.
    """

    platform: Platform
    url: str
    id: str

    @property
    def site(self) -> str:
        """Display name of the platform."""
        return _NAMES[self.platform]


def platform_of(url: WebUrl) -> Platform | None:
    """Return the platform whose pages the host serves."""
    site = ".".join(url.host.split(".")[-2:])
    return _HOSTS.get(site) if url.host.removesuffix(site) in _PAGES else None


def is_short(url: WebUrl) -> bool:
    """Return whether the link only redirects to a page of a platform."""
    if url.host in ("vm.tiktok.com", "vt.tiktok.com"):
        return True
    pattern = _SHORT.get(platform_of(url) or "")
    return pattern is not None and pattern.fullmatch(url.path) is not None


def parse_page_url(url: WebUrl) -> PlatformPage | None:
    """Return the video page that the link leads to; None for any other link."""
    match platform_of(url):
        case "tiktok":
            return _parse_tiktok(url)
        case "instagram":
            return _parse_instagram(url)
        case "youtube":
            return _parse_youtube(url)
    return None


def not_a_video(platform: Platform) -> PermanentError:
    site = _NAMES[platform]
    return PermanentError(
        "not_a_video", f"This link to {site} does not lead to one video. Open the video there and share its own link."
    )


def _parse_tiktok(url: WebUrl) -> PlatformPage | None:
    if matched := _TIKTOK.match(url.path):
        return build_page("tiktok", url, f"/{matched[1]}/{matched[2]}/{matched[3]}", matched[3])
    if matched := _TIKTOK_BARE.match(url.path):
        return build_page("tiktok", url, f"/@_/video/{matched[1]}", matched[1])
    return None


def _parse_instagram(url: WebUrl) -> PlatformPage | None:
    matched = _INSTAGRAM.match(url.path)
    if not matched or matched[2] == "audio":
        return None
    kind = "reel" if matched[1] == "reels" else matched[1]
    return build_page("instagram", url, f"/{kind}/{matched[2]}/", matched[2])


def _parse_youtube(url: WebUrl) -> PlatformPage | None:
    if url.host in ("youtu.be", "www.youtu.be"):
        video = url.path.split("/")[1]
    elif matched := _YOUTUBE.match(url.path):
        video = matched[1]
    else:
        video = parse_qs(url.query or "").get("v", [""])[0] if url.path in ("/watch", "/watch/") else ""
    if not _YOUTUBE_ID.fullmatch(video):
        return None
    short = url.path.startswith("/shorts/")
    page = build_page("youtube", url, f"/shorts/{video}" if short else "/watch", video)
    return page if short else replace(page, url=f"{page.url}?v={video}")


def build_page(platform: Platform, url: WebUrl, path: str, video: str) -> PlatformPage:
    """Return a page of a platform under its canonical host."""
    if url.scheme == "http" and url.port == 80:
        url = replace(url, scheme="https", port=443)
    return PlatformPage(platform, str(replace(url, host=f"www.{platform}.com", path=path, query=None)), video)


class PageReached(Exception):
    """A redirect leads to the page of a video."""

    def __init__(self, page: PlatformPage) -> None:
        super().__init__(page.url)
        self.page = page


def stop_at_page(hop: WebUrl) -> None:
    """End a request before it reaches a platform's page; for `visit` of `fetch_url`.

    Raises:
        PageReached: The hop is the page of a video.
        PermanentError: `not_a_video`.
        TransientError: `source_blocked` if the platform requires a login to resolve a short link.
    """
    if page := parse_page_url(hop):
        raise PageReached(page)
    platform = platform_of(hop)
    if platform and _LOGIN.match(hop.path):
        raise TransientError("source_blocked", "The short link leads to a login page. Use the full link of the video.")
    if platform and not is_short(hop):
        raise not_a_video(platform)


def resolve_page(url: str, settings: Settings, tick: Tick) -> PlatformPage | None:
    """Return the video page that `url` leads to, directly or as a platform's short link; None for other hosts.

    Follows redirects hop by hop through the guard, and reads no body.

    Raises:
        PermanentError: As the guard; `not_a_video`; `source_not_found` for a dead short link.
        TransientError: `source_blocked`, `source_unavailable`, `source_slow`, `url_unresolvable`.
    """
    link = check_url(url, settings)
    if platform_of(link) is None:
        return None
    try:
        stop_at_page(link)
        limits = RequestLimits(time.monotonic() + RESOLVE_TIMEOUT_SEC, lambda: tick(0, "Resolving the short link"))
        with fetch_url(url, settings, limits, {}, visit=stop_at_page) as response:
            status = response.status
    except PageReached as reached:
        return reached.page
    if status >= 500 or status in (408, 425, 429):
        raise TransientError(
            "source_unavailable", f"The short link cannot be followed (status {status}). Try again later."
        )
    raise PermanentError("source_not_found", "The short link no longer leads to a video. Share the video again.")
