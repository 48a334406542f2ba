"""yt-dlp as a source: the real one, with an extractor for a site of our own, all its traffic through the guard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError, UserNotLive

from shared.errors import Cancelled, ClipwiseError, PermanentError, TransientError
from shared.media.probe import probe
from shared.settings import Settings
from shared.sources.video import ytdlp
from shared.sources.video.links import PlatformPage as VideoPage
from shared.sources.video.source import FetchedFile, FetchRequest
from tests.unit.sources.site import Page, Site, served_site

VTT = b"WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nBoil the pasta\n"
INFO: dict[str, Any] = {
    "id": "abc",
    "title": "Tomato pasta in ten minutes",
    "description": "Tomato pasta #pasta",
    "uploader": "Clipwise Kitchen",
    "duration": 1,
    "timestamp": 1791221400,
    "view_count": 98000,
    "like_count": 4200,
    "comment_count": 151,
    "repost_count": None,
    "tags": ["pasta"],
    "track": "Song",
    "artists": ["Singer"],
    "language": "en",
}


class LocalIE(InfoExtractor):  # type: ignore[misc]  # yt-dlp has no types
    """Reads what the test has put on the page."""

    _VALID_URL = r"http://(?:127\.0\.0\.1|[\w.]*example\.com):\d+/watch/(?P<id>\w+)"
    answer: Callable[[LocalIE, str], dict[str, Any]]

    def _real_extract(self, url: str) -> dict[str, Any]:
        self._download_webpage(url, "abc")
        return type(self).answer(self, url)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, video: bytes) -> Iterator[Site]:
    with served_site() as served:
        served.pages |= {
            "/watch/abc": Page(b"<html>", headers={"Set-Cookie": "visitor=1; Path=/"}),
            "/video.mp4": Page(video, "video/mp4"),
            "/en.vtt": Page(VTT, "text/vtt"),
        }
        monkeypatch.setattr(ytdlp, "EXTRACTORS", [LocalIE])
        yield served


@pytest.fixture
def settings(site: Site) -> Settings:
    return Settings(allow_hosts=site.address, download_timeout_sec=20, max_file_size_mb=2)


def silent(done: float, what: str) -> None:
    return None


def fetch(
    site: Site,
    settings: Settings,
    folder: Path,
    answer: Any = None,
    tick: Callable[[float, str], None] = silent,
    **info: Any,
) -> FetchedFile:
    """The video of the page, for which the extractor gives `answer`, or the usual with `info`."""
    usual = {"formats": [{"url": site.url("/video.mp4"), "ext": "mp4", "vcodec": "h264", "acodec": "aac"}]}
    LocalIE.answer = answer or (lambda ie, url: INFO | usual | info)
    page = VideoPage("youtube", site.url("/watch/abc"), "abc")
    return ytdlp.fetch_with_ytdlp(FetchRequest(page, settings, 180, needs_video=True), folder, tick)


def failure(site: Site, settings: Settings, folder: Path, answer: Any = None, **info: Any) -> tuple[type, str]:
    with pytest.raises(ClipwiseError) as caught:
        fetch(site, settings, folder, answer, **info)
    assert caught.value.message.endswith(".")
    return type(caught.value), caught.value.code


def raising(error: Exception) -> Callable[[Any, str], Any]:
    def answer(ie: Any, url: str) -> Any:
        raise error

    return answer


def jpeg(size: int) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((size, size, 3), 90, np.uint8))[1])


def tone(path: Path) -> bytes:
    """A second of AAC in MP4."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=16_000, layout="mono")
        for start in range(0, 16_000, 1000):
            samples = np.sin(np.arange(start, start + 1000) / 10).astype(np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            frame.sample_rate, frame.pts = 16_000, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def test_a_video_arrives_with_all_that_is_known(site: Site, settings: Settings, folder: Path, video: bytes) -> None:
    """Without any key, a page's video comes with title, author, text, numbers and music."""
    ticks: list[float] = []
    result = fetch(site, settings, folder, tick=lambda done, what: ticks.append(done))
    assert result.path.read_bytes() == video
    assert (result.content_type, result.filename) == ("video/mp4", "youtube-abc.mp4")
    assert (result.title, result.author, result.caption) == (INFO["title"], INFO["uploader"], INFO["description"])
    assert result.origin
    assert result.origin.source == "yt-dlp"
    assert (result.origin.views, result.origin.likes, result.origin.comments, result.origin.shares) == (
        98000,
        4200,
        151,
        None,
    )
    assert (result.origin.music, result.origin.tags) == ("Song – Singer", ["pasta"])
    assert result.origin.published_at == datetime(2026, 10, 5, 17, 30, tzinfo=UTC)
    assert ticks == sorted(ticks)


def test_pictures_and_sound_are_joined(site: Site, settings: Settings, folder: Path, tmp_path: Path) -> None:
    """Where a platform has pictures and sound apart, the best of both come in one file."""
    site.pages["/sound.m4a"] = Page(tone(tmp_path / "tone.mp4"), "audio/mp4")
    formats = [
        {"format_id": "1", "url": site.url("/sound.m4a"), "ext": "m4a", "vcodec": "none", "acodec": "aac"},
        {
            "format_id": "2",
            "url": site.url("/video.mp4"),
            "ext": "mp4",
            "vcodec": "h264",
            "acodec": "none",
            "height": 720,
        }
        | {"width": 1280},
        {
            "format_id": "3",
            "url": site.url("/huge.mp4"),
            "ext": "mp4",
            "vcodec": "h264",
            "acodec": "none",
            "height": 2160,
        }
        | {"width": 3840},
    ]
    result = fetch(site, settings, folder, formats=formats)
    info = probe(result.path)
    assert (info.video_codec, info.audio_codec, result.content_type) == ("h264", "aac", "video/mp4")
    assert info.duration_sec == pytest.approx(1, abs=0.15)
    assert [path.name for path in folder.iterdir()] == [result.path.name]


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ({"subtitles": {"de": [{"ext": "vtt"}], "en-GB": [{"ext": "vtt"}]}}, "en-GB"),
        ({"automatic_captions": {"de": [{"ext": "vtt"}], "en-orig": [{"ext": "vtt"}], "en": [{"ext": "vtt"}]}}, "en"),
        ({"subtitles": {"fr": [{"ext": "vtt"}]}, "automatic_captions": {"de": [{"ext": "vtt"}]}}, None),
        ({"language": None, "subtitles": {"pt-BR": [{"ext": "vtt"}]}}, "pt-BR"),
        ({"language": None, "automatic_captions": {"ru-orig": [{"ext": "vtt"}], "de": [{"ext": "vtt"}]}}, "ru"),
        ({"subtitles": {"live_chat": [{"ext": "json"}]}}, None),
    ],
)
def test_captions_are_in_the_videos_language(
    site: Site, settings: Settings, folder: Path, info: dict[str, Any], language: str | None
) -> None:
    """Captions are those of the language spoken, people's before a machine's, and never a translation."""
    for kind in ("subtitles", "automatic_captions"):
        for files in info.get(kind, {}).values():
            files[0]["url"] = site.url("/en.vtt")
    captions = fetch(site, settings, folder, **info).captions
    assert (captions and captions.language) == language
    assert not captions or [segment.text for segment in captions.segments] == ["Boil the pasta"]


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("Private video. Sign in if you've been granted access to this video", PermanentError, "video_private"),
        ("Video unavailable. This video has been removed by the uploader", PermanentError, "video_unavailable"),
        ("Sign in to confirm your age. This video may be inappropriate", PermanentError, "video_age_restricted"),
        ("Sign in to confirm you’re not a bot. Use --cookies", TransientError, "source_blocked"),
        ("Your IP address is blocked from accessing this post", TransientError, "source_blocked"),
        ("Requested content is not available, rate-limit reached or login required", TransientError, "source_blocked"),
        ("Join this channel to get access to members-only content", PermanentError, "video_login_required"),
        ("The uploader has not made this video available in your country", PermanentError, "video_region_locked"),
        ("Premieres in 3 hours", PermanentError, "video_live"),
        ("This video is DRM protected", PermanentError, "video_protected"),
        ("There is no video in this post", PermanentError, "source_no_video"),
        ("The page needs to be reloaded.", TransientError, "source_blocked"),
        ("No video formats found!", TransientError, "source_blocked"),
        ("Requested format is not available. Use --list-formats", TransientError, "source_blocked"),
        ("Only images are available for download", TransientError, "source_blocked"),
        ("Unexpected response from webpage request", TransientError, "source_blocked"),
        ("Unable to solve JS challenge", TransientError, "source_blocked"),
        ("Failed to extract any player response", TransientError, "source_blocked"),
        ("You need to log in to access this content", PermanentError, "source_login"),
        ("Video not available, status code 10204", PermanentError, "video_unavailable"),
        ("Unable to extract universal data for rehydration", PermanentError, "source_changed"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_meaning(
    site: Site, settings: Settings, folder: Path, said: str, kind: type[ClipwiseError], code: str
) -> None:
    """What a platform says of a video comes as one clear sentence, with a yes or no to trying again."""
    assert failure(site, settings, folder, raising(ExtractorError(said, expected=True))) == (kind, code)


def test_broken_extractors_are_named(site: Site, settings: Settings, folder: Path) -> None:
    """A platform that changed its pages gives an answer that says so, not a crash."""
    assert failure(site, settings, folder, raising(KeyError("itemInfo"))) == (PermanentError, "source_changed")
    assert failure(site, settings, folder, raising(UserNotLive(video_id="x"))) == (PermanentError, "video_live")


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (404, PermanentError, "source_not_found"),
        (403, TransientError, "source_blocked"),
        (429, TransientError, "source_blocked"),
        (503, TransientError, "source_unavailable"),
        (418, PermanentError, "source_refused"),
    ],
)
def test_statuses_have_their_meaning(
    site: Site, settings: Settings, folder: Path, status: int, kind: type[ClipwiseError], code: str
) -> None:
    """A page that is not there and a platform that is tired of us are told apart."""
    site.pages["/watch/abc"] = Page(status=status)
    assert failure(site, settings, folder) == (kind, code)


