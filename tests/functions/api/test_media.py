"""GET /v1/jobs/{id}/media/{name}."""

from __future__ import annotations

import json
from datetime import timedelta
from http.client import HTTPConnection

import httpx
import pytest

from shared import clock
from shared.pipeline.job_storage import MEDIA, media_name
from tests.api_site import Site


def job_with_frame(site: Site, name: str = "frames/03.jpg") -> str:
    job_id = str(site.submit(f"https://example.com/{name}")["id"])
    site.place.place.objects.put(MEDIA, media_name(job_id, name), b"picture", "image/jpeg")
    return job_id


def test_a_frame_is_a_short_lived_link(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is reached by a link that needs no token, says what it is, and stops working soon."""
    job_id = job_with_frame(site)
    answer = site.client.get(f"/v1/jobs/{job_id}/media/frames/03.jpg")

    assert answer.status_code == 307
    assert answer.headers["cache-control"] == "no-store"
    picture = httpx.get(answer.headers["location"])
    assert (picture.content, picture.headers["content-type"]) == (b"picture", "image/jpeg")
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert httpx.get(answer.headers["location"]).status_code == 410


@pytest.mark.parametrize(
    "name",
    [
        "frames/04.jpg",
        "frames",
        "frames/",
        "../{other}/frames/03.jpg",
        "..%2f{other}%2fframes%2f03.jpg",
        "frames/../../{other}/frames/03.jpg",
        "%2e%2e/{other}/frames/03.jpg",
        "/frames/03.jpg",
        "frames//03.jpg",
        "./frames/03.jpg",
        "frames\\03.jpg",
        "frames/03.jpg%00",
        "x" * 5000,
    ],
)
def test_only_what_belongs_to_the_job(site: Site, name: str) -> None:
    """A name that is not there, or that tries to leave the job's folder, is not found."""
    other = job_with_frame(site, "frames/07.jpg")
    job_id = job_with_frame(site)
    # Most clients would tidy the path up before sending it.
    connection = HTTPConnection(httpx.URL(site.url).netloc.decode())
    connection.request("GET", f"/v1/jobs/{job_id}/media/{name.format(other=other)}")
    with connection.getresponse() as answer:
        assert (answer.status, json.load(answer)["code"]) == (404, "not_found")
    connection.close()
