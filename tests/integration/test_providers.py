"""What becomes of a job when an AI service fails in one way or another: real SDKs, real HTTP, the embedded place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.server import Reply
from tests.integration.sites import FAKES, Services, Sites
from tests.recipe_samples import answer, invalid_answer
from tests.server import Server, serving
from tests.sounds import bursts
from tests.speech_service import Listener, assert_said_once
from tests.video_samples import plain_video

SECONDS = 4
LONG_SEC = 13 * 60
STAGES = {"transcript": "transcribe", "recipe": "analyze"}
"""The stage that asks the service, for kinds whose videos are given here: the one is not analysed, the other silent."""


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_video(tmp_path_factory.mktemp("videos") / "soup.mp4", SECONDS)


Run = Callable[[str, Callable[[Any], Sequence[Reply]]], dict[str, dict[str, Any]]]


@pytest.fixture
def run(sites: Sites, services: Services, silent: Path, talk: Path) -> Iterator[Run]:
    """Does a job of a kind with each provider, at the same time, and gives the ended jobs by provider.

    First the services give the answers that are made by the function, then those they make up. No request is to be
    left out, and none to be made beside those and, if the job is done, one that goes well; embeddings do not count.
    """

    def run(kind: str, prepare: Callable[[Any], Sequence[Reply]]) -> dict[str, dict[str, Any]]:
        video = talk if kind == "transcript" else silent
        servers = {name: sites.site("embedded", name).server for name in FAKES}
        prepared = {name: len(prepare(fake)) for name, fake in FAKES.items()}
        for name, fake in FAKES.items():
            services.of(name).requests.clear()
            services.of(name).queue_replies(*prepare(fake))
        ids = {name: server.submit(video, kind) for name, server in servers.items()}
        jobs = {name: server.follow(ids[name]) for name, server in servers.items()}
        for name, job in jobs.items():
            asked = [one for one in services.of(name).requests if "embed" not in one.path.lower()]
            assert len(asked) == prepared[name] + (job["status"] == "done"), name
        return jobs

    yield run
    for name in FAKES:
        services.of(name).queue.clear()


FINAL: dict[str, Callable[[Any], Sequence[Reply]]] = {
    "refused": lambda fake: [fake.refusal_reply() if fake is openai_server else fake.blocked_prompt_reply()],
    "provider_key_invalid": lambda fake: [fake.error_reply(401)],
    "answer_too_long": lambda fake: [fake.token_limit_reply(answer())] * 2,
}


@pytest.mark.parametrize(
    ("kind", "code"), [*(("recipe", code) for code in FINAL), ("transcript", "provider_key_invalid")]
)
def test_what_cannot_pass_fails_the_job(run: Run, sites: Sites, kind: str, code: str) -> None:
    """A refusal, a wrong key, an endless answer: the job fails at once, says where and why, and a retry is refused."""
    for provider, job in run(kind, FINAL[code]).items():
        assert job["status"] == "failed", provider
        error = job["error"]
        assert (error["code"], error["stage"], error["retryable"]) == (code, STAGES[kind], False), provider
        assert error["message"]
        assert code == "provider_key_invalid" or job["usage"]["tokensIn"] > 0, provider
        with sites.site("embedded", provider).server.client() as client:
            assert client.post(f"/v1/jobs/{job['id']}/retry").json()["code"] == "not_retryable"


PASSING: dict[str, Callable[[Any], Sequence[Reply]]] = {
    "a storm of 429": lambda fake: [fake.rate_limit_reply()] * 3,
    "bodies cut off": lambda fake: [fake.disconnect_reply(answer())] * 2,
    "confusion": lambda fake: [
        fake.rate_limit_reply(),
        fake.disconnect_reply(answer()),
        fake.rate_limit_reply(),
        fake.json_reply(invalid_answer()),
    ],
}


@pytest.mark.parametrize(
    ("kind", "trouble"), [*(("recipe", trouble) for trouble in PASSING), ("transcript", "a storm of 429")]
)
def test_what_passes_is_tried_again(run: Run, kind: str, trouble: str) -> None:
    """A service that is busy, breaks off or is confused at first gives its result in the end."""
    for provider, job in run(kind, PASSING[trouble]).items():
        assert job["status"] == "done", (provider, job["error"])
        assert job["usage"]["provider"] == provider
        if kind == "transcript":
            assert job["usage"]["audioSeconds"] == pytest.approx(SECONDS, abs=0.5)


def test_a_month_has_an_end(tmp_path: Path, silent: Path, services: Services) -> None:
    """One service stands in for the other; then the user's budget is used up, and the next job says so unpaid."""
    openai, gemini = services.openai, services.gemini
    given = services.environ() | {"AI_PROVIDER_RECIPE": "openai,gemini", "MONTHLY_BUDGET_USD": "0.0001"}
    with serving(tmp_path / "data", **given) as server:
        openai.queue_replies(openai_server.error_reply(500, retry_after="0.01"))
        gemini.queue_replies(gemini_server.json_reply(answer()))
        job = server.follow(server.submit(silent, "recipe"))
        assert job["status"] == "done", job["error"]
        assert job["usage"]["provider"] == "gemini"
        assert job["usage"]["notes"] == ["The provider openai was not available (provider_unavailable)."]
        before = len(openai.requests) + len(gemini.requests)
        job = server.follow(server.submit(silent, "recipe"))
        assert job["error"]["code"] == "budget_exceeded"
        assert len(openai.requests) + len(gemini.requests) == before


