"""The platforms whose pages are known: which links are pages of one video, and which are short for one.

A page's link is brought to one form, without anything that tracks; a port stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qs

from shared.errors import PermanentError
from shared.security.urls import WebUrl

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


@dataclass(frozen=True)
class PlatformPage:
    """The page of one video.

    Attributes:
        url: In its one form.
        id: The platform's name for the video.
    """

    platform: Platform
    url: str
    id: str

    @property
    def site(self) -> str:
        """The platform's name as people write it."""
        return _NAMES[self.platform]


def platform_of(url: WebUrl) -> Platform | None:
    """Whose pages the host serves."""
    site = ".".join(url.host.split(".")[-2:])
    return _HOSTS.get(site) if url.host.removesuffix(site) in _PAGES else None


def is_short(url: WebUrl) -> bool:
    """Whether the link only redirects to a page of a platform."""
    if url.host in ("vm.tiktok.com", "vt.tiktok.com"):
        return True
    pattern = _SHORT.get(platform_of(url) or "")
    return pattern is not None and pattern.fullmatch(url.path) is not None


def parse_page_url(url: WebUrl) -> PlatformPage | None:
    """The page of one video that the link is; None for anything else."""
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
        return _build_page("tiktok", url, f"/{matched[1]}/{matched[2]}/{matched[3]}", matched[3])
    if matched := _TIKTOK_BARE.match(url.path):
        return _build_page("tiktok", url, f"/@_/video/{matched[1]}", matched[1])
    return None


def _parse_instagram(url: WebUrl) -> PlatformPage | None:
    matched = _INSTAGRAM.match(url.path)
    if not matched or matched[2] == "audio":
        return None
    kind = "reel" if matched[1] == "reels" else matched[1]
    return _build_page("instagram", url, f"/{kind}/{matched[2]}/", matched[2])


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
    page = _build_page("youtube", url, f"/shorts/{video}" if short else "/watch", video)
    return page if short else replace(page, url=f"{page.url}?v={video}")


def _build_page(platform: Platform, url: WebUrl, path: str, video: str) -> PlatformPage:
    if url.scheme == "http" and url.port == 80:
        url = replace(url, scheme="https", port=443)
    return PlatformPage(platform, str(replace(url, host=f"www.{platform}.com", path=path, query=None)), video)