def test_what_is_not_wanted_is_refused_before_the_download(site: Site, settings: Settings, folder: Path) -> None:
    """Live streams, videos that are too long or too large, and posts without pictures cost no download."""
    assert failure(site, settings, folder, live_status="is_live")[1] == "video_live"
    assert failure(site, settings, folder, duration=400)[1] == "too_long"
    sound = [{"url": site.url("/video.mp4"), "ext": "m4a", "vcodec": "none", "acodec": "aac"}]
    assert failure(site, settings, folder, formats=sound)[1] == "source_no_video"
    large = [{"url": site.url("/video.mp4"), "ext": "mp4", "filesize": settings.max_file_bytes}]
    assert failure(site, settings, folder, formats=large)[1] == "too_large"
    manifest = [{"url": site.url("/x.m3u8"), "ext": "mp4", "protocol": "m3u8_native"}]
    assert failure(site, settings, folder, formats=manifest) == (TransientError, "source_blocked")
    assert not site.asked("/video.mp4")


def test_a_list_gives_its_first_video(site: Site, settings: Settings, folder: Path, video: bytes) -> None:
    """Of a post with several videos, the first is fetched."""
    entry = INFO | {"formats": [{"url": site.url("/video.mp4"), "ext": "mp4"}]}
    result = fetch(
        site,
        settings,
        folder,
        lambda ie, url: {"_type": "playlist", "id": "abc", "entries": [entry, entry | {"id": "2"}]},
    )
    assert result.path.read_bytes() == video
    assert len(site.asked("/video.mp4")) == 1


