"""The API and the storage behind one real HTTP server on loopback, over a data folder of each test's own.

No workers run: `Site.work` does what they would, in the test's own thread, until nothing is left to do.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from functions.api.app import create_app
from infra.runtimes.embedded.serve import create_storage_app
from infra.runtimes.embedded.workers import load_function
from shared.errors import RetryLater
from shared.models.job import Job
from shared.pipeline.jobs import change_job
from shared.platform.accounts import User
from shared.platform.embedded.bus import to_cloud_event
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.identity import current_identity, reset_identity
from shared.platform.place import use_place
from shared.settings import Settings, settings
from tests.contract.served import served
from tests.server import UNLIMITED

FRONTEND = "https://app.example"
# Bytes that begin as an MP4 file does; enough for whoever only looks at the beginning.
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(2000)


def verify(token: str) -> User:
    """Accounts for tests: the token `token-NAME` is NAME's; others are those of the test's own accounts."""
    return User(token.removeprefix("token-")) if token.startswith("token-") else current_identity().verify_token(token)


@dataclass
class Site:
    """One test's installation.

    Attributes:
        client: For HTTP requests; does not follow redirects.
        temporary: Where this process puts temporary files meanwhile.
    """

    url: str
    client: httpx.Client
    place: EmbeddedPlace
    temporary: Path
    _environ: pytest.MonkeyPatch

    def configure(self, **environ: str) -> None:
        """Change settings for the rest of the test."""
        for name, value in environ.items():
            self._environ.setenv(name, value)
        settings.cache_clear()

    def submit(self, url: str = "https://example.com/a.mp4", kind: str = "metadata", **more: Any) -> dict[str, Any]:
        answer = self.client.post("/v1/jobs", json={"url": url, "kind": kind} | more)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def send(self, content: bytes = MP4, kind: str = "metadata", name: str = "a.mp4", **headers: str) -> httpx.Response:
        return self.client.post("/v1/jobs", files={"file": (name, content)}, data={"kind": kind}, headers=headers)

    def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("/v1/jobs", params={"limit": 100}).json()["jobs"]
        return found

    def change(self, job_id: str, **fields: Any) -> None:
        """Write to the job document as a stage would."""

        def change(job: Job) -> bool:
            for name, value in fields.items():
                setattr(job, name, value)
            return True

        change_job(self.place.place.documents, job_id, change)

    def work(self) -> None:
        """Run all deliveries there are, and those that follow from them; a refused one comes back at once."""
        queue = self.place.queue
        while delivery := queue.claim(lease_sec=600):
            try:
                load_function(delivery.function)(to_cloud_event(delivery))
            except RetryLater:
                queue.refuse(delivery, 0)
            except Exception:
                queue.refuse(delivery, 0)
            else:
                queue.acknowledge(delivery)

    def blobs(self) -> list[Path]:
        """All bytes of objects and of unfinished uploads that are on disk."""
        return [path for path in (settings().clipwise_data / "blobs").rglob("*") if path.is_file()]


class _Server:
    """One server for all tests; the storage it shows is that of the current test."""

    place: EmbeddedPlace | None = None

    async def storage(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.place is not None
        await create_storage_app(self.place)(scope, receive, send)


@pytest.fixture(scope="session")
def api_server() -> Iterator[tuple[str, _Server]]:
    server = _Server()
    with _environment(FRONTEND_URL=FRONTEND):
        app = create_app(verify)
    app.mount("/storage", server.storage)
    with served(app, "") as url:
        yield url, server


@pytest.fixture(scope="session")
def empty_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's data folder as it is made: creating all tables takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty") / "data"
    open_embedded_place(Settings(clipwise_data=folder)).database.close()
    return folder


@pytest.fixture
def site(
    api_server: tuple[str, _Server], empty_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    url, server = api_server
    shutil.copytree(empty_data, tmp_path / "data")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    environ = {
        "CLIPWISE_DATA": str(tmp_path / "data"),
        "AUTH_REQUIRED": "false",
        "PUBLIC_URL": url,
        "FRONTEND_URL": FRONTEND,
        "MAX_FILE_SIZE_MB": "1",
        "API_MAX_FILE_SIZE_MB": "1",
        **UNLIMITED,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    server.place = open_embedded_place(settings())
    reset_identity()
    with use_place(server.place.place), httpx.Client(base_url=url) as client:
        yield Site(url, client, server.place, temporary, monkeypatch)
    server.place.database.close()
    monkeypatch.undo()
    settings.cache_clear()


@contextmanager
def _environment(**environ: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environ)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def events(text: str) -> list[dict[str, str]]:
    """Server-sent events as dicts of their fields, comments left out."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        fields = dict(line.split(": ", 1) for line in lines)
        if "data" in fields:
            found.append(fields)
    return found
