"""Both local places, started as a user starts them, and a real video."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.demo.video import render
from infra.emulated.emulators import Hosts
from tests.contract.emulated import need_emulators, running_emulators
from tests.hostile_server import HostileServer
from tests.running import Server, serving
from tests.videos import plain_video


@dataclass(frozen=True)
class Web:
    folder: Path
    address: str


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are no news."""


OPTIONS = {"embedded": (), "emulated": ("--emulators",)}


@pytest.fixture(scope="session")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A well-behaved web server with one folder of files."""
    folder = tmp_path_factory.mktemp("web")
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Web(folder, f"127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session", params=sorted(OPTIONS))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, hostile: HostileServer, web: Web
) -> Iterator[Server]:
    """A server of either place, for all tests of the session."""
    if request.param == "emulated":
        need_emulators()
    data = tmp_path_factory.mktemp(request.param)
    with serving(
        data, *OPTIONS[request.param], ALLOW_HOSTS=f"{hostile.address},{web.address}", MAX_FILE_SIZE_MB="20"
    ) as server:
        yield server


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Emulators without functions."""
    with running_emulators(tmp_path_factory.mktemp("emulators")) as running:
        yield running


@pytest.fixture(scope="session")
def small_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_video(tmp_path_factory.mktemp("videos") / "plain.mp4")


@pytest.fixture(scope="session")
def cooking_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's video: on-screen text, subtitles, sound."""
    path = tmp_path_factory.mktemp("videos") / "cooking.mp4"
    render(path, lambda *_: None)
    return path