def test_a_post_of_pictures_becomes_a_video(site: Site, settings: Settings, folder: Path) -> None:
    """A carousel on Instagram, also one whose post yt-dlp calls a playlist, is a video of its pictures, as by Apify."""
    site.pages |= {f"/{size}.jpg": Page(jpeg(size), "image/jpeg") for size in (64, 128)}
    small, large = ({"url": site.url(f"/{size}.jpg"), "width": size, "height": size} for size in (64, 128))
    entry = INFO | {"formats": [], "duration": None, "thumbnails": [small, large]}
    LocalIE.answer = lambda ie, url: {"_type": "playlist", "id": "abc", "entries": [entry, entry | {"id": "2"}]}
    page = VideoPage("instagram", site.url("/watch/abc"), "abc")
    result = ytdlp.fetch_with_ytdlp(FetchRequest(page, settings, 180, needs_video=True), folder, silent)
    with av.open(str(result.path)) as container:
        assert container.duration / 1e6 == pytest.approx(6, abs=0.5)
        assert container.streams.video[0].width == 128
    assert (result.filename, result.caption) == ("instagram-abc.mp4", "Tomato pasta #pasta")
    assert not site.asked("/64.jpg")


def test_a_file_that_is_too_large_is_given_up(site: Site, settings: Settings, folder: Path) -> None:
    """However large a platform's file is, no more of it is read than may be."""
    site.pages["/video.mp4"] = Page(bytes(3_000_000), "video/mp4")
    assert failure(site, settings, folder) == (PermanentError, "too_large")


