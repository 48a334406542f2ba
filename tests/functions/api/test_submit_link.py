"""POST /v1/jobs with a link."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.api.schemas import JobRequest
from shared.errors import Conflict
from shared.models.job import Job, JobStatus
from shared.pipeline import idempotency as once
from shared.pipeline.job_storage import JOBS
from shared.pipeline.jobs import read_job
from tests.api_site import Site

CLIENTS = 20


def test_a_link_becomes_a_job(site: Site) -> None:
    """Who sends a link gets a job that waits for its download, in the language of the server."""
    answer = site.client.post("/v1/jobs", json={"url": "https://example.com/soup.mp4", "kind": "recipe"})

    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["status"], job["progress"], job["url"]) == ("queued", 0, "https://example.com/soup.mp4")
    assert list(job["stages"]) == ["download", "extract", "transcribe", "analyze", "persist"]
    assert job["language"] == "en"
    assert site.place.queue.depth() == {"download": 1}


def test_the_machinery_stays_inside(site: Site) -> None:
    """A job shows its owner nothing of leases, outbox and wake times."""
    job = site.submit()

    assert not {"owner", "outbox", "wakeAt", "trace"} & job.keys()
    assert all("lease" not in stage for stage in job["stages"].values())


@pytest.mark.parametrize(
    ("given", "kept"),
    [("de", "de"), ("PT-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("sl-rozaj-biske", "sl-rozaj-biske")],
)
def test_languages_are_written_as_usual(site: Site, given: str, kept: str) -> None:
    """However a language tag is spelled, the job has it in the usual case."""
    assert site.submit(language=given)["language"] == kept


VALUES: dict[str, Any] = {
    "kind": "recipe",
    "language": "de",
    "options": {"servings": 4},
    "keep_source": True,
    "title": "Soup",
    "description": "From Ann",
    "tags": ["winter"],
}


def test_every_field_of_a_request_reaches_the_job(site: Site) -> None:
    """A field that the API accepts is not dropped: the stored job has it. A new field needs a value here."""
    fields = JobRequest.model_fields.keys() & Job.model_fields.keys()
    assert fields == VALUES.keys()
    job = read_job(site.place.place.documents, site.submit(**VALUES)["id"])
    assert job is not None
    assert {name: getattr(job, name) for name in fields} == VALUES


def test_options_are_kept(site: Site) -> None:
    """Plain options come back as they were given."""
    options = {"servings": 4, "strict": True, "note": "mild", "factor": 1.5, "nothing": None}

    assert site.submit(options=options)["options"] == options


@pytest.mark.parametrize(
    "twin",
    ["https://EXAMPLE.com:443/a.mp4", "https://example.com/a.mp4#t=10", "https://example.com/x/../a.mp4?utm_source=x"],
)
def test_one_active_job_per_link(site: Site, twin: str) -> None:
    """While a job is active, the same link in another spelling leads to it."""
    assert site.submit(twin)["id"] == site.submit("https://example.com/a.mp4")["id"]


def test_another_kind_is_another_job(site: Site) -> None:
    """The same link can be looked at in two ways at once."""
    assert site.submit(kind="metadata")["id"] != site.submit(kind="recipe")["id"]


def test_an_ended_job_is_no_obstacle(site: Site) -> None:
    """When its job has ended, a link can be submitted again."""
    first = site.submit()
    site.client.post(f"/v1/jobs/{first['id']}/cancel")

    assert site.submit()["id"] != first["id"]


def test_users_do_not_share_jobs(site: Site) -> None:
    """Two users who send the same link get a job each."""
    site.configure(AUTH_REQUIRED="true")
    ids = set()
    for name in ("ann", "ben"):
        site.client.headers["Authorization"] = f"Bearer token-{name}"
        ids.add(site.submit()["id"])

    assert len(ids) == 2


def submit_together(site: Site, **headers: str) -> list[dict[str, Any]]:
    """The same request from many clients that start at the same moment."""
    together = threading.Barrier(CLIENTS)

    def submit(_: int) -> dict[str, Any]:
        together.wait()
        body = {"url": "https://example.com/a.mp4", "kind": "recipe"}
        answer = site.client.post("/v1/jobs", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(submit, range(CLIENTS)))


def test_twenty_at_once_without_a_key(site: Site) -> None:
    """Twenty impatient taps on one button make one job."""
    assert len({job["id"] for job in submit_together(site)}) == 1
    assert len(site.jobs()) == 1


def test_twenty_at_once_with_one_key(site: Site) -> None:
    """Twenty copies of one request, as a shaky network makes them, are one job."""
    assert len({job["id"] for job in submit_together(site, **{"Idempotency-Key": "tap"})}) == 1
    assert len(site.jobs()) == 1


def post_with_key(site: Site, key: str, url: str = "https://example.com/a.mp4", **more: Any) -> Any:
    body = {"url": url, "kind": "metadata"} | more
    return site.client.post("/v1/jobs", json=body, headers={"Idempotency-Key": key})


def test_a_key_gives_its_job_even_after_its_end(site: Site) -> None:
    """A client that did not hear the answer may ask again much later and still gets the job it made."""
    first = post_with_key(site, "one").json()
    site.client.post(f"/v1/jobs/{first['id']}/cancel")
    again = post_with_key(site, "one")

    assert again.status_code == 202
    assert (again.json()["id"], again.json()["status"]) == (first["id"], "cancelled")


def test_a_key_is_for_one_request(site: Site) -> None:
    """A key that comes with another request is a mistake, and is said to be one."""
    post_with_key(site, "one")
    other = post_with_key(site, "one", "https://example.com/b.mp4")

    assert other.status_code == 409
    assert other.json()["code"] == "key_reused"
    assert len(site.jobs()) == 1


def test_a_spelling_of_the_same_link_is_the_same_request(site: Site) -> None:
    """A key does not mind that the link has got a fragment."""
    same = post_with_key(site, "one", "https://example.com/a.mp4#t=3")

    assert same.json()["id"] == post_with_key(site, "one").json()["id"]


def test_keys_belong_to_users(site: Site) -> None:
    """Two users may come upon the same key."""
    site.configure(AUTH_REQUIRED="true")
    ids = set()
    for name in ("ann", "ben"):
        site.client.headers["Authorization"] = f"Bearer token-{name}"
        ids.add(post_with_key(site, "1").json()["id"])

    assert len(ids) == 2


def test_two_keys_for_one_active_link_stay_with_it(site: Site) -> None:
    """A second key that met an active job keeps standing for that job after it has ended."""
    first = post_with_key(site, "one").json()
    second = post_with_key(site, "two").json()
    site.client.post(f"/v1/jobs/{first['id']}/cancel")

    assert second["id"] == first["id"]
    assert post_with_key(site, "two").json()["id"] == first["id"]


def test_a_crash_before_the_job_is_made_up_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server dies between noting the key and making the job, asking again makes it."""
    documents = type(site.place.place.documents)
    create = documents.create

    def die(self: Any, collection: str, id: str, data: dict[str, Any]) -> str:
        if collection == JOBS:
            raise OSError("the disk is gone")
        return create(self, collection, id, data)

    with monkeypatch.context() as broken:
        broken.setattr(documents, "create", die)
        assert post_with_key(site, "one").status_code == 500
    assert site.jobs() == []

    job = post_with_key(site, "one").json()
    assert [found["id"] for found in site.jobs()] == [job["id"]]
    assert site.place.queue.depth() == {"download": 1}


