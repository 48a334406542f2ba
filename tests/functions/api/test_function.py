"""The API as the function host runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from functions_framework.aio import create_asgi_app

from tests.api_site import MP4, Site
from tests.contract.served import served

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "functions" / "api" / "main.py"


@pytest.fixture
def function(site: Site) -> httpx.Client:
    """A client of the function behind the framework's own ASGI application; `site` gives the platform."""
    with served(create_asgi_app("api", str(SOURCE)), "") as url, httpx.Client(base_url=url) as client:
        yield client


def test_the_function_answers_as_the_application_does(site: Site, function: httpx.Client) -> None:
    """Through the framework, links and files become jobs, and what they became can be seen."""
    link = function.post("/v1/jobs", json={"url": "https://example.com/a.mp4", "kind": "metadata"})
    file = function.post("/v1/jobs", files={"file": ("a.mp4", MP4)}, data={"kind": "recipe"})

    assert (link.status_code, file.status_code) == (202, 202)
    listed = function.get("/v1/jobs").json()["jobs"]
    assert [job["id"] for job in listed] == [file.json()["id"], link.json()["id"]]
    assert function.get("/").json()["message"]
    assert function.delete(f"/v1/jobs/{file.json()['id']}").status_code == 204


def test_errors_keep_their_form(function: httpx.Client) -> None:
    """The framework neither swallows nor rewrites problem objects."""
    missing = function.get("/v1/jobs/0")
    large = function.post("/v1/jobs", files={"file": ("a.mp4", bytes(3_000_000))}, data={"kind": "recipe"})

    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


def test_a_fault_is_logged_once(
    site: Site, function: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error ends in the application: the framework, which would log it again, never sees it."""

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(site.place.place.documents), "query", break_down)
    answer = function.get("/v1/jobs")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert len([record for record in caplog.records if "broken" in record.getMessage() or record.exc_info]) == 1


def test_events_stream_through_the_framework(site: Site, function: httpx.Client) -> None:
    """Server-sent events come as they happen, not all at the end."""
    job_id = site.submit()["id"]
    with function.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        data = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data:"))
        assert next(data)["status"] == "queued"
        function.post(f"/v1/jobs/{job_id}/cancel")
        assert next(data)["status"] == "cancelled"


def test_nothing_is_connected_or_heavy_at_import(tmp_path: Path) -> None:
    """A cold start loads no media library and opens no database before the first request."""
    program = (
        "import sys, functions.api.main as main; main.application();"
        "print([name for name in ('av', 'cv2', 'numpy', 'onnxruntime', 'rapidocr', 'httpcore2', 'httpx', 'sqlite3',"
        " 'google.cloud.firestore') if name in sys.modules])"
    )
    environ = {"PYTHONPATH": str(ROOT), "CLIPWISE_DATA": str(tmp_path / "data"), "PATH": ""}
    loaded = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "[]"
    assert not (tmp_path / "data").exists()