def test_pages_are_bounded_too(site: Site, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without end cannot fill the memory."""
    monkeypatch.setattr("shared.sources.video.ytdlp_network.MAX_PAGES_BYTES", 1000)
    site.pages["/watch/abc"] = Page(bytes(2000))
    assert failure(site, settings, folder) == (PermanentError, "too_large")


def test_a_page_instead_of_a_video_is_refused(site: Site, settings: Settings, folder: Path) -> None:
    """What is downloaded is judged by its bytes, whatever the platform calls it."""
    site.pages["/video.mp4"] = Page(b"<!doctype html><html>please log in</html>", "video/mp4")
    assert failure(site, settings, folder) == (PermanentError, "not_media")


def test_cancelling_ends_it_at_once(site: Site, settings: Settings, folder: Path) -> None:
    """A cancelled job stops in the middle of an extraction or a download, whatever yt-dlp would retry."""
    for message in ("Reading", "downloaded"):

        def cancelled(done: float, what: str, when: str = message) -> None:
            if when in what:
                raise Cancelled

        with pytest.raises(Cancelled):
            fetch(site, settings, folder, tick=cancelled)
    assert len(site.asked("/video.mp4")) <= 1


def test_cancelling_is_not_lost_in_an_extractor(site: Site, settings: Settings, folder: Path) -> None:
    """An extractor that makes do without the request that was cancelled does not hide the cancellation."""

    def cancelled(done: float, what: str) -> None:
        if site.seen:
            raise Cancelled

    def makes_do(ie: Any, url: str) -> dict[str, Any]:
        ie._download_webpage(site.url("/more"), "abc", fatal=False)
        return INFO | {"live_status": "is_live", "formats": [{"url": site.url("/video.mp4"), "ext": "mp4"}]}

    with pytest.raises(Cancelled):
        fetch(site, settings, folder, makes_do, tick=cancelled)


def test_a_slow_site_is_given_up(site: Site, settings: Settings, folder: Path) -> None:
    """All requests of an extraction share one deadline."""
    settings = replace(settings, download_timeout_sec=1e-9)
    assert failure(site, settings, folder) == (TransientError, "source_slow")


def test_cookies_stay_with_their_server(site: Site, settings: Settings, folder: Path) -> None:
    """A cookie that the page sets comes back to its server with the next request, and is gone after the extraction."""
    fetch(site, settings, folder)
    assert "cookie" not in site.asked("/watch/abc")[-1].headers
    assert site.asked("/video.mp4")[-1].headers["cookie"] == "visitor=1"
    fetch(site, settings, folder)
    assert "cookie" not in site.asked("/watch/abc")[-1].headers


def test_a_cookie_may_have_any_letter(site: Site, settings: Settings, folder: Path) -> None:
    """A page that sets a cookie with letters beyond ASCII, as some do, costs nobody the video."""
    site.pages["/watch/abc"] = Page(b"<html>", headers={"Set-Cookie": "name=J\u00f6rg; Path=/"})
    assert fetch(site, settings, folder).size
    assert site.asked("/video.mp4")[-1].headers["cookie"].encode("latin-1").decode() == "name=J\u00f6rg"


@pytest.mark.parametrize(
    "inward",
    [
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/latest/",
        "http://localhost/",
        "http://[::1]/",
        "http://10.0.0.1/",
    ],
)
def test_extractors_cannot_reach_inward(site: Site, settings: Settings, folder: Path, inward: str) -> None:
    """A page that makes yt-dlp ask for an inner address, or redirects it there, gets nowhere."""

    def ask(ie: Any, url: str) -> Any:
        ie._download_webpage(inward, "abc")

    assert failure(site, settings, folder, ask) == (PermanentError, "url_not_allowed")
    site.pages["/away"] = Page(status=302, headers={"Location": inward})
    assert (
        failure(site, settings, folder, lambda ie, url: ie._download_webpage(site.url("/away"), "abc"))[1]
        == "url_not_allowed"
    )
    formats = [{"url": inward, "ext": "mp4"}]
    assert failure(site, settings, folder, formats=formats) == (PermanentError, "url_not_allowed")
    assert failure(site, settings, folder, formats=[{"url": site.url("/away"), "ext": "mp4"}])[1] == "url_not_allowed"


def test_other_schemes_are_not_served(site: Site, settings: Settings, folder: Path) -> None:
    """Neither files nor sockets nor other protocols can be asked for."""
    for url in ("file:///etc/passwd", "ftp://example.com/x", "ws://example.com/x", "data:text/plain,x"):
        kind, _ = failure(site, settings, folder, lambda ie, _, url=url: ie._download_webpage(url, "abc"))
        assert issubclass(kind, ClipwiseError)


def test_nothing_of_the_machine_is_used(
    site: Site, settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies, configuration, plugins and caches of the machine have no part in it, and no program is started."""
    for name in ("HTTP_PROXY", "http_proxy", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    plugin = tmp_path / "home" / "yt-dlp" / "plugins" / "x" / "yt_dlp_plugins" / "extractor"
    plugin.mkdir(parents=True)
    (plugin / "evil.py").write_text("raise SystemExit('plugin was loaded')")
    (tmp_path / "home" / "yt-dlp" / "config").write_text("--proxy http://10.0.0.1:1")

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a program was started")

    monkeypatch.setattr("subprocess.Popen.__init__", refuse)
    monkeypatch.setattr(os, "system", refuse)
    before = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    fetch(site, settings, folder)
    assert {path for path in tmp_path.rglob("*") if folder not in path.parents} == before


def test_only_the_guard_opens_connections(site: Site, settings: Settings, folder: Path) -> None:
    """yt-dlp has one way to the network, and it is ours."""
    with ytdlp.GuardedYoutubeDL(settings, ytdlp.ExtractionBudget(settings, lambda received: None)) as reader:
        assert list(reader._request_director.handlers) == ["Guarded"]
        assert {type(ie) for ie in reader._ies_instances.values()} == {LocalIE}
