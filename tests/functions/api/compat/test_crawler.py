"""Row 4 of the earlier systems: the image crawler's sign-in, jobs, progress and validation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra.stand_ins.image_search import ImageSearch
from infra.stand_ins.server import Reply
from shared.platform.identity import current_identity
from tests.accounts import PASSWORD, cheap_passwords
from tests.api_site import Site
from tests.functions.api.compat.calls import assert_rejected, get, post
from tests.image_site import ImageSite

PROGRESS = {
    "progress": int,
    "status": str,
    "total_chunks": int,
    "completed_chunks": int,
    "failed_chunks": int,
    "active_chunks": int,
    "images_downloaded": int,
}
STATUSES = {"pending", "running", "completed", "failed", "cancelled"}
WISH = {"project_id": 7, "name": "Dogs", "keywords": ["1"], "max_images": 10}


@pytest.fixture
def images() -> Iterator[ImageSite]:
    with ImageSite() as serving:
        yield serving


@pytest.fixture
def search(site: Site, images: ImageSite) -> Iterator[ImageSearch]:
    def named(keyword: str, page: int) -> list[str]:
        return [images.url("image", page * 10 + number) for number in range(10)] if page < 4 else []

    with ImageSearch(named) as serving:
        site.configure(
            ALLOW_HOSTS=images.address,
            CRAWL_HOST_DELAY_SEC="0",
            CRAWL_HOST_CONNECTIONS="8",
            OPENVERSE_BASE_URL=serving.url,
            SEARCH_BASE_URL=serving.url,
        )
        yield serving


def has_progress(found: dict[str, Any]) -> None:
    assert {name: type(found[name]) for name in PROGRESS} == PROGRESS
    assert found["status"] in STATUSES
    assert 0 <= found["progress"] <= 100


def test_signing_in(site: Site) -> None:
    """An e-mail address and a password give a bearer token, which everything else needs."""
    site.configure(AUTH_REQUIRED="true", VERIFIED_EMAIL_REQUIRED="false")
    with cheap_passwords():
        current_identity().sign_up("ann", "ann@example.com", PASSWORD)
        answer = post(site, "/api/v1/auth/login", email="ann@example.com", password=PASSWORD)
        assert_rejected(
            site.client.post("/api/v1/auth/login", json={"email": "ann@example.com", "password": "wrong one"}), 401
        )
    assert answer["token_type"] == "bearer"
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert get(site, "/api/v1/jobs", headers=headers) == []
    assert_rejected(site.client.get("/api/v1/jobs"), 401)
    assert_rejected(site.client.post("/api/v1/jobs", json=WISH), 401)
    assert_rejected(site.client.post("/api/v1/auth/login", json={"email": "ann@example.com"}), 422)


def test_a_job_is_kept_as_it_was_asked_for(site: Site, search: ImageSearch) -> None:
    """A job shows what was asked for, in the list and by itself, and waits to be started."""
    job = post(site, "/api/v1/jobs", 201, **WISH)
    assert WISH.items() <= job.items()
    assert job["status"] == "pending"
    has_progress(job)
    assert get(site, f"/api/v1/jobs/{job['id']}") == job
    named = post(site, "/api/v1/jobs", 201, **WISH | {"project_id": "p-1"})
    assert named["project_id"] == "p-1"
    assert [each["id"] for each in get(site, "/api/v1/jobs")] == [named["id"], job["id"]]


def test_a_whole_job(site: Site, search: ImageSearch) -> None:
    """Started, followed, validated: chunks and images are counted, and each image has its verdict."""
    id = post(site, "/api/v1/jobs", 201, **WISH)["id"]
    started = post(site, f"/api/v1/jobs/{id}/start")
    assert (started["status"], started["total_chunks"]) == ("running", 3)
    assert_rejected(site.client.post(f"/api/v1/jobs/{id}/start"), 400)
    site.work()
    progress = get(site, f"/api/v1/jobs/{id}/progress")
    has_progress(progress)
    assert (progress["status"], progress["progress"], progress["images_downloaded"]) == ("completed", 100, 10)
    assert progress["active_chunks"] == 0

    for level in ("fast", "medium", "slow"):
        validation = post(site, f"/api/v1/validation/job/{id}/", level=level)
        assert validation["images_count"] == 10
        site.work()
    images = get(site, f"/v1/datasets/{id}/images", params={"state": "downloaded"})["images"]
    assert [image["accepted"] for image in images] == [True] * 10
    assert_rejected(site.client.post(f"/api/v1/validation/job/{id}/", json={"level": "thorough"}), 422)
    assert_rejected(site.client.post(f"/api/v1/jobs/{id}/retry"), 400)


def test_stop_and_retry(site: Site, search: ImageSearch) -> None:
    """A stopped job is cancelled and goes on when it is started again; failed chunks alone are done again."""
    id = post(site, "/api/v1/jobs", 201, **WISH)["id"]
    post(site, f"/api/v1/jobs/{id}/start")
    assert post(site, f"/api/v1/jobs/{id}/stop")["status"] == "cancelled"
    search.always["bing"] = Reply(b"")
    post(site, f"/api/v1/jobs/{id}/start")
    site.work()
    failed = get(site, f"/api/v1/jobs/{id}")
    assert (failed["status"], failed["failed_chunks"], failed["images_downloaded"]) == ("completed", 1, 10)
    del search.always["bing"]
    assert post(site, f"/api/v1/jobs/{id}/retry")["status"] == "running"
    site.work()
    assert get(site, f"/api/v1/jobs/{id}")["failed_chunks"] == 0


@pytest.mark.parametrize("path", ["", "/progress"])
def test_what_is_not_there(site: Site, path: str) -> None:
    """Unknown jobs are 404."""
    assert_rejected(site.client.get(f"/api/v1/jobs/{'0' * 32}{path}"), 404)


@pytest.mark.parametrize("wrong", [{"keywords": []}, {"max_images": 0}, {"name": None}, {"keywords": "dogs"}])
def test_what_is_asked_wrongly(site: Site, wrong: dict[str, Any]) -> None:
    """A wish that makes no sense is 422."""
    assert_rejected(site.client.post("/api/v1/jobs", json=WISH | wrong), 422)


def test_limits(site: Site, search: ImageSearch) -> None:
    """Ten starts and five retries a minute are answered, the next ones with 429."""
    site.configure(RATE_LIMIT_START="10/minute", RATE_LIMIT_RETRY="5/minute")
    id = post(site, "/api/v1/jobs", 201, **WISH)["id"]
    starts = [site.client.post(f"/api/v1/jobs/{id}/start").status_code for _ in range(11)]
    assert starts == [200] + [400] * 9 + [429]
    retries = [site.client.post(f"/api/v1/jobs/{id}/retry") for _ in range(6)]
    assert [answer.status_code for answer in retries] == [400] * 5 + [429]
    assert_rejected(retries[-1], 429)
    assert int(retries[-1].headers["Retry-After"]) > 0