def test_a_deleted_job_does_not_come_back(site: Site) -> None:
    """After a job is deleted, neither its key nor its link leads to its id: a stage may still run under it."""
    first = post_with_key(site, "one").json()
    assert site.client.delete(f"/v1/jobs/{first['id']}").status_code == 204
    again = post_with_key(site, "one").json()
    unkeyed = site.submit()

    assert again["id"] != first["id"]
    assert unkeyed["id"] == again["id"]
    assert [job["id"] for job in site.jobs()] == [again["id"]]


def test_deleting_and_submitting_at_once_leaves_one_active_job(site: Site) -> None:
    """A pointer that another request has moved on is left alone."""
    first = site.submit()
    site.change(first["id"], status=JobStatus.FAILED)
    second = site.submit()
    once.clear_keys(site.place.place.documents, first["id"])

    assert site.submit()["id"] == second["id"]


def test_too_many_at_once_is_said_to_pass(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """When others keep winning, the client is told to come back rather than that something is broken."""

    def always_lost(*_: Any, **__: Any) -> str:
        raise Conflict("busy")

    monkeypatch.setattr(once, "find_or_reserve_job", always_lost)
    answer = site.client.post("/v1/jobs", json={"url": "https://example.com/a.mp4", "kind": "metadata"})

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"].isdecimal()
