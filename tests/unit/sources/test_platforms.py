"""Which links are pages of videos, and what their shortest form is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.urls import parse_url
from shared.sources.video.links import is_short, parse_page_url, platform_of

PAGES = [
    ("https://www.tiktok.com/@a.b/video/741234567890?_r=1&_t=8x&is_from_webapp=1", "/@a.b/video/741234567890"),
    ("https://m.tiktok.com/@a/photo/741#x", "/@a/photo/741"),
    ("https://m.tiktok.com/v/741.html", "/@_/video/741"),
    ("https://www.instagram.com/reels/DAbC-dE_f/?igsh=abc", "/reel/DAbC-dE_f/"),
    ("https://instagram.com/some.one/p/DAbC/?img_index=2", "/p/DAbC/"),
    ("http://instagr.am/p/DAbC", "/p/DAbC/"),
    ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", "/watch?v=dQw4w9WgXcQ"),
    ("https://youtu.be/dQw4w9WgXcQ?si=abc&t=10", "/watch?v=dQw4w9WgXcQ"),
    ("https://m.youtube.com/watch?feature=share&v=dQw4w9WgXcQ&list=PL1", "/watch?v=dQw4w9WgXcQ"),
    ("https://youtube.com/shorts/dQw4w9WgXcQ?si=1", "/shorts/dQw4w9WgXcQ"),
    ("https://www.youtube.com/live/dQw4w9WgXcQ", "/watch?v=dQw4w9WgXcQ"),
]  # fmt: skip


@pytest.mark.parametrize(("link", "target"), PAGES)
def test_a_page_has_one_form(link: str, target: str) -> None:
    """However a video is shared, its page is stored under one link, with nothing in it that tracks."""
    page = parse_page_url(parse_url(link))
    assert page
    assert page.url == f"https://www.{page.platform}.com{target}"
    assert parse_page_url(parse_url(page.url)) == page


@pytest.mark.parametrize(
    "link",
    [
        "https://www.tiktok.com/@someone",
        "https://www.tiktok.com/@someone/live",
        "https://www.instagram.com/someone/",
        "https://www.instagram.com/reels/audio/123/",
        "https://www.youtube.com/playlist?list=PL1",
        "https://www.youtube.com/watch?v=short",
        "https://youtu.be/",
        "https://example.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.example.com/watch?v=dQw4w9WgXcQ",
    ],
)
def test_other_links_are_no_pages(link: str) -> None:
    """Profiles, playlists and look-alike hosts are not taken for videos."""
    assert parse_page_url(parse_url(link)) is None


@pytest.mark.parametrize(
    ("link", "short"),
    [
        ("https://vm.tiktok.com/ZMabc/", True),
        ("https://vt.tiktok.com/ZSabc", True),
        ("https://www.tiktok.com/t/ZTabc/", True),
        ("https://www.instagram.com/share/reel/BAabc", True),
        ("https://www.tiktok.com/@a/video/1", False),
        ("https://www.youtube.com/t/terms", False),
        ("https://bit.ly/abc", False),
    ],
)
def test_short_links_are_known(link: str, short: bool) -> None:
    """Links of the sharing buttons are followed, others are not mistaken for them."""
    assert is_short(parse_url(link)) is short


def test_servers_of_files_are_no_pages() -> None:
    """A link to a file on a platform's own file server is fetched like any file."""
    assert platform_of(parse_url("https://v16-webapp.tiktok.com/video/tos/x.mp4")) is None


@given(st.from_regex(r"[A-Za-z0-9_-]{11}", fullmatch=True), st.text("abc=&?/%", max_size=20))
def test_what_trails_a_link_changes_nothing(video: str, tail: str) -> None:
    """Whatever sharing adds behind a YouTube id, it stays the same video."""
    page = parse_page_url(parse_url(f"https://youtu.be/{video}?{tail}"))
    assert page
    assert page.url == f"https://www.youtube.com/watch?v={video}"
