"""The order of sources, their fallbacks, and the notes about failed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from infra.stand_ins.apify_server import CAPTION, TOKEN, ApifyServer, error_reply
from shared.errors import Cancelled, ClipwiseError, PermanentError, TransientError
from shared.models.video import Origin
from shared.progress import Tick
from shared.settings import Settings
from shared.sources.video import fetcher
from shared.sources.video.fetcher import FINAL_CODES, fetch_video, source_order
from shared.sources.video.source import FetchedFile, FetchRequest, InconclusiveError, VideoSource
from tests.hostile_server import HostileServer

TIKTOK = "https://www.tiktok.com/@a/video/741"
Names = Callable[..., list[str]]


def silent(done: float, what: str) -> None:
    return None


class Sources:
    """Sources that fail as configured, and record their calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.errors: dict[str, Exception] = {}

    def source_for(self, name: str) -> VideoSource:
        def fetch(request: FetchRequest, folder: Path, tick: Tick) -> FetchedFile:
            self.calls.append(name)
            assert list(folder.iterdir()) == []
            if name in self.errors:
                (folder / "left").touch()
                raise self.errors[name]
            return FetchedFile(
                folder / "x", 1, "video/mp4", request.page.url, None, origin=Origin(source=name, notes=["Own."])
            )

        return fetch


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    stand_ins = Sources()
    monkeypatch.setattr(fetcher, "load_source", stand_ins.source_for)
    return stand_ins


def again(folder: Path) -> Path:
    """Another empty folder."""
    (folder / "again").mkdir()
    return folder / "again"


def both(**more: str) -> Settings:
    return Settings(apify_token=TOKEN, **more)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (Settings(), ["yt-dlp", "http"]),
        (both(), ["apify", "yt-dlp", "http"]),
        (both(sources="http,apify"), ["http", "apify"]),
        (Settings(sources="yt-dlp,yt-dlp"), ["yt-dlp"]),
    ],
)
def test_the_order_is_configured(settings: Settings, names: list[str]) -> None:
    """Without configuration, Apify comes first as soon as there is a token; otherwise what is configured counts."""
    assert source_order(settings) == names


def test_the_first_that_can_fetches(sources: Sources, folder: Path) -> None:
    """When the first source succeeds, no other is asked."""
    result = fetch_video(TIKTOK, folder, both(), True, silent)
    assert result.origin == Origin(source="apify", notes=["Own."])
    assert sources.calls == ["apify"]


def test_others_stand_in_and_say_why(sources: Sources, folder: Path) -> None:
    """Whoever fetches, the job says why those before could not."""
    sources.errors = {
        "apify": PermanentError("source_key_invalid", "The token is wrong."),
        "yt-dlp": TransientError("source_blocked", "TikTok wants proof."),
    }
    result = fetch_video(TIKTOK, folder, both(), True, silent)
    assert result.origin
    assert result.origin.source == "http"
    assert result.origin.notes == ["apify: The token is wrong.", "yt-dlp: TikTok wants proof.", "Own."]


@pytest.mark.parametrize("code", sorted(FINAL_CODES))
def test_an_answer_about_the_video_is_final(sources: Sources, folder: Path, code: str) -> None:
    """That a video is private, gone, live or too long is said at once, not hidden behind what others fail with."""
    sources.errors = {"apify": PermanentError(code, "So it is.")}
    with pytest.raises(PermanentError) as caught:
        fetch_video(TIKTOK, folder, both(), True, silent)
    assert caught.value.code == code
    assert sources.calls == ["apify"]


def test_an_uncertain_answer_is_not_final(sources: Sources, folder: Path) -> None:
    """A post that one source cannot distinguish from a block is fetched by the next one that can read it."""
    sources.errors = {
        "apify": InconclusiveError("video_unavailable", "No."),
        "yt-dlp": PermanentError("video_private", "Yes."),
    }
    with pytest.raises(PermanentError) as caught:
        fetch_video(TIKTOK, folder, both(), True, silent)
    assert caught.value.code == "video_private"
    assert sources.calls == ["apify", "yt-dlp"]


