"""A kind is one file: what somebody drops into `shared/analyses/` runs from the upload to the export."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import shared.analyses
from infra.stand_ins import openai_server
from infra.stand_ins.openai_server import OpenAIServer
from shared.analyses.kinds import kinds
from tests.api_site import Site
from tests.video_samples import plain_video

NAME = "palette"
FILE = '''
"""The kind `palette`: which colours a video has."""

from pydantic import BaseModel, Field

from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.models import Model


class Palette(Model):
    main_colours: list[str] = Field(min_length=1, max_length=2)
    mood: str | None = None
    shots: int = Field(0, json_schema_extra={"readOnly": True})


class Counted(Model):
    shots: int


def measure(evidence, screen):
    return Counted(shots=len(evidence.shots))


def complete(result: BaseModel, evidence: Evidence, language: str) -> Palette:
    palette = Palette.model_validate(result)
    palette.shots = evidence.measured.shots
    return palette


KIND = Kind(
    name="palette",
    does="The colours of a video.",
    stages=("extract", "transcribe", "analyze", "persist"),
    schema=Palette,
    prompt="Name the one or two main colours of this video, and its mood.",
    measure=measure,
    complete=complete,
    collection="palettes",
)
'''


@pytest.fixture
def palette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file lies where kinds are looked for."""
    (tmp_path / f"{NAME}.py").write_text(FILE, encoding="utf-8")
    monkeypatch.setattr(shared.analyses, "__path__", [*shared.analyses.__path__, str(tmp_path)])
    kinds.cache_clear()
    yield
    kinds.cache_clear()
    sys.modules.pop(f"shared.analyses.{NAME}", None)


@pytest.fixture
def openai(site: Site) -> Iterator[OpenAIServer]:
    with OpenAIServer() as service:
        site.configure(AI_PROVIDER="openai", OPENAI_API_KEY=openai_server.KEY, OPENAI_BASE_URL=service.base_url)
        yield service


@pytest.mark.usefixtures("palette")
def test_one_file_is_a_kind(site: Site, openai: OpenAIServer, tmp_path: Path) -> None:
    """It is listed with its schema, asked of the AI service under its rules, completed, stored and exported."""
    listed = {kind["name"]: kind for kind in site.client.get("/v1/kinds").json()["kinds"]}
    assert listed[NAME]["stages"] == ["extract", "transcribe", "analyze", "persist"]
    assert listed[NAME]["result"]["properties"].keys() == {"mainColours", "mood", "shots"}

    good = {"mainColours": ["blue"], "mood": None}
    openai.queue_replies(
        openai_server.json_reply({"mainColours": [], "mood": None}), openai_server.json_reply(good | {"shots": 99})
    )
    video = plain_video(tmp_path / "blue.mp4", 2)
    job_id = site.send(video.read_bytes(), kind=NAME).json()["id"]
    site.work()

    job = site.client.get(f"/v1/jobs/{job_id}").json()
    assert job["status"] == "done", job["error"]
    assert job["result"] == good | {"shots": 2}
    assert job["usage"]["provider"] == "openai"
    asked = openai.requests[-1].json
    assert asked["response_format"]["json_schema"]["name"] == NAME
    assert "the one or two main colours" in asked["messages"][0]["content"]
    assert '"measured": {"shots": 2}' in asked["messages"][1]["content"][-1]["text"]
    stored = site.place.place.documents.get("palettes", job_id)
    assert stored
    assert stored.data["mainColours"] == ["blue"]
    assert site.client.get(f"/v1/jobs/{job_id}/export", params={"format": "json"}).json() == job["result"]


def test_without_its_file_there_is_no_such_kind(site: Site) -> None:
    """Nothing of it is left where its file is not."""
    refused = site.client.post("/v1/jobs", json={"url": "https://example.com/a.mp4", "kind": NAME})
    assert refused.json()["code"] == "unknown_kind"
