"""The stand-in for Cloud Run's front end: requests above its limit never reach the function."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from infra.runtimes.emulated.front import RequestLimit
from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from infra.runtimes.emulated.serve import front_command
from shared.wiring import wiring
from tests.patience import PATIENCE_SEC

LIMIT = 100


@pytest.fixture
def client() -> TestClient:
    async def size(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    return TestClient(RequestLimit(Starlette(routes=[Route("/", size, methods=["POST"])]), LIMIT))


def in_pieces(total: int) -> Iterator[bytes]:
    """A body without a declared length."""
    for _ in range(total // 10):
        yield b"x" * 10


@pytest.mark.parametrize("make", [lambda total: b"x" * total, in_pieces])
def test_a_request_within_the_limit_passes(client: TestClient, make: object) -> None:
    """What Cloud Run lets through reaches the function unchanged, declared or in pieces."""
    assert client.post("/", content=make(LIMIT)).text == str(LIMIT)  # type: ignore[operator]


@pytest.mark.parametrize("make", [lambda total: b"x" * total, in_pieces])
def test_a_larger_request_gets_googles_page(client: TestClient, make: object) -> None:
    """A client meets the page that it would meet in the cloud: no JSON, no code."""
    answer = client.post("/", content=make(LIMIT + 10))  # type: ignore[operator]
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/html")
    assert "Too Large" in answer.text


def test_the_front_serves_a_function(tmp_path: Path) -> None:
    """The command of the emulated place serves the sources in its folder behind the real limit."""
    (tmp_path / "main.py").write_text(
        "import functions_framework.aio\n\n\n"
        "@functions_framework.aio.http\nasync def api(request):\n    return str(len(await request.body()))\n"
    )
    port = free_port()
    command = front_command(wiring().functions["api"], "127.0.0.1", port)
    assert command[0] == sys.executable
    with run_guarded(command, tmp_path / "log", folder=tmp_path) as process:
        process.wait_for_port(port, PATIENCE_SEC)
        url = f"http://127.0.0.1:{port}/"
        assert httpx.post(url, content=b"x" * 1000, timeout=PATIENCE_SEC).text == "1000"
        sizes = [32 * 1024 * 1024, 32 * 1024 * 1024 + 1]
        statuses = [httpx.post(url, content=b"x" * size, timeout=PATIENCE_SEC).status_code for size in sizes]
        assert statuses == [200, 413]
