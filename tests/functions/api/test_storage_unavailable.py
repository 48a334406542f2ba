"""A database that is locked, and a disk that is full: clients learn when to come back, and jobs go on afterwards."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any

import pytest

from shared.error_codes.registry import CODES
from shared.platform.embedded import database
from shared.platform.embedded.object_catalog import BlobStore
from tests.api_site import Site

UPLOAD = {"content_type": "video/mp4", "size": 6, "kind": "metadata", "filename": "a.mp4"}


def test_a_locked_database_is_503(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program holds the database, requests say when to come back; then they work again."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SEC", 0.05)
    site.place.database.close()
    other = sqlite3.connect(site.place.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = site.client.post("/v1/uploads", json=UPLOAD)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_busy")
    assert int(answer.headers["Retry-After"]) > 0
    other.execute("ROLLBACK")
    other.close()
    assert site.client.post("/v1/uploads", json=UPLOAD).status_code == 201


def test_a_full_disk_is_507(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a full disk a client is told to free some space, in the API and in an upload, which then goes on."""
    client = site.client
    url = client.post("/v1/uploads", json=UPLOAD).json()["upload_url"]
    with monkeypatch.context() as full:

        def fail(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(BlobStore, "_new_path", fail)
        full.setattr(BlobStore, "path", fail)
        for answer in (client.post("/v1/uploads", json=UPLOAD), client.put(url, content=b"abcdef")):
            assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
            assert "Free some space" in answer.json()["detail"]
            assert int(answer.headers["Retry-After"]) > 0
    assert client.put(url, content=b"abcdef").status_code == 200
    assert CODES["storage_full"].retry


def test_an_absurd_size_ends_the_job_too(site: Site) -> None:
    """A client that sends more than it announced finds its job failed with a sentence, not waiting for a day."""
    client = site.client
    for total in ("7", "9" * 30):
        started = client.post("/v1/uploads", json=UPLOAD).json()
        headers = {"Content-Range": f"bytes 0-2/{total}"}
        answer = client.put(started["upload_url"], content=b"abc", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        job = client.get(f"/v1/jobs/{started['job']['id']}").json()
        assert (job["status"], job["error"]["code"]) == ("failed", "upload_expired")
        assert "exceeds the 6 bytes" in job["error"]["message"]


def test_a_server_without_memory_is_503(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for which there is no memory left is told to come back; the next one is served."""
    with monkeypatch.context() as full:

        def fail(*_: Any, **__: Any) -> None:
            raise MemoryError

        full.setattr(database.Database, "transaction", fail)
        answer = site.client.post("/v1/uploads", json=UPLOAD)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
    assert site.client.post("/v1/uploads", json=UPLOAD).status_code == 201
