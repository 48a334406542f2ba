"""Playlists, channels and profiles: their links, and the real yt-dlp over a site of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from yt_dlp.extractor.common import InfoExtractor

from shared.errors import ClipwiseError
from shared.security.urls import parse_url
from shared.settings import Settings
from shared.sources.video import ytdlp_lists
from shared.sources.video.links import PlatformPage
from shared.sources.video.list_links import parse_list_url
from tests.unit.sources.site import Page, Site, served_site

LISTS = {
    "https://youtube.com/@kitchen": "https://www.youtube.com/@kitchen/videos",
    "https://m.youtube.com/@kitchen/shorts?si=x": "https://www.youtube.com/@kitchen/shorts",
    "https://www.youtube.com/channel/UCabc/featured": "https://www.youtube.com/channel/UCabc/videos",
    "https://www.youtube.com/playlist?list=PLabc&si=x": "https://www.youtube.com/playlist?list=PLabc",
    "https://www.tiktok.com/@kitchen?lang=de": "https://www.tiktok.com/@kitchen",
    "https://www.youtube.com/watch?v=abcdefghijk&list=PLabc": None,
    "https://www.youtube.com/playlist": None,
    "https://www.tiktok.com/@kitchen/video/7412345678901234567": None,
    "https://www.instagram.com/kitchen/": None,
    "https://example.com/@kitchen": None,
}


class ListIE(InfoExtractor):  # type: ignore[misc]  # yt-dlp has no types
    """Reads a page of links, one a line; the first line is the title."""

    _VALID_URL = r"http://127\.0\.0\.1:\d+/list/(?P<id>\w+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        title, *links = self._download_webpage(url, "abc").splitlines()
        result: dict[str, Any] = self.playlist_result(map(self.url_result, links), "abc", title)
        return result


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with served_site() as served:
        monkeypatch.setattr(ytdlp_lists, "LIST_EXTRACTORS", [ListIE])
        yield served


def read(site: Site, *links: str, max_videos: int = 50, allowed: bool = True) -> ytdlp_lists.VideoList:
    site.pages["/list/abc"] = Page("\n".join(["Soups\x1b[31m", *links]).encode(), "text/plain")
    settings = Settings(allow_hosts=site.address if allowed else "", download_timeout_sec=20)
    page = PlatformPage("youtube", site.url("/list/abc"), "abc")
    return ytdlp_lists.read_list(page, settings, max_videos, lambda done, activity: None)


@pytest.mark.parametrize("link", LISTS)
def test_a_link_to_a_list_is_known_as_one(link: str) -> None:
    """Lists are told from videos by their link alone, in each form in which people share them."""
    page = parse_list_url(parse_url(link))
    assert (page and page.url) == LISTS[link]


def test_the_first_videos_of_a_list_are_taken(site: Site) -> None:
    """As many as wanted, in the order of the page, each once; what is no video is left out, and no video is fetched."""
    links = [f"https://www.youtube.com/watch?v=abcdefghi{number:02}" for number in range(5)]
    found = read(site, links[0], links[0], "http://127.0.0.1/secret", "https://example.com/x", *links[1:], max_videos=6)
    assert found.title == "Soups[31m"
    assert found.urls == links[:3]


def test_a_list_is_read_through_the_guard(site: Site) -> None:
    """A list on a private address is not requested, and an empty one says what is wrong."""
    with pytest.raises(ClipwiseError):
        read(site, "https://www.youtube.com/watch?v=abcdefghijk", allowed=False)
    with pytest.raises(ClipwiseError) as caught:
        read(site, "https://example.com/x")
    assert caught.value.code == "source_no_video"
