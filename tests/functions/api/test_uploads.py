"""POST /v1/uploads: bytes that go straight to storage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared import clock
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.sweep import sweep
from tests.api_site import FRONTEND, MP4, Site

WISH = {"filename": "soup.mp4", "content_type": "video/mp4", "size": len(MP4), "kind": "metadata"}


def start(site: Site, **changed: Any) -> httpx.Response:
    return site.client.post("/v1/uploads", json=WISH | changed)


def test_the_ticket_says_all_that_a_client_needs(site: Site) -> None:
    """The answer names the job, the link, the method, headers and the time, and two of them by old names."""
    answer = start(site)

    ticket = answer.json()
    assert answer.status_code == 201
    assert set(ticket) == {"job", "uploadUrl", "method", "headers", "expiresAt", "upload_url", "expires_at"}
    assert ticket["method"] == "PUT"
    assert ticket["headers"]["Content-Type"] == "video/mp4"
    assert datetime.fromisoformat(ticket["expires_at"]) > datetime.now(UTC) + timedelta(hours=23)
    upload = ticket["job"]["upload"]
    assert (upload["state"], upload["size"], upload["contentType"]) == ("waiting", len(MP4), "video/mp4")
    assert answer.headers["location"] == f"/v1/jobs/{ticket['job']['id']}"


def test_the_bytes_start_the_job(site: Site) -> None:
    """Once the bytes are there, whole or in parts, the job goes on by itself and its upload is received."""
    ticket = start(site).json()
    job_id = ticket["job"]["id"]
    half = len(MP4) // 2
    first = {"Content-Range": f"bytes 0-{half - 1}/{len(MP4)}"}
    rest = {"Content-Range": f"bytes {half}-{len(MP4) - 1}/{len(MP4)}"}

    assert httpx.put(ticket["upload_url"], content=MP4[:half], headers=ticket["headers"] | first).status_code == 308
    assert httpx.put(ticket["upload_url"], content=MP4[half:], headers=ticket["headers"] | rest).status_code == 200

    with site.place.place.objects.open(UPLOADS, source_name(job_id)) as stored:
        assert stored.read() == MP4
    site.work()
    job = site.client.get(f"/v1/jobs/{job_id}").json()
    assert job["upload"]["state"] == "received"
    assert job["status"] == "failed"  # what came is no video; see tests/security for those


def test_bytes_that_never_come_are_not_waited_for_ever(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload that was only started expires, and its job says so."""
    ticket = start(site).json()
    later = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(site.place.place)

    job = site.client.get(f"/v1/jobs/{ticket['job']['id']}").json()
    assert (job["status"], job["upload"]["state"], job["error"]["code"]) == ("failed", "expired", "upload_expired")
    assert httpx.put(ticket["upload_url"], content=MP4, headers=ticket["headers"]).status_code in (404, 410)


def test_bytes_that_come_after_the_job_was_deleted(site: Site) -> None:
    """Who deletes a job while its upload is still open keeps nothing here, however late the bytes come."""
    ticket = start(site).json()
    site.client.delete(f"/v1/jobs/{ticket['job']['id']}")
    httpx.put(ticket["upload_url"], content=MP4, headers=ticket["headers"])
    site.work()

    assert site.jobs() == []
    assert site.blobs() == []


def test_a_cancelled_upload_ends_its_job(site: Site) -> None:
    """A client that cancels its upload at the storage leaves no job that waits for the bytes."""
    ticket = start(site).json()
    half = {"Content-Range": f"bytes 0-9/{len(MP4)}"}
    assert httpx.put(ticket["upload_url"], content=MP4[:10], headers=half).status_code == 308
    assert httpx.delete(ticket["upload_url"]).status_code == 499

    job = site.client.get(f"/v1/jobs/{ticket['job']['id']}").json()
    assert (job["status"], job["upload"]["state"], job["error"]) == ("cancelled", "cancelled", None)
    assert job["endedAt"]
    assert site.blobs() == []


