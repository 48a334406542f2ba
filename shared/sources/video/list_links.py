"""Links to playlists, channels and profiles, brought to the form whose page lists the newest videos first."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs

from shared.security.urls import WebUrl
from shared.sources.video.links import PlatformPage, build_page, parse_page_url, platform_of

_CHANNEL = re.compile(r"/(@[\w.%-]+|channel/UC[\w-]+|c/[^/]+|user/[^/]+)(?:/(videos|shorts|streams|featured)?/?)?")
_PLAYLIST_ID = re.compile(r"[\w-]{2,100}")
_PROFILE = re.compile(r"/(@[\w.-]+)/?")


def parse_list_url(url: WebUrl) -> PlatformPage | None:
    """Return the list that a link leads to; None for any other link.

    A link to a video within a playlist is that video. Of a channel without a tab, the videos are listed. Profiles of
    Instagram are no lists: it shows them to signed-in visitors only.
    """
    if parse_page_url(url):
        return None
    match platform_of(url):
        case "youtube":
            return _parse_youtube_list(url)
        case "tiktok":
            matched = _PROFILE.fullmatch(url.path)
            return build_page("tiktok", url, f"/{matched[1]}", matched[1]) if matched else None
    return None


def _parse_youtube_list(url: WebUrl) -> PlatformPage | None:
    if url.path.rstrip("/") == "/playlist":
        playlist = parse_qs(url.query or "").get("list", [""])[0]
        if not _PLAYLIST_ID.fullmatch(playlist):
            return None
        page = build_page("youtube", url, "/playlist", playlist)
        return replace(page, url=f"{page.url}?list={playlist}")
    if matched := _CHANNEL.fullmatch(url.path):
        tab = matched[2] if matched[2] not in (None, "featured") else "videos"
        return build_page("youtube", url, f"/{matched[1]}/{tab}", matched[1])
    return None
