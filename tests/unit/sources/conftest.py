"""A wish for one page, and sources that are watched."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins.apify_server import TOKEN, ApifyServer, actor_items
from shared.settings import Settings
from tests.hostile_server import HostileServer
from tests.video_samples import plain_video


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small real video."""
    return plain_video(tmp_path_factory.mktemp("video") / "video.mp4", seconds=1, width=64, height=48).read_bytes()


@pytest.fixture
def apify(video: bytes) -> Iterator[ApifyServer]:
    with ApifyServer(actor_items) as server:
        server.store_file("video.mp4", "video/mp4", video)
        yield server


@pytest.fixture
def settings(apify: ApifyServer) -> Settings:
    return Settings(apify_token=TOKEN, apify_base_url=apify.url, download_timeout_sec=20)


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as running:
        yield running


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Names resolve to this machine, as far as they are given; the others do not exist. Gives the names asked for."""

    def resolve(*names: str) -> list[str]:
        lookups: list[str] = []
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
            if host == "127.0.0.1":
                return real(host, port, *rest, **more)
            lookups.append(host)
            if host not in names:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return lookups

    return resolve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path
