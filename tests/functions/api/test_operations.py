"""Operations: administrators see all load, failures and dead letters and act on them; others see their own jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from functions.api.identity import LOCAL, is_admin
from shared import clock
from shared.models.job import JobError, JobStatus, Usage
from shared.platform.accounts import User
from shared.platform.place import use_place
from shared.settings import settings
from tests.api_site import Site

ANN, BEN = ({"Authorization": f"Bearer token-{name}"} for name in ("ann", "ben"))


def submit(site: Site, headers: dict[str, str] | None = None) -> str:
    answer = site.client.post("/v1/jobs", json={"url": "https://example.com/a.mp4", "kind": "recipe"}, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def fail(site: Site, id: str) -> None:
    ended_at = clock.now() - timedelta(minutes=5)
    error = JobError(code="busy", message="Try again.", stage="download", retryable=True)
    created_at = ended_at - timedelta(seconds=30)
    site.change(
        id, status=JobStatus.FAILED, error=error, created_at=created_at, ended_at=ended_at, usage=Usage(cost_usd=0.25)
    )


def get(site: Site, path: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
    answer = site.client.get(f"/v1/{path}", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def two_users(site: Site) -> tuple[str, str]:
    """A job of Ann's and one of Ben's, where everybody signs in."""
    site.configure(AUTH_REQUIRED="true")
    return submit(site, ANN), submit(site, BEN)


def test_the_local_user_sees_the_whole_load(site: Site) -> None:
    """Whoever runs Clipwise on their own machine sees jobs by status and the queue, without any setting."""
    submit(site)
    load = get(site, "operations")
    assert load == {"scope": "all", "jobs": {"queued": 1, "running": 0}, "stages": {}, "queue": {"download": 1}}


def test_others_see_only_their_own_jobs(site: Site, two_users: tuple[str, str]) -> None:
    """A user learns nothing of the jobs of others, nor how much waits for the server."""
    ann, ben = two_users
    load = get(site, "operations", ANN)
    assert (load["scope"], load["jobs"]["queued"], load["queue"]) == ("own", 1, None)
    page = get(site, "operations/jobs", ANN, status="queued")
    assert [(job["id"], job["own"], job["name"]) for job in page["jobs"]] == [(ann, True, "https://example.com/a.mp4")]
    for action in ("retry", "cancel"):
        assert site.client.post(f"/v1/operations/jobs/{ben}/{action}", headers=ANN).status_code == 404


def test_an_administrator_acts_for_others_without_their_names(
    site: Site, two_users: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator finds a failed job of anybody, retries and cancels it, and reads no title or address of it."""
    ann, ben = two_users
    site.client.headers["Authorization"] = "Bearer token-root"
    monkeypatch.setattr("functions.api.routes.operations.is_admin", lambda request, user: user.id == "root")
    fail(site, ben)
    page = get(site, "operations/jobs", status="failed")
    assert [(job["id"], job["owner"], job["own"], job["name"]) for job in page["jobs"]] == [(ben, "ben", False, None)]
    assert page["jobs"][0]["error"]["message"] == "Try again."
    assert "example.com" not in str(page)
    retried = site.client.post(f"/v1/operations/jobs/{ben}/retry")
    assert (retried.status_code, retried.json()["status"]) == (202, "queued")
    cancelled = site.client.post(f"/v1/operations/jobs/{ann}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


def test_a_dataset_is_stopped_and_retried_as_such(site: Site) -> None:
    """An operator who cancels the run of a dataset stops the dataset, and its page says so."""
    made = site.client.post("/v1/datasets", json={"name": "Dogs", "keywords": ["dog"], "sources": ["openverse"]}).json()
    site.client.post(f"/v1/datasets/{made['id']}/start")
    answer = site.client.post(f"/v1/operations/jobs/{made['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled"), answer.text
    assert get(site, f"datasets/{made['id']}")["status"] == "cancelled"
    assert site.client.post(f"/v1/operations/jobs/{made['id']}/retry").json()["code"] == "nothing_failed"


def test_jobs_come_in_pages(site: Site) -> None:
    """An operator pages through any number of jobs; a made-up cursor is refused."""
    ids = [submit_other(site, number) for number in range(3)]
    first = get(site, "operations/jobs", status="queued", limit=2)
    second = get(site, "operations/jobs", status="queued", limit=2, cursor=first["cursor"])
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids[::-1]
    assert second["cursor"] is None
    for path in ("jobs", "dead-letters"):
        assert site.client.get(f"/v1/operations/{path}", params={"cursor": "x"}).json()["code"] == "bad_cursor"


def submit_other(site: Site, number: int) -> str:
    answer = site.client.post("/v1/jobs", json={"url": f"https://example.com/{number}.mp4", "kind": "recipe"})
    return str(answer.json()["id"])


def test_statistics_add_up_for_everybody_and_for_each(site: Site, two_users: tuple[str, str]) -> None:
    """Costs, failures and durations of all are an administrator's; a user has their own, and so the month's usage."""
    for id in two_users:
        fail(site, id)
    site.place.place.bus.publish("sweep-tick", {})
    site.work()
    own = get(site, "operations/statistics", ANN)
    assert own["scope"] == "own"
    (kind,) = own["kinds"]
    assert (kind["kind"], kind["failed"], kind["costUsd"], kind["p50Sec"]) == ("recipe", 1, 0.25, None)
    assert [(stage["stage"], stage["errors"]) for stage in own["stages"]] == [("download", {"busy": 1})]
    assert [(day["jobs"], day["failed"], day["costs"]) for day in own["days"]] == [(1, 1, {"recipe": 0.25})]
    assert own["countedUntil"]
    usage = get(site, "usage", ANN)
    assert (usage["spentUsd"], usage["budgetUsd"], usage["days"]) == (0, None, own["days"])
    site.configure(AUTH_REQUIRED="false")
    everybody = get(site, "operations/statistics")
    assert (everybody["scope"], everybody["kinds"][0]["failed"]) == ("all", 2)


def test_dead_letters_are_replayed_and_deleted(site: Site) -> None:
    """An event that no function could process is shown with its data, and delivered again or deleted."""
    site.place.place.bus.publish("video-requested", {"jobId": "x"})
    site.place.place.bus.publish("video-requested", {"jobId": "y"})
    with site.place.database.transaction() as connection:
        connection.execute("UPDATE deliveries SET count = 1000")
    assert site.place.queue.claim() is None
    listed = get(site, "operations/dead-letters")
    assert listed["listed"]
    second, first = listed["deadLetters"]
    assert (first["function"], first["data"], first["deliveries"]) == ("download", {"jobId": "x"}, 1000)
    path = f"/v1/operations/dead-letters/{first['id']}"
    assert site.client.post(f"{path}/replay").status_code == 204
    assert site.client.delete(f"/v1/operations/dead-letters/{second['id']}").status_code == 204
    assert get(site, "operations/dead-letters")["deadLetters"] == []
    assert get(site, "operations")["queue"] == {"download": 1}
    assert [site.client.post(f"{path}/replay").status_code, site.client.delete(path).status_code] == [404, 404]


def test_a_place_that_cannot_list_deliveries_says_so(site: Site) -> None:
    """In the cloud, where Pub/Sub lists nothing, the queue's depth is unknown and not zero; jobs are still counted."""
    submit(site)
    with use_place(replace(site.place.place, queue=None)):
        load = get(site, "operations")
        assert (load["queue"], load["jobs"]["queued"]) == (None, 1)
        assert get(site, "operations/dead-letters") == {"listed": False, "deadLetters": [], "cursor": None}
        assert site.client.post("/v1/operations/dead-letters/1/replay").status_code == 404


VERIFIED = User("1", "ann", "Ann@Example.com", verified=True)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (VERIFIED, True),
        (replace(VERIFIED, verified=False), False),
        (replace(VERIFIED, email="ben@example.com"), False),
        (replace(VERIFIED, email=None), False),
        (User("2", admin=True), True),
        (User("3", anonymous=True), False),
    ],
)
def test_who_is_an_administrator(monkeypatch: pytest.MonkeyPatch, user: User, expected: bool) -> None:
    """Only a verified address in ADMINS or the token's own claim makes an administrator."""
    monkeypatch.setenv("ADMINS", "root@example.com, ann@example.com")
    settings.cache_clear()
    assert is_admin(Request({"type": "http", "headers": [], "client": ("127.0.0.1", 1)}), user) is expected
    settings.cache_clear()


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("192.168.1.7", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "192.168.1.7"}, False),
        ("127.0.0.1", {"Forwarded": "for=192.168.1.7"}, False),
        ("testclient", {}, False),
    ],
)
def test_the_local_user_is_an_administrator_on_the_machine_only(
    client: str, headers: dict[str, str], expected: bool
) -> None:
    """A server without sign-in that others can reach, itself or through a proxy, does not give them its operations."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    assert is_admin(Request({"type": "http", "headers": raw, "client": (client, 1)}), LOCAL) is expected


def test_a_wrong_address_in_admins_is_named(site: Site) -> None:
    """A mistyped setting stops the server with a sentence, instead of shutting its administrators out."""
    from shared.settings import SettingsError, read_settings

    with pytest.raises(SettingsError, match="ADMINS: Each must be an e-mail address"):
        read_settings({"ADMINS": "ann"})


def test_an_unknown_status_is_refused(site: Site) -> None:
    """A mistyped filter does not show an empty list."""
    answer: httpx.Response = site.client.get("/v1/operations/jobs", params={"status": "stuck"})
    assert answer.status_code == 422
