"""What is said in a video can be found once its job is done, whatever becomes of the services."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from infra.stand_ins import openai_server
from infra.stand_ins.openai_server import OpenAIServer
from shared.ai.offline.embedding import MODEL
from shared.ai.screen import reader
from shared.ai.screen.lines import ScreenLine, ScreenText
from shared.ai.usage import Meter, book_cost
from shared.chat.search import embed_question
from shared.models.chat import Passage
from shared.models.job import Job, JobStatus, StageState, StageStatus, Usage
from shared.models.media import MediaInfo
from shared.models.video import Extraction, Transcript, Video
from shared.pipeline.job_storage import EXTRACTION, JOBS, SCREEN_TEXT, SCREENS, TRANSCRIPT, store_json
from shared.platform.ports import Vector
from shared.wiring import wiring
from tests.api_site import Site
from tests.transcript_samples import SOUP, STARS, segments

INFO = MediaInfo(container="mov", size_bytes=1, duration_sec=90, has_video=True, has_audio=True)
MADE = Usage(provider="gemini", model="eyes", tokens_in=10, tokens_out=5, frames=3, cost_usd=0.5)


def at_persist(site: Site, lines: Sequence[str], of_video: str | None = None, attempts: int = 0) -> str:
    """A job whose last stage is yet to come."""
    id = str(site.submit(f"https://example.com/{len(site.jobs())}", kind="transcript")["id"])
    extraction = Extraction(info=INFO, thumbnail=None, shots=[], frames=[], samples=[], audio=None, transcript=[])
    store_json(site.place.place.objects, id, EXTRACTION, extraction.to_json())
    said = Transcript(source="speech", language="en", segments=segments(lines))
    store_json(site.place.place.objects, id, TRANSCRIPT, said.to_json())
    stage = StageState(number=1, attempts=attempts)
    site.change(id, stages={"persist": stage}, of_video=of_video, usage=MADE, outbox=[], status=JobStatus.RUNNING)
    while delivery := site.place.queue.claim():
        site.place.queue.acknowledge(delivery)
    return id


def persist(site: Site, id: str) -> Job:
    site.place.place.bus.publish("analysis-completed", {"jobId": id})
    site.work()
    stored = site.place.place.documents.get(JOBS, id)
    assert stored is not None
    return Job.read(stored.data)


def rows(site: Site, video: str) -> list[dict[str, Any]]:
    page = site.place.place.documents.query("segments", [("videoId", "==", video)], limit=1000)
    return [document.data for document in page.documents]


def test_passages_are_stored_with_the_video(site: Site) -> None:
    """A job that is done leaves its words in overlapping passages, with times, terms and vectors."""
    id = at_persist(site, SOUP * 4)
    job = persist(site, id)
    assert job.status is JobStatus.DONE, job.error
    found = rows(site, id)
    passages = [Passage.read(row) for row in found]
    assert [one.number for one in passages] == list(range(len(passages)))
    assert len(passages) >= 3
    assert all(before.end > after.start for before, after in pairwise(passages))
    assert {(one.owner, one.job_id, one.language, one.model) for one in passages} == {("local", id, "en", MODEL)}
    assert all(isinstance(row["embedding"], Vector) and len(row["embedding"].values) == 768 for row in found)
    assert "harriet" in passages[0].words
    assert (job.usage.provider, job.usage.model, job.usage.cost_usd) == ("gemini", "eyes", 0.5)


def test_what_is_shown_is_stored_apart(site: Site) -> None:
    """On-screen text and caption can be searched, each as what it is, and do not mix with what is said."""
    id = at_persist(site, SOUP)
    site.change(id, video=Video(caption="Harriet's tomato soup"))
    lines = [{"start": 3.0, "end": 5.0, "text": "220 °C"}, {"start": 60.0, "end": 63.0, "text": "Serve hot"}]
    store_json(site.place.place.objects, id, SCREEN_TEXT, {"lines": lines})
    job = persist(site, id)
    assert job.status is JobStatus.DONE, job.error
    page = site.place.place.documents.query(SCREENS, [("videoId", "==", id)])
    stored = [Passage.read(document.data) for document in page.documents]
    assert [(one.origin, one.start, one.text) for one in stored] == [
        ("caption", 0, "Harriet's tomato soup"),
        ("screen", 3, "220 °C"),
        ("screen", 60, "Serve hot"),
    ]
    assert {(one.owner, one.job_id, one.model) for one in stored} == {("local", id, MODEL)}
    assert {row["origin"] for row in rows(site, id)} == {"speech"}


def test_the_screen_is_read_for_searches_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The on-screen text that an analysis reads is kept with its seconds, from where it becomes searchable."""
    line = ScreenLine("Feta 200 g", 2.0, 4.0, "samples/01.jpg", (0.1, 0.1, 0.5, 0.2), 0.9)
    monkeypatch.setattr(reader, "read_screen", lambda *_: ScreenText([line], []))
    id = at_persist(site, SOUP)
    site.change(id, kind="summary", stages={name: StageState(number=1) for name in ("analyze", "persist")})
    site.place.place.bus.publish("transcript-completed", {"jobId": id})
    site.work()
    stored = site.place.place.documents.get(JOBS, id)
    assert stored is not None
    assert stored.data["status"] == JobStatus.DONE, stored.data["error"]
    (shown,) = site.place.place.documents.query(SCREENS, [("videoId", "==", id)]).documents
    assert (shown.data["origin"], shown.data["start"], shown.data["text"]) == ("screen", 2, "Feta 200 g")


