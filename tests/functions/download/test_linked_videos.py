"""Public videos of YouTube that Gemini reads from their link: no file passes through the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra.stand_ins import gemini_server
from infra.stand_ins.gemini_requests import parts_of
from infra.stand_ins.gemini_server import GeminiServer, json_reply
from shared.errors import TransientError
from shared.models.video import Origin, Segment, Transcript
from shared.pipeline.job_storage import UPLOADS
from shared.sources.video import ytdlp
from shared.sources.video.post import PlatformPost
from tests.api_site import Site

LINK = "https://youtu.be/dQw4w9WgXcQ?si=tracking"
PAGE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
CAPTIONS = Transcript(
    source="captions", language="en", segments=[Segment(start=3, end=8, text="Bread needs water, flour and salt.")]
)
SUMMARY = {
    "title": "Bread",
    "summary": "Bread is made of water, flour and salt.",
    "keyPoints": [{"text": "Three things.", "start": 4.0}],
    "chapters": [{"title": "Bread", "start": 0.0}],
}


class PageReader:
    """Takes the place of yt-dlp; counts the pages it read."""

    def __init__(self) -> None:
        self.info: dict[str, Any] = {"availability": "public", "live_status": "not_live"}
        self.captions: Transcript | None = CAPTIONS
        self.duration_sec = 600.0
        self.pages: list[str] = []

    def __call__(self, page: ytdlp.PlatformPage, *_: Any) -> Any:
        self.pages.append(page.url)
        post = PlatformPost(Origin(source="yt-dlp", page_url=page.url), "My bread", duration_sec=self.duration_sec)
        return self.info, post, self.captions, []


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> PageReader:
    reader = PageReader()
    monkeypatch.setattr(ytdlp, "read_page", reader)

    def fetch(*_: Any) -> Any:
        raise TransientError("source_blocked", "The video was to be downloaded.")

    monkeypatch.setattr("shared.sources.video.fetcher.load_source", lambda name: fetch)
    return reader


@pytest.fixture
def gemini(site: Site) -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        site.configure(GEMINI_API_KEY=gemini_server.KEY, GOOGLE_GEMINI_BASE_URL=server.url)
        yield server


def submit(site: Site, **fields: Any) -> str:
    answer = site.client.post("/v1/jobs", json={"url": LINK, "kind": "summary"} | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def job(site: Site, id: str) -> dict[str, Any]:
    return dict(site.client.get(f"/v1/jobs/{id}").json())


@pytest.fixture
def summary(site: Site, reader: PageReader, gemini: GeminiServer) -> str:
    """The id of a finished job."""
    gemini.queue_replies(json_reply(SUMMARY))
    id = submit(site)
    site.work()
    return id


def test_a_public_video_is_summarized_without_a_download(site: Site, gemini: GeminiServer, summary: str) -> None:
    """Gemini gets the link, the job says that nothing was downloaded, and the captions are the transcript."""
    done = job(site, summary)
    assert done["status"] == "done", done["error"]
    assert list(done["stages"]) == ["download", "transcribe", "analyze", "persist"]
    assert done["result"]["summary"] == SUMMARY["summary"]
    assert done["result"]["keyPoints"][0]["quote"] == CAPTIONS.segments[0].text
    assert done["video"]["info"]["durationSec"] == 600
    assert any("not downloaded" in note for note in done["usage"]["notes"])
    assert any("not downloaded" in note for note in done["video"]["origin"]["notes"])
    (request,) = gemini.generation_requests()
    assert parts_of(request.json)[0]["fileData"]["fileUri"] == PAGE
    assert list(site.place.place.objects.list(UPLOADS)) == []
    details = site.client.get(f"/v1/videos/{summary}").json()
    assert (details["title"], details["sourceKept"], details["transcriptSource"]) == ("My bread", False, "captions")


def test_another_kind_says_what_it_needs(site: Site, summary: str) -> None:
    """What the stored texts suffice for is made of them; for frames, the answer says to submit the link again."""
    answer = site.client.post(f"/v1/videos/{summary}/analyses", json={"kind": "recipe"})
    assert (answer.status_code, answer.json()["code"]) == (409, "source_gone")
    assert "Submit its link again" in answer.json()["detail"]
    again = site.client.post(f"/v1/videos/{summary}/analyses", json={"kind": "transcript"}).json()["id"]
    site.work()
    assert job(site, again)["result"]["text"] == CAPTIONS.segments[0].text


@pytest.mark.usefixtures("gemini")
@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"info": {"availability": "unlisted"}}, {}),
        ({"info": {"availability": "public", "live_status": "is_live"}}, {}),
        ({"captions": None}, {}),
        ({"duration_sec": 1e6}, {}),
        ({}, {"keep_source": True}),
        ({}, {"kind": "recipe"}),
    ],
)
def test_any_other_video_is_downloaded(
    site: Site, reader: PageReader, change: dict[str, Any], fields: dict[str, Any]
) -> None:
    """A video that is not public, has no captions or is to be kept, and a kind that needs frames, is downloaded."""
    for name, value in change.items():
        setattr(reader, name, value)
    id = submit(site, **fields)
    site.work()
    assert job(site, id)["error"]["message"] == "The video was to be downloaded."


def test_without_gemini_a_video_is_downloaded(site: Site, reader: PageReader) -> None:
    """Where no provider reads links, no page is read in vain."""
    id = submit(site)
    site.work()
    assert job(site, id)["error"]["code"] == "source_blocked"
    assert reader.pages == []


def test_a_video_beyond_the_budget_costs_nothing(site: Site, reader: PageReader, gemini: GeminiServer) -> None:
    """Its cost is estimated from its duration before Gemini is called."""
    site.configure(MONTHLY_BUDGET_USD="0.02")
    id = submit(site)
    site.work()
    assert job(site, id)["error"]["code"] == "budget_exceeded"
    assert gemini.generation_requests() == []
