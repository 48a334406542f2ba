"""Apify as a source: its real client against its API, with all that can go wrong there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins.apify_server import (
    AUTHOR,
    CAPTION,
    TAGS,
    TOKEN,
    ApifyServer,
    actor_items,
    dataset_page_reply,
    error_reply,
)
from infra.stand_ins.server import Reply
from shared.errors import Cancelled, ClipwiseError, PermanentError, TransientError
from shared.security.urls import parse_url
from shared.settings import Settings
from shared.sources.spending import SpendingAccount
from shared.sources.video import apify_api
from shared.sources.video.apify import auth_headers, fetch_with_apify
from shared.sources.video.links import parse_page_url
from shared.sources.video.post import parse_time
from shared.sources.video.source import FetchedFile, FetchRequest, InconclusiveError
from tests.hostile_server import HostileServer

TIKTOK = "https://www.tiktok.com/@clipwise.kitchen/video/7412345678901234567"
INSTAGRAM = "https://www.instagram.com/reel/DAbCdEfGhIj/"
YOUTUBE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apify_api, "RETRY_SEC", 0)


def silent(done: float, what: str) -> None:
    return None


def fetch_request(url: str, settings: Settings, longest: float = 180) -> FetchRequest:
    page = parse_page_url(parse_url(url))
    assert page
    return FetchRequest(page, settings, longest, needs_video=True)


def fetch_post(url: str, settings: Settings, folder: Path) -> FetchedFile:
    return fetch_with_apify(fetch_request(url, settings), folder, silent)


def failure(settings: Settings, folder: Path, url: str = TIKTOK) -> tuple[type[ClipwiseError], str]:
    with pytest.raises(ClipwiseError) as caught:
        fetch_post(url, settings, folder)
    assert TOKEN not in str(caught.value)
    assert caught.value.message.endswith(".")
    return type(caught.value), caught.value.code


def test_a_tiktok_arrives_with_all_that_is_known(
    apify: ApifyServer, settings: Settings, folder: Path, video: bytes
) -> None:
    """Video, caption, author, music, numbers, tags and captions of a TikTok come in one go."""
    apify.store_file("captions.vtt", "text/vtt", b"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nBoil the pasta\n")
    result = fetch_post(TIKTOK, settings, folder)
    assert result.path.read_bytes() == video
    assert (result.content_type, result.filename) == ("video/mp4", "tiktok-7412345678901234567.mp4")
    assert (result.author, result.caption, result.title) == (AUTHOR, CAPTION, None)
    assert result.origin
    assert result.origin.source == "apify"
    assert result.origin.page_url == TIKTOK
    assert result.origin.music == f"original sound – {AUTHOR}"
    assert (result.origin.views, result.origin.likes, result.origin.comments, result.origin.shares) == (
        98000,
        4200,
        151,
        37,
    )
    assert result.origin.tags == TAGS
    assert result.origin.published_at == datetime(2026, 10, 5, 17, 30, tzinfo=UTC)
    assert result.captions
    assert (result.captions.source, result.captions.language) == ("captions", "eng-US")
    assert [segment.text for segment in result.captions.segments] == ["Boil the pasta"]


def test_an_instagram_reel_arrives(apify: ApifyServer, settings: Settings, folder: Path, video: bytes) -> None:
    """A reel comes with its caption, author, music and numbers."""
    result = fetch_post(INSTAGRAM, settings, folder)
    assert result.path.read_bytes() == video
    assert (result.author, result.caption) == (AUTHOR, CAPTION)
    assert result.origin
    assert (result.origin.views, result.origin.music) == (98000, f"original sound – {AUTHOR}")


def test_other_instagram_actors_are_asked_their_way(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """Whoever configures the reel scraper gets the same, though its input has another form."""
    settings = replace(settings, apify_instagram_actor="apify/instagram-reel-scraper")
    assert fetch_post(INSTAGRAM, settings, folder).caption == CAPTION
    assert apify.runs["run1"].run_input == {"username": [INSTAGRAM], "resultsLimit": 1}


def test_a_youtube_video_arrives(apify: ApifyServer, settings: Settings, folder: Path, video: bytes) -> None:
    """A video of YouTube comes from the actor's store, with title and channel."""
    result = fetch_post(YOUTUBE, settings, folder)
    assert result.path.read_bytes() == video
    assert (result.title, result.author) == ("Tomato pasta in ten minutes", "Clipwise Kitchen")


