"""Errors as clients get them."""

from __future__ import annotations

import logging
import re
import socket
from typing import Any

import httpx
import pytest

from shared.logs import PlainFormatter
from tests.api_site import FRONTEND, Site


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert isinstance(problem["detail"], str)
    assert problem["detail"]
    assert isinstance(problem["title"], str)


def test_an_address_that_is_not_there(site: Site) -> None:
    """A wrong path is a problem object too, and says where to look."""
    assert_problem(site.client.get("/v2/jobs"), 404, "not_found")


def test_a_method_that_is_not_there(site: Site) -> None:
    """A wrong method is a problem object too, with the header that tells the right one."""
    answer = site.client.put("/v1/uploads")

    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_a_preflight_that_fails_names_the_setting(site: Site) -> None:
    """A frontend whose origin is not allowed learns which variable allows it, not that a method is missing."""
    answer = site.client.options("/v1/uploads", headers={"Origin": "https://elsewhere.example"})

    assert_problem(answer, 405, "method_not_allowed")
    assert answer.json()["detail"] == "This origin is not allowed. Add it to FRONTEND_URL."


def test_a_body_in_another_encoding(site: Site) -> None:
    """A body that is not UTF-8 is a problem object that names the encoding to send."""
    headers = {"Content-Type": "application/json"}
    answer = site.client.post("/api/v1/jobs", content='{"name": "é"}'.encode("latin-1"), headers=headers)

    assert_problem(answer, 400, "bad_request")
    assert "UTF-8" in answer.json()["detail"]


def test_a_wrong_field_is_named(site: Site) -> None:
    """A validation error is one sentence that names the field, and a list when there are several."""
    answer = site.client.post("/v1/jobs", json={"language": "klingon!", "colour": 1, "kind": "recipe"})

    assert_problem(answer, 422, "invalid_request")
    assert {error["field"] for error in answer.json()["errors"]} == {"url", "language", "colour"}
    assert "2 more" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/chat", {"video_id": "nope", "messages": [{"role": "user", "content": "Why?"}]}, "video_id"),
        ("GET", "/v1/webhooks/nope", None, "webhook_id"),
    ],
)
def test_a_malformed_id_is_not_answered_with_a_pattern(
    site: Site, method: str, path: str, body: dict[str, Any] | None, field: str
) -> None:
    """A user who mistypes an id reads that it is not an id, not a regular expression."""
    answer = site.client.request(method, path, json=body)

    assert_problem(answer, 422, "invalid_request")
    expected = f"The field “{field}” is not a valid id. Copy the id from a response of this server."
    assert answer.json()["detail"] == expected


@pytest.mark.parametrize("path", ["/v1/jobs", "/api/videos/"], ids=["native", "earlier system"])
@pytest.mark.parametrize(("fault", "sentence"), [(RuntimeError, "failed unexpectedly"), (TypeError, "has a bug")])
def test_what_goes_wrong_inside_stays_inside(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    fault: type[Exception],
    sentence: str,
) -> None:
    """A fault of ours is a sentence with an incident for the client, and the traceback in the log has that incident."""

    def break_down(*_: Any, **__: Any) -> Any:
        raise fault("secret at /var/lib/clipwise")

    monkeypatch.setattr(type(site.place.place.documents), "query", break_down)
    caplog.handler.setFormatter(PlainFormatter())
    with caplog.at_level(logging.ERROR):
        answer = site.client.get(path, headers={"Origin": FRONTEND})

    assert_problem(answer, 500, "internal")
    assert answer.json().keys() == {"code", "detail", "status", "title"}
    assert "secret" not in answer.text
    assert "/var" not in answer.text
    assert len([record for record in caplog.records if record.exc_info]) == 1
    incident = re.search(sentence + r" \(incident ([0-9a-f]{8})\)", answer.json()["detail"])
    assert incident is not None
    assert f"incident={incident[1]}" in caplog.text
    # Without this header the frontend's own code could not read what went wrong.
    assert answer.headers["access-control-allow-origin"] == FRONTEND


def test_the_request_trace_is_kept(site: Site) -> None:
    """A job carries the trace of the request that made it, so that its logs can be found."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {"url": "https://example.com/a.mp4", "kind": "metadata"}
    job = site.client.post("/v1/jobs", json=body, headers={"traceparent": trace}).json()
    stored = site.place.place.documents.get("jobs", job["id"])

    assert stored is not None
    assert stored.data["trace"] == trace


def test_a_client_that_hangs_up_leaves_nothing(site: Site) -> None:
    """A request that breaks off in the middle makes no job and leaves no temporary file."""
    url = httpx.URL(site.url)
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\nhalf'
    )
    with socket.create_connection((url.host, url.port or 80)) as connection:
        connection.sendall(head.encode())

    assert site.client.get("/healthz").status_code == 200
    assert site.jobs() == []
    assert list(site.temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("request_line", "body", "sentence"),
    [
        (
            ("POST", "/v1/webhooks"),
            {"url": "https://example.com/", "events": ["job.done", "job.started"]},
            "Item 2 of “events” is invalid: ",
        ),
        (("GET", "/v1/search?q=salt&origin=smell"), None, "Item 1 of “origin” is invalid: "),
        (
            ("POST", "/v1/chat"),
            {"video_id": "0" * 32, "messages": [{"role": "user"}]},
            "The field “content” of item 1 of “messages” is missing. Add it.",
        ),
    ],
)
def test_people_count_items_from_one(
    site: Site, request_line: tuple[str, str], body: dict[str, Any] | None, sentence: str
) -> None:
    """The sentence about an item of a list has no index of a programmer's; the path for programs keeps it."""
    answer = site.client.request(*request_line, json=body)

    assert_problem(answer, 422, "invalid_request")
    assert answer.json()["detail"].startswith(sentence)
    assert re.search(r"\.\d", answer.json()["errors"][0]["field"])


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_people_get_a_page_and_programs_an_object(site: Site) -> None:
    """Whoever opens an export's link too early reads a page in their browser; its status and code are the same."""
    path = f"/v1/jobs/{site.submit(kind='recipe')['id']}/export?format=md"
    page, problem = site.client.get(path, headers=BROWSER), site.client.get(path)

    assert_problem(problem, 409, "not_done")
    assert (page.status_code, page.headers["content-type"]) == (409, "text/html; charset=utf-8")
    assert "Accept" in page.headers["vary"]
    assert "Wait until it is done." in page.text
    assert '<html lang="en">' in page.text
    assert f'href="{site.url}/"' in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert int(page.headers["content-length"]) == len(page.content)
    head = site.client.head(path, headers=BROWSER)
    assert (head.status_code, head.content) == (409, b"")


def test_a_page_about_an_error_is_text(site: Site) -> None:
    """What a stranger's link puts into an error runs nothing in the browser that opens it."""
    job_id = site.submit()["id"]
    page = site.client.get(f"/v1/jobs/{job_id}/export", params={"format": "<script>x"}, headers=BROWSER)

    assert page.status_code == 422
    assert "<script" not in page.text
    assert "&lt;script&gt;x" in page.text
