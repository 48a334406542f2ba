"""Moments are found in everything that one's videos say and show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from shared.chat.passages import PassageSource, store_passages, visible_windows
from shared.models.video import Frame, Segment, Video
from shared.pipeline.cleanup import delete_job_data
from shared.pipeline.job_storage import SCREENS
from tests.api_site import Site
from tests.functions.api.chat_requests import OWNER, videos
from tests.transcript_samples import SOUP, told

__all__ = ["videos"]


def store_texts(site: Site, video: str, *texts: str, caption: str | None = None, owner: str = OWNER) -> None:
    """Let a video show a text every ten seconds."""
    lines = [Segment(start=10.0 * at, end=10.0 * at + 5, text=text) for at, text in enumerate(texts)]
    source = PassageSource(owner, video, video)
    store_passages(site.place.place.documents, SCREENS, source, visible_windows(caption, lines), "en", None)


def search(site: Site, query: str, **parameters: Any) -> list[dict[str, Any]]:
    response = site.client.get("/v1/search", params={"q": query, **parameters})
    assert response.status_code == 200, response.text
    moments: list[dict[str, Any]] = response.json()["moments"]
    return moments


def test_what_is_said_is_found_at_its_second(site: Site, videos: dict[str, str]) -> None:
    """A user types a few words and gets the video, the second, the line, the words that match and a picture."""
    frames = [Frame(name=f"frames/{at:02}.jpg", time=at * 8.0, width=1, height=1) for at in range(4)]
    site.change(videos["Soup"], video=Video(frames=frames))
    (found,) = search(site, "Harriet honey")
    assert (found["videoId"], found["title"], found["origin"]) == (videos["Soup"], "Soup", "speech")
    assert found["text"] == SOUP[4]
    assert found["words"] == ["Harriet", "honey"]
    assert found["start"] <= found["time"] < found["end"]
    assert found["passage"] == " ".join(SOUP)
    nearest = min(frames, key=lambda frame: abs(frame.time - found["time"]))
    assert found["thumbnail"] == nearest.name
    assert found["link"].endswith(f"/v1/videos/{videos['Soup']}/source#t={found['time']:g}")


def test_what_is_shown_is_found_too(site: Site, videos: dict[str, str]) -> None:
    """On-screen text leads to its second, a caption to its video, and each says what it is."""
    store_texts(
        site, videos["Stars"], "Titan orbits Saturn", "Bake at 220 degrees", caption="My telescope from Dresden"
    )
    (screen,) = search(site, "220 degrees")
    assert (screen["origin"], screen["time"], screen["text"]) == ("screen", 10, "Bake at 220 degrees")
    (caption,) = search(site, "Dresden")
    assert (caption["origin"], caption["time"], caption["videoId"]) == ("caption", 0, videos["Stars"])
    assert {one["origin"] for one in search(site, "telescope")} == {"speech", "caption"}
    assert {one["origin"] for one in search(site, "telescope", origin="caption")} == {"caption"}
    assert {one["origin"] for one in search(site, "telescope", origin=["caption", "speech"])} == {"speech", "caption"}


def test_pages_hold_every_moment_once(site: Site, videos: dict[str, str]) -> None:
    """Page by page, a client gets all moments in one order."""
    documents = site.place.place.documents
    for number in range(7):
        id = site.submit(f"https://example.com/more{number}", title=f"More {number}")["id"]
        told(documents, OWNER, id, [f"A walrus swims past rock {number}."])
    all_moments = search(site, "walrus", limit=100)
    assert len(all_moments) == 7
    pages, cursor = [], None
    while True:
        parameters = {"q": "walrus", "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = site.client.get("/v1/search", params=parameters).json()
        pages.append(page["moments"])
        cursor = page["cursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page] == all_moments


def test_others_videos_are_never_found(site: Site, videos: dict[str, str]) -> None:
    """Neither what another user's video says, nor what it shows, nor a video that is deleted."""
    other = "f" * 32
    told(site.place.place.documents, "ben", other, ["A walrus swims past."])
    store_texts(site, other, "walrus", owner="ben")
    assert search(site, "walrus") == []
    store_texts(site, videos["Soup"], "a platypus")
    assert len(search(site, "platypus")) == 1
    delete_job_data(site.place.place, videos["Soup"])
    assert search(site, "platypus") == search(site, "honey") == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "invalid_request"),
        ({"q": "  "}, "invalid_request"),
        ({"q": "a\0b"}, "invalid_request"),
        ({"q": "x" * 501}, "invalid_request"),
        ({"q": "soup", "origin": "smell"}, "invalid_request"),
        ({"q": "soup", "limit": 101}, "invalid_request"),
        ({"q": "soup", "cursor": "bW9tZW50IC0x"}, "bad_cursor"),
        ({"q": "soup", "cursor": "ö"}, "bad_cursor"),
    ],
)
def test_requests_have_bounds(site: Site, parameters: dict[str, Any], code: str) -> None:
    """What cannot be a search is refused with a code."""
    response = site.client.get("/v1/search", params=parameters)
    assert (response.status_code, response.json()["code"]) == (422, code), response.text


def test_searches_count_as_questions(site: Site, videos: dict[str, str]) -> None:
    """A search may cost an embedding, so the limit for questions holds."""
    site.configure(RATE_LIMIT_CHAT="2/hour")
    for _ in range(2):
        search(site, "honey")
    refused = site.client.get("/v1/search", params={"q": "honey"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")


def test_the_command_lists_moments(site: Site, videos: dict[str, str]) -> None:
    """`clipwise search` prints title, time, source, words and link; as JSON for scripts."""
    environ = {"CLIPWISE_SERVER": site.url, "COLUMNS": "200"}
    printed = CliRunner().invoke(app, ["search", "Harriet honey"], env=environ)
    assert printed.exit_code == 0, printed.output
    assert "Soup, 0:1" in printed.stdout
    assert f"speech (Harriet, honey): “{SOUP[4]}”" in printed.stdout
    data = CliRunner().invoke(app, ["search", "Harriet honey", "--origin", "speech", "--json"], env=environ)
    assert [one["videoId"] for one in json.loads(data.stdout)] == [videos["Soup"]]
    nothing = CliRunner().invoke(app, ["search", "walrus"], env=environ)
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "No moments found." in nothing.stderr