def test_a_run_is_waited_for(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """While the actor works, the job shows that it does, and never goes backwards."""
    apify.statuses = ("READY", "RUNNING", "RUNNING", "SUCCEEDED")
    ticks: list[tuple[float, str]] = []
    fetch_with_apify(fetch_request(TIKTOK, settings), folder, lambda done, what: ticks.append((done, what)))
    assert "Waiting for Apify" in {what for _, what in ticks}
    assert [done for done, _ in ticks] == sorted(done for done, _ in ticks)
    assert len(apify.requests_for("run")) == 3
    assert "timeout=20" in apify.requests_for("start")[0].path


@pytest.mark.parametrize(
    ("route", "reply", "kind", "code"),
    [
        ("start", error_reply(401, "user-or-token-not-found"), PermanentError, "source_key_invalid"),
        ("start", error_reply(402, "not-enough-usage-to-run-paid-actor"), TransientError, "source_quota"),
        ("start", error_reply(403, "platform-feature-disabled"), TransientError, "source_quota"),
        ("start", error_reply(402, "actor-memory-limit-exceeded"), TransientError, "source_busy"),
        ("start", error_reply(404, "record-not-found"), PermanentError, "source_setup"),
        ("start", error_reply(400, "invalid-input"), PermanentError, "source_setup"),
        ("start", Reply(b"{", 201), InconclusiveError, "source_unreadable"),
        ("start", Reply({"data": {"id": "run1"}}, 201), InconclusiveError, "source_unreadable"),
        ("run", Reply(b"<html>"), InconclusiveError, "source_unreadable"),
        ("items", Reply(b'[{"id":'), InconclusiveError, "source_unreadable"),
        ("items", Reply([]), InconclusiveError, "source_unreadable"),
        ("items", dataset_page_reply([]), InconclusiveError, "video_unavailable"),
        ("items", dataset_page_reply(["text"]), InconclusiveError, "video_unavailable"),
        ("items", dataset_page_reply([{}]), PermanentError, "source_no_video"),
        ("record", error_reply(404, "record-not-found"), PermanentError, "source_not_found"),
    ],
)
def test_each_answer_has_its_meaning(
    apify: ApifyServer, settings: Settings, folder: Path, route: str, reply: Reply, kind: type[ClipwiseError], code: str
) -> None:
    """Whatever Apify answers, the user learns in one sentence what it means, and whether trying again helps."""
    apify.failing[route].append(reply)
    assert failure(settings, folder) == (kind, code)


@pytest.mark.parametrize(
    "reply", [error_reply(429, "rate-limit-exceeded", **{"retry-after": "1"}), error_reply(500, "internal")]
)
def test_short_trouble_is_ridden_out(apify: ApifyServer, settings: Settings, folder: Path, reply: Reply) -> None:
    """One 429 or 500 costs a moment and nothing else."""
    for route in ("start", "run", "items"):
        apify.failing[route].append(reply)
    assert fetch_post(TIKTOK, settings, folder).caption == CAPTION


@pytest.mark.parametrize(
    ("route", "reply", "code"),
    [
        ("start", error_reply(429, "rate-limit-exceeded"), "source_busy"),
        ("start", error_reply(503, "down"), "source_unavailable"),
        ("items", Reply([], cut=True), "source_incomplete"),
    ],
)
def test_lasting_trouble_is_tried_again_later(
    apify: ApifyServer, settings: Settings, folder: Path, route: str, reply: Reply, code: str
) -> None:
    """When Apify stays down or breaks off, the job is tried again later, after a bounded number of requests."""
    apify.failing[route].extend([reply] * 10)
    kind, result = failure(settings, folder)
    assert issubclass(kind, TransientError)
    assert result == code
    assert len(apify.requests_for(route)) == apify_api.RETRIES + 1


def test_no_run_is_started_twice(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """When the answer to a start is lost, the run may be there: it is not started again at once, and paid once."""
    apify.failing["start"].append(Reply({"data": {}}, 201, cut=True))
    assert failure(settings, folder)[1] == "source_incomplete"
    assert len(apify.requests_for("start")) == 1


def test_a_silent_server_is_given_up(
    apify: ApifyServer, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An Apify that says nothing is waited for a bounded time."""
    monkeypatch.setattr(apify_api, "CALL_SEC", 0.2)
    apify.failing["start"].extend([Reply(silent=True)] * 3)
    assert failure(settings, folder) == (TransientError, "source_slow")


@pytest.mark.parametrize("status", ["FAILED", "TIMED-OUT", "ABORTED"])
def test_a_run_that_ends_badly(apify: ApifyServer, settings: Settings, folder: Path, status: str) -> None:
    """A run that fails, takes too long or is stopped is no answer about the video."""
    apify.statuses = ("RUNNING", status)
    assert failure(settings, folder) == (TransientError, "source_failed")
    assert not apify.requests_for("abort")


def test_a_run_that_never_ends_is_aborted(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """A run that nobody waits for any more is stopped, so that it costs nothing more."""
    apify.statuses = ("RUNNING",)
    settings = replace(settings, download_timeout_sec=0.5)
    assert failure(settings, folder) == (TransientError, "source_slow")
    assert apify.runs["run1"].next_status() == "ABORTED"


def test_a_cancelled_job_aborts_its_run(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """Cancelling a job stops the run that it waits for."""
    apify.statuses = ("RUNNING",)

    def cancelled(done: float, what: str) -> None:
        if apify.runs:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch_with_apify(fetch_request(TIKTOK, settings), folder, cancelled)
    assert apify.runs["run1"].next_status() == "ABORTED"


def test_too_long_is_known_before_the_download(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """A video that is too long for its kind is refused without fetching it."""
    with pytest.raises(PermanentError) as caught:
        fetch_with_apify(fetch_request(TIKTOK, settings, longest=20), folder, silent)
    assert caught.value.code == "too_long"
    assert not apify.requests_for("record")


Change = Callable[[ApifyServer, dict[str, Any]], dict[str, Any]]


def reply_with(apify: ApifyServer, change: Change) -> None:
    """From now on, posts are what `change` makes of them."""
    apify._item_source = lambda server, actor, run_input: [change(server, actor_items(server, actor, run_input)[0])]


@pytest.mark.parametrize(
    ("url", "item", "kind", "code"),
    [
        (
            TIKTOK,
            {"error": "Post not found or private.", "errorCode": "NOT_FOUND"},
            InconclusiveError,
            "video_unavailable",
        ),
        (
            INSTAGRAM,
            {"error": "no_items", "errorDescription": "Empty or private data"},
            InconclusiveError,
            "video_unavailable",
        ),
        (YOUTUBE, {"error": "Sign in to confirm your age"}, PermanentError, "video_age_restricted"),
    ],
)
def test_an_item_may_be_an_error(
    apify: ApifyServer, settings: Settings, folder: Path, url: str, item: dict[str, Any], kind: type, code: str
) -> None:
    """Actors that succeed without the post say why, and so do we; what they cannot know is not final."""
    reply_with(apify, lambda *_: item)
    assert failure(settings, folder, url) == (kind, code)


def test_an_item_may_be_an_unclear_error(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """An error of an actor that says nothing of the post is tried again later."""
    reply_with(apify, lambda *_: {"error": "proxy tunnel failed"})
    assert failure(settings, folder) == (TransientError, "source_unavailable")


def test_a_run_is_limited_and_paid_for(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """Each run may charge so much at most, and what it cost is booked, whether or not there is a video."""
    costs: list[float] = []
    apify.cost_usd = 0.02
    request = replace(fetch_request(TIKTOK, settings), account=SpendingAccount(lambda: None, costs.append))
    fetch_with_apify(request, folder, silent)
    assert "maxTotalChargeUsd=0.5" in apify.requests_for("start")[0].path
    apify.statuses = ("RUNNING", "FAILED")
    with pytest.raises(TransientError):
        fetch_with_apify(request, folder, silent)
    assert costs == [0.02, 0.02]


def test_a_used_up_budget_starts_no_run(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """Whoever has spent the month's budget does not pay for another run."""

    def refuse() -> None:
        raise PermanentError("budget_exceeded", "This month's AI budget is used up.")

    request = replace(fetch_request(TIKTOK, settings), account=SpendingAccount(refuse, lambda _: None))
    with pytest.raises(PermanentError, match="used up"):
        fetch_with_apify(request, folder, silent)
    assert apify.requests == []


def test_odd_items_do_no_harm(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """Fields of wrong types, hidden numbers, huge texts and control characters become nothing or fit."""
    reply_with(
        apify,
        lambda server, item: (
            item
            | {
                "text": "x\x00\x1b[2J" * 9000,
                "diggCount": -1,
                "playCount": "many",
                "hashtags": ["a", {"name": 5}, None],
            }
            | {"musicMeta": [], "createTimeISO": "yesterday", "authorMeta": {"name": None, "nickName": "Nick"}}
        ),
    )
    result = fetch_post(TIKTOK, settings, folder)
    assert result.caption
    assert len(result.caption) == 10_000
    assert result.caption.isprintable()
    assert result.author == "Nick"
    assert result.origin
    assert (result.origin.likes, result.origin.views, result.origin.tags, result.origin.published_at) == (
        None,
        None,
        [],
        None,
    )


def test_captions_that_cannot_be_read_are_left_out(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """Broken captions cost nothing but a note: the video is there, and can be listened to."""
    apify.store_file("captions.vtt", "text/vtt", b"\x00\x01")
    result = fetch_post(TIKTOK, settings, folder)
    assert result.captions is None
    assert result.origin
    assert [note for note in result.origin.notes if "captions could not be read" in note]


def test_captions_that_are_too_large_name_the_limit(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """The note about captions that were left out states how large they may be."""
    apify.store_file("captions.vtt", "text/vtt", b"WEBVTT\n" + b" " * 4_000_000)
    result = fetch_post(TIKTOK, settings, folder)
    assert result.captions is None
    assert result.origin
    assert [note for note in result.origin.notes if "exceed 4 MB" in note]


@pytest.mark.parametrize("link", ["http://10.0.0.1/x.vtt", "http://[", "https://example.com:25/x.vtt"])
def test_captions_elsewhere_are_judged_and_left_out(
    apify: ApifyServer, settings: Settings, folder: Path, link: str
) -> None:
    """A link to captions that may not be fetched costs the captions, not the video."""
    apify.store_file("captions.vtt", "text/vtt", b"")
    captions = {"language": "eng-US", "source": "ASR", "downloadLink": link}
    reply_with(apify, lambda server, item: item | {"videoMeta": {"subtitleLinks": [captions]}})
    result = fetch_post(TIKTOK, settings, folder)
    assert result.captions is None
    assert result.origin
    assert len(result.origin.notes) == 1


def test_a_mixed_carousel_gives_its_first_video(apify: ApifyServer, settings: Settings, folder: Path) -> None:
    """Of a post with pictures and videos, the first video is fetched, and the job says so."""
    children = [{"displayUrl": "https://x/1.jpg"}, {"displayUrl": "https://x/2.jpg", "videoUrl": None}]

    def sidecar(server: ApifyServer, item: dict[str, Any]) -> dict[str, Any]:
        children[1]["videoUrl"] = item["videoUrl"]
        return item | {"type": "Sidecar", "videoUrl": None, "childPosts": children}

    reply_with(apify, sidecar)
    result = fetch_post(INSTAGRAM, settings, folder)
    assert result.origin
    assert result.origin.notes == ["The post has 2 parts; only its first video was downloaded."]


def test_the_token_goes_to_apify_alone(
    apify: ApifyServer, hostile: HostileServer, settings: Settings, folder: Path
) -> None:
    """A video that lies elsewhere, or that Apify redirects to, is fetched without the token."""
    settings = replace(settings, allow_hosts=hostile.address)
    reply_with(apify, lambda server, item: item | {"mediaUrls": [hostile.url("/ok.mp4")]})
    fetch_post(TIKTOK, settings, folder)
    assert "authorization" not in hostile.asked("/ok.mp4")[-1].headers
    apify.failing["record"].append(Reply(b"", 302, {"location": hostile.url("/range-changed")}))
    reply_with(apify, lambda server, item: item)
    fetch_post(TIKTOK, settings, folder)
    assert apify.requests_for("record")[-1].headers["authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in hostile.asked("/range-changed")[-1].headers


@pytest.mark.parametrize(
    ("link", "ours"),
    [
        ("https://api.apify.com/v2/key-value-stores/a/records/b", True),
        ("http://api.apify.com/v2/key-value-stores/a/records/b", False),
        ("https://api.apify.com:8443/x", False),
        ("https://api.apify.com.example.com/x", False),
        ("https://evilapi.apify.com/x", False),
    ],
)
def test_who_is_apify(link: str, ours: bool) -> None:
    """Only the very server that is configured gets the token."""
    assert bool(auth_headers(link, Settings(apify_token=TOKEN))) is ours


def test_items_cannot_point_inward(
    apify: ApifyServer, hostile: HostileServer, settings: Settings, folder: Path
) -> None:
    """What an actor names is judged like a user's link: only Apify's own configured server may be private."""
    reply_with(apify, lambda server, item: item | {"mediaUrls": [hostile.url("/ok.mp4")]})
    before = len(hostile.requests)
    assert failure(settings, folder) == (PermanentError, "url_not_allowed")
    assert len(hostile.requests) == before


def test_the_token_is_never_logged(
    apify: ApifyServer, settings: Settings, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """However much is logged, the token is not, whether things go well or not."""
    caplog.set_level(logging.DEBUG)
    fetch_post(TIKTOK, settings, folder)
    apify.failing["start"].extend(
        [error_reply(429, "rate-limit-exceeded"), error_reply(401, "user-or-token-not-found")]
    )
    failure(settings, folder)
    assert caplog.records
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1791221400, datetime(2026, 10, 5, 17, 30, tzinfo=UTC)),
        ("2026-10-05T17:30:00", datetime(2026, 10, 5, 17, 30, tzinfo=UTC)),
        ("2026-10-05T19:30:00+02:00", datetime(2026, 10, 5, 17, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (1e30, None),
        (float("nan"), None),
        (-1, None),
        ([], None),
    ],
)
def test_a_time_that_cannot_be_is_left_out(value: object, time: datetime | None) -> None:
    """A post whose time is no time, or lies outside the calendar, is fetched without it."""
    assert parse_time(value) == time
