"""`clipwise up --fake-ai` as a developer starts it: every kind, no key, nothing leaves the machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from infra.demo.recipe import recipe_differences
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from shared.analyses.kinds import kinds
from shared.analyses.recipe import Recipe
from tests.contract.emulated import need_emulators
from tests.integration.sites import OPTIONS
from tests.server import Server, eventually, serving

LINKS = {
    "recipe": "https://www.tiktok.com/@cook/video/7412345678901234567",
    "metadata": "https://www.instagram.com/reel/DAbCdEfGhIj/",
    "transcript": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
}


class Trap(StandInServer):
    """Nobody is to ask it anything."""

    def reply_to(self, asked: RecordedRequest) -> Reply:
        return Reply(status=500)


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    with Trap() as trap:
        yield trap


@pytest.fixture(scope="module", params=OPTIONS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, trap: Trap) -> Iterator[Server]:
    """On the machine of a developer who has keys, and a proxy for everything."""
    if request.param == "emulated":
        need_emulators()
    real = {
        "OPENAI_API_KEY": "sk-real",
        "OPENAI_BASE_URL": f"{trap.url}/v1",
        "GEMINI_API_KEY": "AIza-real",
        "GOOGLE_API_KEY": "AIza-real",
        "GOOGLE_GEMINI_BASE_URL": trap.url,
        "APIFY_TOKEN": "apify_real",
        "APIFY_BASE_URL": trap.url,
        "SOURCES": "http",
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), trap.url),
    }
    data = tmp_path_factory.mktemp(f"fake-{request.param}") / "data"
    given = real | {"AI_PROVIDER": "gemini", "AI_PROVIDER_SUMMARY": "openai"}
    with serving(data, "--fake-ai", *OPTIONS[request.param], **given) as server:
        yield server


def test_every_kind_is_shown_without_a_key(server: Server, trap: Trap, talk: Path) -> None:
    """Any file and any link become any kind; all of it is made up and says so, and no real service is asked."""
    ids = [server.submit(talk, kind) for kind in kinds()] + [
        server.submit_link(url, kind) for kind, url in LINKS.items()
    ]
    jobs = [server.follow(job_id) for job_id in ids]
    for job in jobs:
        assert job["status"] == "done", job["error"]
        assert job["usage"]["costUsd"] == 0
    uploaded, linked = jobs[: len(kinds())], jobs[len(kinds()) :]
    for job in uploaded:
        assert job["kind"] == "metadata" or "made up" in str(job["result"]).lower()
        assert job["kind"] == "metadata" or job["usage"]["model"] == "made-up"
    assert {job["kind"]: job["usage"]["provider"] for job in uploaded} == {
        "metadata": None, "recipe": "gemini", "reel": "gemini", "summary": "openai", "transcript": "gemini",
    }  # fmt: skip
    assert recipe_differences(Recipe.read(linked[0]["result"]), linked[0]["video"]["info"]["durationSec"]) == []
    assert {job["video"]["origin"]["source"] for job in linked} == {"apify"}
    assert all("made up" in (job["video"]["caption"] or job["video"]["title"]) for job in linked)
    assert trap.requests == []


def test_it_is_said_loudly_and_kept_apart(server: Server) -> None:
    """Nobody takes what is made up for real: the start says so, and the data folder for real jobs has none of it."""
    assert "ALL AI RESULTS ARE MADE UP" in server.logs()["data.log"]
    assert [path.name for path in server.data.iterdir()] == ["fake-ai"]


def test_it_goes_on_when_its_workers_die_and_ends_with_its_server(tmp_path: Path, talk: Path) -> None:
    """Workers that are killed are replaced and find the same stand-ins; when the server is killed nothing is left."""
    data = tmp_path / "data"
    with serving(data, "--fake-ai", AI_PROVIDER="openai") as server:
        assert server.follow(server.submit(talk, "transcript"))["status"] == "done"
        first = eventually(lambda: workers(data))
        for process in first:
            os.kill(process, signal.SIGKILL)
        assert server.follow(server.submit(talk, "transcript"))["status"] == "done"
        url = next(iter(first.values()))["OPENAI_BASE_URL"]
        assert {environ["OPENAI_BASE_URL"] for environ in workers(data).values()} == {url}
        assert answers(url)
        server.kill()
    assert not answers(url)
    eventually(lambda: not workers(data))


def workers(data: Path) -> dict[int, dict[str, str]]:
    """The environments of the programs that work on what is made up, by process."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            lines = (process / "environ").read_bytes().decode(errors="replace").split("\0")
            environ = dict(line.partition("=")[::2] for line in lines)
            if environ.get("CLIPWISE_DATA") == str(data / "fake-ai"):
                found[int(process.name)] = environ
    return found


def answers(url: str) -> bool:
    with suppress(httpx.ConnectError):
        return httpx.get(url, trust_env=False).status_code > 0
    return False
