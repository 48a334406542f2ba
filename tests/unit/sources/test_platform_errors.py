"""One event has one code, whichever source reports it."""

from __future__ import annotations

import pytest
from yt_dlp.utils import ExtractorError

from shared.error_codes.videos import VideoCode
from shared.errors import PermanentError
from shared.security.urls import parse_url
from shared.sources.video.apify_actors import parse_actor_item
from shared.sources.video.links import PlatformPage, parse_page_url
from shared.sources.video.ytdlp_errors import translate_error


@pytest.fixture
def page() -> PlatformPage:
    page = parse_page_url(parse_url("https://www.youtube.com/watch?v=dQw4w9WgXcQ"))
    assert page is not None
    return page


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Private video. Sign in if you've been granted access to this video", VideoCode.VIDEO_PRIVATE),
        ("This video is private", VideoCode.VIDEO_PRIVATE),
        ("This account is private", VideoCode.VIDEO_PRIVATE),
        ("Sign in to confirm your age", VideoCode.VIDEO_AGE_RESTRICTED),
        ("Premieres in 3 hours", VideoCode.VIDEO_LIVE),
        ("This video is DRM protected", VideoCode.VIDEO_PROTECTED),
        ("Join this channel to get access to members-only content", VideoCode.VIDEO_LOGIN_REQUIRED),
        ("Not available in your country", VideoCode.VIDEO_REGION_LOCKED),
        ("Video unavailable", VideoCode.VIDEO_UNAVAILABLE),
        ("The post does not exist", VideoCode.VIDEO_UNAVAILABLE),
    ],
)
def test_apify_and_ytdlp_agree(page: PlatformPage, words: str, code: str) -> None:
    """A client that handles a private, removed or restricted video does so once, not once per source."""
    with pytest.raises(PermanentError) as by_apify:
        parse_actor_item({"error": words}, page)
    by_ytdlp = translate_error(ExtractorError(words, expected=True), None, page.site)
    assert by_apify.value.code == code
    assert by_ytdlp.code == code
    assert isinstance(by_ytdlp, PermanentError)
