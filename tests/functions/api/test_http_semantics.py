"""Methods, conditional requests and cross-origin headers, as HTTP defines them."""

from __future__ import annotations

import httpx
import pytest

from shared.pipeline.job_storage import MEDIA, media_name
from shared.settings import settings
from tests.api_site import FRONTEND, Site


@pytest.mark.parametrize("path", ["/", "/healthz", "/docs", "/openapi.json", "/v1/jobs", "/v1/kinds"])
def test_head_is_get_without_a_body(site: Site, path: str) -> None:
    """A monitor or link checker gets the status and headers of a page without its content."""
    head, get = site.client.head(path), site.client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers.get("content-length") == get.headers.get("content-length")


def test_head_of_a_stream_ends(site: Site) -> None:
    """HEAD of a job's events returns at once, although the stream of a waiting job goes on."""
    job = site.submit()
    head = site.client.head(f"/v1/jobs/{job['id']}/events", timeout=30)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


def test_head_of_a_missing_job_is_404(site: Site) -> None:
    """HEAD fails as GET does."""
    assert site.client.head("/v1/jobs/unknown").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/jobs", "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PATCH", "/v1/jobs/unknown", "DELETE, GET, HEAD"),
        ("GET", "/v1/uploads", "POST"),
        ("HEAD", "/v1/uploads", "POST"),
    ],
)
def test_allow_lists_every_method_of_the_path(site: Site, method: str, path: str, allow: str) -> None:
    """A client that used the wrong method learns all methods of the path."""
    answer = site.client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


def test_a_web_page_reads_names_and_tags(site: Site) -> None:
    """A frontend on another origin can read the file's name and its entity tag."""
    exposed = site.client.get("/healthz", headers={"Origin": FRONTEND}).headers["access-control-expose-headers"]
    assert {"Content-Disposition", "ETag"} <= set(exposed.split(", "))
    exposed = httpx.get(stored_link(site), headers={"Origin": FRONTEND}).headers["access-control-expose-headers"]
    assert {"Content-Disposition", "ETag"} <= set(exposed.split(", "))


@pytest.mark.parametrize("frontends", ["", "https://other.example"])
def test_a_preflight_names_the_setting(site: Site, frontends: str) -> None:
    """A developer whose origin is not allowed reads which setting allows it."""
    headers = {"Origin": "https://new.example", "Access-Control-Request-Method": "POST"}
    answer = site.client.options("/v1/jobs", headers=headers)
    assert not answer.is_success
    assert answer.json()["detail"] == "This origin is not allowed. Add it to FRONTEND_URL."


@pytest.mark.parametrize(
    ("header", "status"),
    [("{etag}", 304), ('"other", {etag}', 304), ("W/{etag}", 304), ("*", 304), ('"other"', 200), ("", 200)],
)
def test_unchanged_media_is_not_sent_again(site: Site, header: str, status: int) -> None:
    """An app that kept a thumbnail and its tag gets 304 instead of the same bytes."""
    link = stored_link(site)
    etag = httpx.get(link).headers["etag"]
    answer = httpx.get(link, headers={"If-None-Match": header.format(etag=etag)})
    assert (answer.status_code, answer.content) == (status, b"" if status == 304 else b"picture")
    assert answer.headers["etag"] == etag


def stored_link(site: Site) -> str:
    """The signed link of a stored thumbnail."""
    name = media_name("a" * 32, "thumbnail.jpg")
    site.place.place.objects.put(MEDIA, name, b"picture", "image/jpeg")
    return site.place.place.objects.signed_url(MEDIA, name, settings().signed_link_ttl_sec)
