"""The recipe job with each AI service, from upload to result, on the embedded place: real SDKs, real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.fakes import gemini_server, openai_server
from infra.fakes.gemini_server import GeminiServer
from infra.fakes.openai_server import OpenAIServer
from infra.fakes.server import FakeService, Reply
from shared.platform.embedded.database import Database
from shared.platform.embedded.documents import SqliteDocuments
from tests.kitchen import answer, invalid_answer
from tests.running import Server, serving
from tests.videos import plain_video

pytestmark = pytest.mark.timeout(240)

SECONDS = 4
FAKES: dict[str, Any] = {"openai": openai_server, "gemini": gemini_server}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_video(tmp_path_factory.mktemp("videos") / "soup.mp4", SECONDS)


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIServer]:
    with OpenAIServer() as service:
        yield service


@pytest.fixture(scope="module")
def gemini() -> Iterator[GeminiServer]:
    with GeminiServer() as service:
        yield service


def environ(openai: OpenAIServer, gemini: GeminiServer, **more: str) -> dict[str, str]:
    return {
        "OPENAI_API_KEY": openai_server.KEY,
        "OPENAI_BASE_URL": openai.base_url,
        "GEMINI_API_KEY": gemini_server.KEY,
        "GOOGLE_GEMINI_BASE_URL": gemini.url,
        **more,
    }


@pytest.fixture(scope="module", params=sorted(FAKES))
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, openai: OpenAIServer, gemini: GeminiServer
) -> Iterator[tuple[str, Server, FakeService]]:
    """The name of a provider, a server that uses it, and the service behind it."""
    name = request.param
    given = environ(openai, gemini, AI_PROVIDER=name)
    with serving(tmp_path_factory.mktemp(name), **given) as server:
        yield name, server, openai if name == "openai" else gemini


def run(server: Server, video: Path) -> dict[str, Any]:
    return server.follow(server.submit(video, "recipe"), 120)


def test_a_video_becomes_a_recipe(served: tuple[str, Server, FakeService], video: Path) -> None:
    """What the service sees in an uploaded video is the job's result, tied to what is stored of the video."""
    name, server, service = served
    service.then(FAKES[name].answers(answer()))
    job = run(server, video)
    assert job["status"] == "done", job["error"]
    result = job["result"]
    assert [item["name"] for item in result["ingredients"]] == ["tomatoes", "salt"]
    assert result["steps"][0]["seen"]["time"] == pytest.approx(SECONDS, abs=0.1)
    assert result["thumbnail"] == job["video"]["thumbnail"]["name"]
    frame = result["titleSeen"]["frame"]
    with server.client() as client:
        assert client.get(f"/v1/jobs/{job['id']}/media/{frame}").status_code == 307
    usage = job["usage"]
    assert usage["provider"] == name
    assert usage["promptVersion"]
    assert usage["tokensIn"] > 0
    assert usage["costUsd"] > 0
    assert usage["frames"] > 0
    stored = SqliteDocuments(Database(server.data / "clipwise.db")).get("recipes", job["id"])
    assert stored
    assert stored.data["usage"] == usage


@pytest.mark.parametrize("failure", ["refused", "provider_key_invalid", "answer_too_long"])
def test_what_cannot_pass_fails_the_job(served: tuple[str, Server, FakeService], video: Path, failure: str) -> None:
    """A refusal, a wrong key, an endless answer: the job fails at once, says why, and that a retry cannot help."""
    name, server, service = served
    fake = FAKES[name]
    refusal = fake.refuses() if name == "openai" else fake.blocks()
    replies: dict[str, list[Reply]] = {
        "refused": [refusal],
        "provider_key_invalid": [fake.failed(403)],
        "answer_too_long": [fake.truncates(answer())] * 2,
    }
    before = len(service.asked)
    service.then(*replies[failure])
    job = run(server, video)
    assert job["status"] == "failed"
    error = job["error"]
    assert (error["code"], error["stage"], error["retryable"]) == (failure, "analyze", False)
    assert job["stages"]["analyze"]["attempts"] == 1
    assert len(service.asked) - before == len(replies[failure])
    assert failure == "provider_key_invalid" or job["usage"]["tokensIn"] > 0


def test_what_passes_is_tried_again(served: tuple[str, Server, FakeService], video: Path) -> None:
    """A service that is busy, broken off and confused at first gives its result in the stage's next attempt."""
    name, server, service = served
    fake = FAKES[name]
    service.then(fake.busy(), fake.cut_off(answer()), fake.busy())
    service.then(fake.answers(invalid_answer()), fake.answers(answer()))
    job = run(server, video)
    assert job["status"] == "done", job["error"]
    assert job["stages"]["analyze"]["attempts"] == 2
    assert job["usage"]["tokensIn"] >= 2000


def test_a_month_has_an_end(tmp_path: Path, video: Path, openai: OpenAIServer, gemini: GeminiServer) -> None:
    """One service stands in for the other; then the user's budget is used up, and the next job says so unpaid."""
    given = environ(openai, gemini, AI_PROVIDER_RECIPE="openai,gemini", MONTHLY_BUDGET_USD="0.0001")
    with serving(tmp_path, **given) as server:
        openai.then(*[openai_server.failed(500, retry_after="0.01")] * 3)
        gemini.then(gemini_server.answers(answer()))
        job = run(server, video)
        assert job["status"] == "done", job["error"]
        assert job["usage"]["provider"] == "gemini"
        assert job["usage"]["notes"] == ["The provider openai was not available (provider_unavailable)."]
        before = len(openai.asked) + len(gemini.asked)
        job = run(server, video)
        assert job["error"]["code"] == "budget_exceeded"
        assert len(openai.asked) + len(gemini.asked) == before
