"""Lists of videos, read by yt-dlp: playlists, channels and profiles, without the pages of their videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yt_dlp.extractor.tiktok import TikTokUserIE
from yt_dlp.extractor.youtube import YoutubePlaylistIE, YoutubeTabIE
from yt_dlp.utils import YoutubeDLError

from shared.errors import PermanentError
from shared.progress import Tick
from shared.security.url_guard import check_url
from shared.settings import Settings
from shared.sources.video.links import PlatformPage, parse_page_url
from shared.sources.video.post import MAX_NAME, clean_text
from shared.sources.video.ytdlp import GuardedYoutubeDL
from shared.sources.video.ytdlp_errors import translate_error
from shared.sources.video.ytdlp_network import ExtractionBudget

LIST_EXTRACTORS: list[type[Any]] = [TikTokUserIE, YoutubeTabIE, YoutubePlaylistIE]


@dataclass(frozen=True)
class VideoList:
    """The videos of a list, as their canonical links, in the order of its page."""

    title: str | None
    urls: list[str]


def read_list(page: PlatformPage, settings: Settings, max_videos: int, tick: Tick) -> VideoList:
    """Return the first `max_videos` videos of a list: of a channel or a profile, the newest ones.

    Raises:
        PermanentError: As `translate_error`; `source_no_video` for an empty list.
        TransientError: `source_blocked`, `source_unavailable`, `source_slow`.
    """
    budget = ExtractionBudget(settings, lambda _: tick(0.5, f"Reading the list on {page.site}"))
    options = {"extract_flat": "in_playlist", "playlist_items": f"1:{max_videos}", "noplaylist": False}
    with GuardedYoutubeDL(settings, budget, LIST_EXTRACTORS, options) as reader:
        try:
            info = reader.extract_info(page.url, download=False) or {}
        except YoutubeDLError as error:
            raise budget.stop_error or translate_error(error, budget.request_error, page.site) from error
    if budget.stop_error is not None:  # an extractor may continue with partial data
        raise budget.stop_error
    pages = (_entry_page(entry, settings) for entry in info.get("entries") or [])
    urls = list(dict.fromkeys(entry_page.url for entry_page in pages if entry_page))
    if not urls:
        raise PermanentError("source_no_video", "The list has no video that could be fetched. Check the link.")
    return VideoList(clean_text(info.get("title"), MAX_NAME), urls[:max_videos])


def _entry_page(entry: dict[str, Any] | None, settings: Settings) -> PlatformPage | None:
    """Return the page of a list's entry; None for private and deleted videos, and for what is no video."""
    url = (entry or {}).get("url") or (entry or {}).get("webpage_url")
    if not isinstance(url, str):
        return None
    try:
        return parse_page_url(check_url(url, settings))
    except PermanentError:
        return None
