"""yt-dlp's own extractors on pages of the platforms' form, their names mapped to a site of our own.

What the platforms really send today cannot be tried without the internet; that these extractors get through our guard,
with https, cookies and redirects, can.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore2
import pytest

from shared.errors import ClipwiseError
from shared.security.urls import parse_url
from shared.settings import Settings
from shared.sources.video.links import parse_page_url
from shared.sources.video.source import FetchRequest
from shared.sources.video.ytdlp import fetch_with_ytdlp
from tests.unit.sources.site import Page, Site, served_site

PUBLIC = "93.184.215.14"
TIKTOK = "https://www.tiktok.com/@clipwise.kitchen/video/7412345678901234567"
VTT = b"WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nBoil the pasta\n"


class Plain(httpcore2.NetworkStream):
    """A connection that takes TLS as given; the name it is for was checked by the layers above."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        assert ssl_context.verify_mode is ssl.CERT_REQUIRED
        return self


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """All public addresses lead here."""
    with served_site() as served:
        port = int(served.address.rpartition(":")[2])
        connect = httpcore2.SyncBackend.connect_tcp

        def connect_tcp(
            self: httpcore2.SyncBackend, host: str, to: int, timeout: float | None = None, **_: Any
        ) -> Plain:
            assert (host, to) == (PUBLIC, 443)
            return Plain(connect(self, "127.0.0.1", port, timeout))

        monkeypatch.setattr("shared.sources.video.ytdlp_network.open_response", resolving_to(PUBLIC))
        monkeypatch.setattr("shared.sources.video.post.fetch_url", resolving_to(PUBLIC, "fetch_url"))
        monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect_tcp)
        yield served


def resolving_to(address: str, name: str = "open_response") -> Callable[..., Any]:
    """The guarded function, for which every name has this address."""
    from shared.security import guarded_http

    function = getattr(guarded_http, name)
    return lambda *args, **options: function(*args, **options, resolve=lambda host, port: [address])


def silent(done: float, what: str) -> None:
    return None


def fetch_request(url: str) -> FetchRequest:
    page = parse_page_url(parse_url(url))
    assert page
    return FetchRequest(page, Settings(download_timeout_sec=20), 180, needs_video=True)


def tiktok_page(status: int = 0, **item: Any) -> Page:
    """A page of TikTok, as far as it matters: the state that its scripts start from."""
    struct = {
        "id": "7412345678901234567",
        "desc": "Tomato pasta #pasta",
        "createTime": "1791221400",
        "author": {"uniqueId": "clipwise.kitchen", "nickname": "Clipwise Kitchen"},
        "music": {"title": "original sound", "authorName": "Clipwise Kitchen"},
        "stats": {"playCount": 98000, "diggCount": 4200, "commentCount": 151, "shareCount": 37},
        "video": {
            "duration": 1,
            "width": 64,
            "height": 48,
            "playAddr": "https://v16-webapp-prime.tiktok.com/video.mp4",
            "subtitleInfos": [
                {"LanguageCodeName": "eng-US", "Format": "webvtt", "Url": "https://v16-webapp.tiktok.com/captions.vtt"}
            ],
        },
    } | item
    state = {"__DEFAULT_SCOPE__": {"webapp.video-detail": {"statusCode": status, "itemInfo": {"itemStruct": struct}}}}
    script = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{json.dumps(state)}</script>'
    headers = {"Set-Cookie": "tt_chain_token=abc; Domain=.tiktok.com; Path=/; Secure"}
    return Page(f"<html><body>{script}</body></html>".encode(), headers=headers)