class Capricious(Listener):
    """Listens to everything but a sound that it does not like.

    Attributes:
        choosy: Whether it is to choose one: the first that it hears.
        disliked: The name of that sound; None until it has chosen one.
    """

    choosy = True
    disliked: str | None = None

    def listen(self, name: str) -> Reply | None:
        if self.choosy and self.disliked is None:
            self.disliked = name
        return openai_server.error_reply(500, retry_after="0.01") if name == self.disliked else None


@pytest.fixture(scope="module", autouse=True)
def lecture(tmp_path_factory: pytest.TempPathFactory, services: Services) -> Iterator[tuple[Server, str, Capricious]]:
    """A long sound that is being written down; begun first, so that the pauses between its attempts cost no time."""
    folder = tmp_path_factory.mktemp("lecture")
    long = bursts(folder / "lecture.flac", LONG_SEC)
    with Capricious() as openai:
        given = services.environ() | {"AI_PROVIDER": "openai", "OPENAI_BASE_URL": openai.base_url}
        with serving(folder / "data", **given) as server:
            yield server, server.submit(long, "transcript"), openai


def test_only_the_part_that_failed_is_listened_to_again(lecture: tuple[Server, str, Capricious]) -> None:
    """When one part of a long sound fails for good, the others are kept: a retry pays for that part alone."""
    server, job_id, openai = lecture
    job = server.follow(job_id)
    assert job["status"] == "failed"
    error = job["error"]
    assert (error["code"], error["stage"], error["retryable"]) == ("provider_unavailable", "transcribe", True)
    parts = job["stages"]["transcribe"]["parts"]
    assert parts >= 3
    assert "these words are made up" in job["video"]["transcript"]
    assert sorted(map(openai.listened.count, set(openai.listened)))[:-1] == [1] * (parts - 1)

    openai.choosy, failed, openai.disliked = False, openai.disliked, None
    openai.listened.clear()
    with server.client() as client:
        assert client.post(f"/v1/jobs/{job_id}/retry").status_code == 202
    job = server.follow(job_id)
    assert job["status"] == "done", job["error"]
    assert openai.listened == [failed]
    assert job["usage"]["audioSeconds"] == pytest.approx(LONG_SEC, rel=0.02)
    with server.client() as client:
        assert_said_once(client, job_id, openai.sounds)