def test_repeated_requests_do_not_pile_up_sessions(site: Site) -> None:
    """A request that is repeated for ever has a few sessions at a time; the job waits while one of them is left."""
    tickets = [site.client.post("/v1/uploads", json=WISH, headers={"Idempotency-Key": "same"}).json() for _ in range(6)]
    assert len({ticket["job"]["id"] for ticket in tickets}) == 1
    urls = [ticket["upload_url"] for ticket in tickets]
    query = {"Content-Range": f"bytes */{len(MP4)}"}
    assert [httpx.put(url, headers=query).status_code for url in urls] == [404, 404, 404, 308, 308, 308]
    assert len(site.blobs()) == 3
    assert [httpx.delete(url).status_code for url in urls[3:5]] == [499, 499]
    assert site.jobs()[0]["status"] == "queued"
    assert httpx.put(urls[5], content=MP4).status_code == 200


def test_cancelling_a_finished_upload_changes_nothing(site: Site) -> None:
    """A client that cancels an upload whose bytes have all arrived does not end the job."""
    ticket = start(site).json()
    assert httpx.put(ticket["upload_url"], content=MP4).status_code == 200
    assert httpx.delete(ticket["upload_url"]).status_code == 499
    assert site.jobs()[0]["status"] == "queued"


def test_bytes_that_come_after_the_job_was_cancelled(site: Site) -> None:
    """Bytes for a job that ended long ago are not kept beyond its retention."""
    site.configure(SOURCE_RETENTION_HOURS="0")
    ticket = start(site).json()
    site.client.post(f"/v1/jobs/{ticket['job']['id']}/cancel")
    sweep(site.place.place)
    httpx.put(ticket["upload_url"], content=MP4, headers=ticket["headers"])
    site.work()

    (job,) = site.jobs()
    assert job["status"] == "cancelled"
    assert site.blobs() == []


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("video/webm;codecs=vp9,opus", "video/webm"),
        ("VIDEO/QuickTime", "video/quicktime"),
        ("audio/x-m4a", "audio/mp4"),
        ("application/octet-stream", "application/octet-stream"),
    ],
)
def test_types_as_browsers_write_them(site: Site, declared: str, kept: str) -> None:
    """Parameters, other case and the names that browsers use are understood; no claim is no mistake."""
    ticket = start(site, content_type=declared).json()

    assert ticket["job"]["upload"]["contentType"] == kept


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"size": 1_000_001}, 413, "too_large"),
        ({"size": 10**30}, 413, "too_large"),
        ({"size": 0}, 422, "invalid_request"),
        ({"size": -1}, 422, "invalid_request"),
        ({"content_type": "image/jpeg"}, 415, "unsupported_media"),
        ({"content_type": ""}, 415, "unsupported_media"),
        ({"kind": "poem"}, 422, "unknown_kind"),
        ({"color": "red"}, 422, "invalid_request"),
    ],
)
def test_what_cannot_work_is_refused_at_once(site: Site, changed: dict[str, Any], status: int, code: str) -> None:
    """Nobody sends a hundred megabytes to learn that they are not wanted."""
    answer = start(site, **changed)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert site.jobs() == []
    assert site.blobs() == []


def test_a_frontend_may_send_the_bytes_from_the_browser(site: Site) -> None:
    """The page that started an upload may also send it, though the storage lies elsewhere."""
    answer = site.client.post("/v1/uploads", json=WISH, headers={"Origin": FRONTEND})
    asked = {"Origin": FRONTEND, "Access-Control-Request-Method": "PUT"}
    preflight = httpx.options(answer.json()["upload_url"], headers=asked)

    assert answer.headers["access-control-allow-origin"] == FRONTEND
    assert preflight.headers["access-control-allow-origin"] == FRONTEND
    assert "PUT" in preflight.headers["access-control-allow-methods"]