def test_a_tiktok_is_read(site: Site, folder: Path, video: bytes) -> None:
    """A TikTok comes without a key: its video with the cookie its file server asks for, its text and its captions."""
    site.pages |= {
        "/@clipwise.kitchen/video/7412345678901234567": tiktok_page(),
        "/video.mp4": Page(video, "video/mp4"),
        "/captions.vtt": Page(VTT, "text/vtt"),
    }
    result = fetch_with_ytdlp(fetch_request(TIKTOK), folder, silent)
    assert result.path.read_bytes() == video
    assert (result.author, result.caption, result.title) == ("clipwise.kitchen", "Tomato pasta #pasta", None)
    assert result.origin
    assert (result.origin.views, result.origin.likes, result.origin.shares) == (98000, 4200, 37)
    assert result.origin.music == "original sound – Clipwise Kitchen"
    assert result.captions
    assert (result.captions.language, result.captions.segments[0].text) == ("eng-US", "Boil the pasta")
    request = site.asked("/video.mp4")[-1]
    assert (request.host, request.headers["cookie"]) == ("v16-webapp-prime.tiktok.com", "tt_chain_token=abc")


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (tiktok_page(status=10216), "video_private"),
        (tiktok_page(status=10204), "source_blocked"),
        (tiktok_page(status=10231), "video_unavailable"),
        (tiktok_page(video={}, isContentClassified=True), "video_age_restricted"),
        (tiktok_page(video={}, music={"playUrl": "https://v16.tiktok.com/music.mp3"}), "source_no_video"),
        (Page(b"<html>Please wait...</html>"), "source_blocked"),
        (Page(b"<html>a new form of barrier</html>"), "source_blocked"),
        (Page(status=302, headers={"Location": "https://www.tiktok.com/login"}), "source_blocked"),
        (Page(status=302, headers={"Location": "http://169.254.169.254/"}), "url_not_allowed"),
        (Page(status=404), "source_not_found"),
    ],
)
def test_tiktoks_refusals_are_understood(site: Site, folder: Path, page: Page, code: str) -> None:
    """Private, blocked, removed, photos, changed: the extractor's words for them have their meaning here."""
    site.pages |= {"/@clipwise.kitchen/video/7412345678901234567": page, "/login": Page(b"<html>log in</html>")}
    with pytest.raises(ClipwiseError) as caught:
        fetch_with_ytdlp(fetch_request(TIKTOK), folder, silent)
    assert caught.value.code == code


OWNER = {"videoOwnerRenderer": {"title": {"runs": [{"text": "Clipwise Kitchen"}]}}}
BESIDE = {
    "twoColumnWatchNextResults": {
        "results": {"results": {"contents": [{"videoSecondaryInfoRenderer": {"owner": OWNER}}]}}
    }
}


def youtube_player(**parts: Any) -> Page:
    """YouTube's answer to a player, as far as it matters."""
    answer = {
        "playabilityStatus": {"status": "OK"},
        "videoDetails": {
            "videoId": "dQw4w9WgXcQ",
            "title": "Tomato pasta in ten minutes",
            "lengthSeconds": "1",
            "channelId": "UC0123456789012345678901",
            "shortDescription": "All you need.",
            "viewCount": "98000",
            "author": "Clipwise Kitchen",
            "isLiveContent": False,
        },
        "streamingData": {
            "formats": [
                {
                    "itag": 18,
                    "url": "https://rr1---sn-x.googlevideo.com/video.mp4",
                    "mimeType": 'video/mp4; codecs="avc1.42001E, mp4a.40.2"',
                    "width": 64,
                    "height": 48,
                    "quality": "medium",
                    "approxDurationMs": "1000",
                }
            ]
        },
    } | parts
    return Page(json.dumps(answer).encode(), "application/json")


def test_a_youtube_video_is_read(site: Site, folder: Path, video: bytes) -> None:
    """A video of YouTube comes without a key and without any JavaScript, asked for with POST as its players do."""
    site.pages |= {
        "/watch": Page(b"<html></html>"),
        "/youtubei/v1/player": youtube_player(),
        "/youtubei/v1/next": Page(json.dumps({"contents": BESIDE}).encode(), "application/json"),
        "/video.mp4": Page(video, "video/mp4"),
    }
    result = fetch_with_ytdlp(fetch_request("https://youtu.be/dQw4w9WgXcQ"), folder, silent)
    assert result.path.read_bytes() == video
    assert (result.title, result.author, result.caption) == (
        "Tomato pasta in ten minutes",
        "Clipwise Kitchen",
        "All you need.",
    )
    assert {seen.method for seen in site.asked("/youtubei/v1/player")} == {"POST"}


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot", "source_blocked"),
        ("LOGIN_REQUIRED", "This is a private video. Please sign in to verify that you may see it.", "video_private"),
        ("ERROR", "Video unavailable", "video_unavailable"),
        ("LIVE_STREAM_OFFLINE", "Premieres in 3 hours", "video_live"),
        ("UNPLAYABLE", "The uploader has not made this video available in your country", "video_region_locked"),
    ],
)
def test_youtubes_refusals_are_understood(site: Site, folder: Path, status: str, reason: str, code: str) -> None:
    """YouTube's own sentences for what it does not give have their meaning here."""
    refusal = youtube_player(playabilityStatus={"status": status, "reason": reason}, streamingData={})
    following = Page(b'{"contents": {}}', "application/json")
    site.pages |= {"/watch": Page(b"<html></html>"), "/youtubei/v1/player": refusal, "/youtubei/v1/next": following}
    with pytest.raises(ClipwiseError) as caught:
        fetch_with_ytdlp(fetch_request("https://youtu.be/dQw4w9WgXcQ"), folder, silent)
    assert caught.value.code == code