def test_a_second_run_leaves_nothing_of_the_first(site: Site) -> None:
    """When fewer passages come of it than before, no old ones stay."""
    id = at_persist(site, SOUP * 4)
    persist(site, id)
    before = len(rows(site, id))
    said = Transcript(source="speech", segments=segments(STARS))
    store_json(site.place.place.objects, id, TRANSCRIPT, said.to_json())
    site.change(id, stages={"persist": StageState(number=1)}, status=JobStatus.RUNNING, ended_at=None)
    persist(site, id)
    (only,) = rows(site, id)
    assert before > 1
    assert only["text"] == " ".join(STARS)


def test_the_first_words_of_a_video_may_come_later(site: Site) -> None:
    """Who analyses a silent video again and hears something can ask about it; words that are there stay."""
    video = at_persist(site, [])
    persist(site, video)
    assert rows(site, video) == []
    again = at_persist(site, SOUP, of_video=video)
    persist(site, again)
    assert {row["jobId"] for row in rows(site, video)} == {again}
    later = at_persist(site, STARS, of_video=video)
    persist(site, later)
    assert {row["jobId"] for row in rows(site, video)} == {again}
    site.client.delete(f"/v1/jobs/{later}")
    assert rows(site, video)
    site.client.delete(f"/v1/jobs/{again}")
    assert rows(site, video) == []


def test_words_go_with_their_video(site: Site) -> None:
    """After a video is deleted nothing that was said in it is left."""
    video = at_persist(site, SOUP)
    persist(site, video)
    assert rows(site, video)
    site.client.delete(f"/v1/videos/{video}")
    assert rows(site, video) == []


@pytest.fixture
def openai(site: Site) -> Any:
    with OpenAIServer() as service:
        site.configure(AI_PROVIDER_CHAT="openai", OPENAI_API_KEY=openai_server.KEY, OPENAI_BASE_URL=service.base_url)
        yield service


def test_the_service_is_paid_for_its_vectors(site: Site, openai: OpenAIServer) -> None:
    """Embeddings count in the job and in the month; the job still says who made its result."""
    id = at_persist(site, SOUP)
    job = persist(site, id)
    assert job.status is JobStatus.DONE, job.error
    assert {row["model"] for row in rows(site, id)} == {"text-embedding-3-small"}
    assert (job.usage.provider, job.usage.model, job.usage.frames) == ("gemini", "eyes", 3)
    assert job.usage.tokens_in > MADE.tokens_in
    assert job.usage.cost_usd > MADE.cost_usd
    (month,) = site.place.place.documents.query("spending").documents
    assert month.data["spentUsd"] == pytest.approx(job.usage.cost_usd - MADE.cost_usd)
    stored = site.place.place.documents.get("transcripts", id)
    assert stored is not None
    assert stored.data["usage"]["tokensIn"] == job.usage.tokens_in


def test_a_service_that_is_down_is_waited_for(site: Site, openai: OpenAIServer) -> None:
    """The stage is tried again, and then the vectors are there."""
    openai.queue_replies(*[openai_server.error_reply(500, retry_after="0.01")] * 3)
    id = at_persist(site, SOUP)
    job = persist(site, id)
    assert job.status is JobStatus.DONE, job.error
    assert job.stages["persist"].attempts == 2
    assert all("embedding" in row for row in rows(site, id))


def test_a_service_that_stays_down_costs_no_result(site: Site, openai: OpenAIServer) -> None:
    """At the last attempt the job is done without vectors, says so, and its words are found by themselves."""
    openai.queue_replies(*[openai_server.error_reply(500, retry_after="0.01")] * 3)
    id = at_persist(site, SOUP, attempts=wiring().functions["persist"].attempts - 1)
    job = persist(site, id)
    assert (job.status, job.stages["persist"].status) == (JobStatus.DONE, StageStatus.DONE)
    assert job.usage.notes[-1].startswith("The transcript can be searched by words only")
    (row,) = rows(site, id)
    assert "embedding" not in row
    assert row["model"] is None
    wish = {"messages": [{"role": "user", "content": "Harriet?"}], "video_id": id}
    site.configure(AI_PROVIDER_CHAT="offline")
    assert site.client.post("/v1/chat", json=wish).json()["found"]


@pytest.mark.parametrize("trouble", ["no embeddings", "no budget", "wrong key"])
def test_what_cannot_help_costs_no_result(site: Site, openai: OpenAIServer, trouble: str) -> None:
    """A server without embeddings, a wrong key or a budget that is used up: the job is done at once, with a note."""
    if trouble == "no budget":
        site.configure(MONTHLY_BUDGET_USD="0.01")
        book_cost(site.place.place.documents, "local", 0.02)
    elif trouble == "wrong key":
        openai.queue_replies(openai_server.error_reply(401))
    else:
        openai.queue_replies(openai_server.error_reply(404))
    id = at_persist(site, SOUP)
    job = persist(site, id)
    assert (job.status, job.stages["persist"].attempts) == (JobStatus.DONE, 1)
    (row,) = rows(site, id)
    if trouble == "no embeddings":
        # Such as a chat server on this machine: the model here stands in from the start, for questions too.
        assert (row["model"], job.usage.notes) == (MODEL, [])
        openai.queue_replies(openai_server.error_reply(404))
        embeddings, failure = embed_question("Harriet?", Meter(), lambda done, message: None)
        assert ([embedding.model for embedding in embeddings], failure) == ([MODEL], None)
    else:
        assert row["model"] is None
        assert job.usage.notes[-1].startswith("The transcript can be searched by words only")
