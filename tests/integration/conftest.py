"""Both local places, started as a user starts them, and a real video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.demo.video import render
from infra.emulated.emulators import Hosts
from tests.contract.emulated import need_emulators, running_emulators
from tests.hostile_server import HostileServer
from tests.running import Server, serving
from tests.videos import plain_video
from tests.web import Web, served_folder

OPTIONS = {"embedded": (), "emulated": ("--emulators",)}


@pytest.fixture(scope="session")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with served_folder(tmp_path_factory.mktemp("web")) as served:
        yield served


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
