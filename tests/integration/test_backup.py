"""A backup of a running server, restored as a new one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from infra.backup.archive import BackupError
from infra.backup.project import back_up_project, restore_project
from infra.runtimes.emulated.emulators import EmulatorHosts
from shared import clock
from shared.platform.gcp.place import open_gcp_place
from shared.platform.ports import Vector
from shared.settings import Settings
from tests.accounts import PASSWORD, Mailbox
from tests.server import CLIPWISE, serving, shows_end


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLIPWISE, *map(str, arguments)], capture_output=True, text=True, timeout=600)


def test_a_restored_server_goes_on(tmp_path: Path, talk: Path) -> None:
    """Jobs, results, media, accounts and questions of a running server work in the one that is restored from it."""
    data, restored, backup = tmp_path / "data", tmp_path / "restored", tmp_path / "clipwise.tar"
    credentials = {"username": "ann", "password": PASSWORD}
    with serving(data, AUTH_REQUIRED="true") as server, server.client() as client:
        client.post("/v1/auth/signup", json={**credentials, "email": "ann@example.com"})
        (token,) = Mailbox(data).tokens("verify", "ann@example.com")
        client.post("/v1/auth/verify-email", json={"token": token})
        access = client.post("/v1/auth/login", json=credentials).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {access}"
        with talk.open("rb") as file:
            form = {"files": {"file": ("talk.mp4", file, "video/mp4")}, "data": {"kind": "metadata"}}
            job_id = client.post("/v1/jobs", **form).json()["id"]
        with client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
            assert any(shows_end(line) for line in events.iter_lines())
        before = client.get(f"/v1/jobs/{job_id}").json()
        told = run("backup", backup, "--data", data)
        assert told.returncode == 0, told.stderr
        assert "secrets" in told.stderr
        again = run("backup", backup, "--data", data)
        assert (again.returncode, "exists" in again.stderr) == (2, True)
    told = run("restore", backup, "--data", restored)
    assert told.returncode == 0, told.stderr
    with serving(restored, AUTH_REQUIRED="true") as server, server.client() as client:
        # The session of before goes on, and the password still opens one.
        client.headers["Authorization"] = f"Bearer {access}"
        after = client.get(f"/v1/jobs/{job_id}").json()
        assert {name: after[name] for name in ("status", "result", "video")} == {
            name: before[name] for name in ("status", "result", "video")
        }
        login = client.post("/v1/auth/login", json=credentials)
        assert login.status_code == 200
        picture = client.get(f"/v1/jobs/{job_id}/media/thumbnail.jpg", follow_redirects=True)
        assert picture.headers["content-type"] == "image/jpeg"
        question = {"role": "user", "content": "What is said?"}
        answer = client.post("/v1/chat", json={"video_id": job_id, "messages": [question]})
        assert answer.status_code == 200, answer.text


@pytest.fixture
def projects(hosts: EmulatorHosts, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Settings]:
    """A project and an empty one, on the emulators."""
    for name, value in hosts.environ().items():
        monkeypatch.setenv(name, value)
    suffix = re.sub(r"\D", "", clock.now().isoformat())
    full, empty = f"full-{suffix}", f"empty-{suffix}"
    return tuple(  # type: ignore[return-value]  # two
        Settings(clipwise_place="gcp", google_cloud_project=name, bucket_prefix=hosts.bucket_prefix)
        for name in (full, empty)
    )


def test_a_project_is_restored_into_an_empty_one(projects: tuple[Settings, Settings], tmp_path: Path) -> None:
    """Documents with times and vectors, and objects with types, are the same after a restore that was interrupted."""
    full, empty = projects
    place, backup = open_gcp_place(full), tmp_path / "project.tar"
    documents = {f"id-{number}": {"at": clock.now(), "vector": Vector((1.0, 0.5)), "n": number} for number in range(7)}
    for id, data in documents.items():
        place.documents.put("jobs", id, data)
    place.objects.put("media", "a/thumbnail.jpg", b"picture" * 1000, "image/jpeg", {"made": "here"})
    back_up_project(full, backup, lambda done, note: None)
    with pytest.raises(BackupError, match="not empty"):
        restore_project(backup, full, lambda done, note: None)
    place.objects.delete_prefix("media", "")

    def interrupt(done: float, note: str) -> None:
        if note == "Writing objects":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_project(backup, empty, interrupt)
    restore_project(backup, empty, lambda done, note: None)
    restored = open_gcp_place(empty)
    assert {document.id: document.data for document in restored.documents.query("jobs").documents} == documents
    assert restored.documents.query("restores").documents == []
    info = restored.objects.stat("media", "a/thumbnail.jpg")
    assert info is not None
    assert (info.content_type, info.metadata) == ("image/jpeg", {"made": "here"})
    with restored.objects.open("media", "a/thumbnail.jpg") as stream:
        assert stream.read() == b"picture" * 1000
