"""Speakers of a transcript, from the speech model's answer to exports and citations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins import openai_server
from infra.stand_ins.openai_server import OpenAIServer, diarization_reply
from tests.api_site import Site
from tests.functions.api.chat_requests import answer
from tests.sounds import talking_video

TURNS = (
    (0.2, 1.0, "speaker_7", "How much salt goes into the dough?"),
    (1.1, 1.9, "speaker_2", "Twelve grams of salt."),
    (2.0, 2.8, "speaker_7", "Thank you."),
)


@pytest.fixture
def openai(site: Site) -> Iterator[OpenAIServer]:
    with OpenAIServer() as service:
        site.configure(
            OPENAI_API_KEY=openai_server.KEY,
            OPENAI_BASE_URL=service.base_url,
            OPENAI_TRANSCRIBE_MODEL="gpt-4o-transcribe-diarize",
            AI_PROVIDER_CHAT="offline",
        )
        yield service


@pytest.fixture
def video(site: Site, openai: OpenAIServer, tmp_path: Path) -> str:
    """The id of an interview's video."""
    openai.queue_replies(diarization_reply(*TURNS))
    sent = site.send(talking_video(tmp_path / "talk.mp4").read_bytes(), kind="transcript", name="talk.mp4")
    site.work()
    return str(sent.json()["id"])


def speakers(site: Site, video: str) -> list[str | None]:
    segments = site.client.get(f"/v1/videos/{video}/transcript").json()["segments"]
    return [segment["speaker"] for segment in segments]


def export(site: Site, job: str, format: str) -> str:
    return str(site.client.get(f"/v1/jobs/{job}/export", params={"format": format}).text)


def rename(site: Site, video: str, names: dict[str, str]) -> dict[str, Any]:
    changed = site.client.patch(f"/v1/videos/{video}", json={"speakers": names})
    assert changed.status_code == 200, changed.text
    return dict(changed.json()["speakers"])


def test_a_transcript_says_who_speaks(site: Site, video: str) -> None:
    """Speakers have labels in order of appearance, and text shows each change of speaker."""
    assert speakers(site, video) == ["A", "B", "A"]
    assert export(site, video, "txt").splitlines() == [
        "A: How much salt goes into the dough?",
        "B: Twelve grams of salt.",
        "A: Thank you.",
    ]


def test_a_speaker_can_be_renamed(site: Site, video: str) -> None:
    """The owner's names appear in transcript and exports, also in those of later analyses; they can be taken back."""
    again = site.client.post(f"/v1/videos/{video}/analyses", json={"kind": "transcript"}).json()["id"]
    site.work()
    assert rename(site, video, {"A": " Anna ", "B": "Ben"}) == {"A": "Anna", "B": "Ben"}
    assert speakers(site, video) == ["Anna", "Ben", "Anna"]
    assert "Ben: Twelve grams of salt." in export(site, video, "txt")
    assert "Ben: Twelve grams of salt." in export(site, again, "txt")
    assert rename(site, video, {}) == {}
    assert speakers(site, video) == ["A", "B", "A"]


def test_citations_name_the_speakers(site: Site, video: str) -> None:
    """A quote says who says it, by the name that holds when the question is asked."""
    rename(site, video, {"B": "Ben"})
    (citation,) = answer(site, "How much salt goes into the dough?", video_id=video)["citations"]
    assert "Ben: Twelve grams of salt." in citation["quote"]


@pytest.mark.parametrize("names", [{"A": ""}, {"A": " \t"}, {"": "Anna"}, {"A": "x" * 81}, {"A": None}])
def test_unusable_names_are_refused(site: Site, video: str, names: dict[str, Any]) -> None:
    """A name that nobody could read is refused, and the earlier ones stay."""
    rename(site, video, {"A": "Anna"})
    changed = site.client.patch(f"/v1/videos/{video}", json={"speakers": names})
    assert (changed.status_code, changed.json()["code"]) == (422, "invalid_request")
    assert speakers(site, video)[0] == "Anna"