def test_what_may_pass_is_tried_again(sources: Sources, folder: Path) -> None:
    """When all fail and one of them only for now, the job is tried again; else the first one's reason counts."""
    sources.errors = {
        "apify": PermanentError("source_key_invalid", "No."),
        "yt-dlp": TransientError("source_blocked", "No."),
        "http": PermanentError("not_media", "No."),
    }
    with pytest.raises(TransientError) as caught:
        fetch_video(TIKTOK, folder, both(), True, silent)
    assert caught.value.code == "source_blocked"
    sources.errors["yt-dlp"] = PermanentError("source_changed", "No.")
    with pytest.raises(PermanentError) as first:
        fetch_video(TIKTOK, again(folder), both(), True, silent)
    assert first.value.code == "source_key_invalid"


@pytest.mark.parametrize("stop", [Cancelled, KeyError])
def test_what_is_no_sources_failure_passes(sources: Sources, folder: Path, stop: type[Exception]) -> None:
    """A cancelled job asks no further source, and a mistake of ours is not taken for a source's."""
    sources.errors = {"apify": stop()}
    with pytest.raises(stop):
        fetch_video(TIKTOK, folder, both(), True, silent)
    assert sources.calls == ["apify"]


def test_a_plain_link_is_fetched_plainly(hostile: HostileServer, sources: Sources, folder: Path) -> None:
    """A link of any other host is downloaded as before, whatever is configured for platforms."""
    settings = both(allow_hosts=hostile.address, sources="apify")
    result = fetch_video(hostile.url("/ok.mp4"), folder, settings, True, silent)
    assert (result.size, result.origin) == (100_000, Origin(source="http"))
    assert sources.calls == []
    assert len(hostile.asked("/ok.mp4")) == 1


def test_any_redirect_may_lead_to_a_page(hostile: HostileServer, sources: Sources, folder: Path) -> None:
    """A shortened link of any service that leads to a TikTok is taken for that TikTok, which is not asked itself."""
    link = hostile.url(f"/redirect?to={quote(TIKTOK + '?utm_source=x&_r=1', safe='')}")
    result = fetch_video(link, folder, both(allow_hosts=hostile.address), True, silent)
    assert result.final_url == TIKTOK
    assert sources.calls == ["apify"]


def test_a_profile_is_refused_early(sources: Sources, folder: Path) -> None:
    """A link to a profile costs no run and no request."""
    with pytest.raises(PermanentError) as caught:
        fetch_video("https://www.tiktok.com/@someone", folder, both(), True, silent)
    assert caught.value.code == "not_a_video"
    assert sources.calls == []


def test_words_may_be_longer_than_pictures(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """A video that is too long to be looked at is fetched for a kind that only listens."""
    settings = replace(settings, max_video_duration_sec=10, sources="apify")
    with pytest.raises(ClipwiseError) as caught:
        fetch_video(TIKTOK, folder, settings, True, silent)
    assert caught.value.code == "too_long"
    assert fetch_video(TIKTOK, again(folder), settings, False, silent).caption == CAPTION


def test_a_real_fallback(
    apify: ApifyServer, settings: Settings, hostile: HostileServer, everywhere: Names, folder: Path
) -> None:
    """With Apify's quota used up, what lies at the page's own address is taken, and the job says why."""
    host = f"www.tiktok.com:{hostile.server_address[1]}"
    everywhere("www.tiktok.com")
    apify.failing["start"].append(error_reply(402, "not-enough-usage-to-run-paid-actor"))
    settings = replace(settings, allow_hosts=host, sources="apify,yt-dlp,http")
    with pytest.raises(ClipwiseError) as caught:
        fetch_video(f"http://{host}/@a/video/741", folder, settings, True, silent)
    assert caught.value.code == "source_quota"
    assert [request.path for request in hostile.requests][-1] == "/@a/video/741"
