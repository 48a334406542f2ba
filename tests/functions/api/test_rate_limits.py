"""Too much is refused, with the time to come again; what costs nothing new is not counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from functions.api import rate_limits as throttle
from shared import clock
from shared.errors import TransientError
from shared.models.job import JobError, JobStatus
from shared.pipeline.sweep import sweep
from shared.platform.rate_limits import RATES
from tests.api_site import FRONTEND, MP4, Site


@pytest.fixture(autouse=True)
def _counted_anew() -> Iterator[None]:
    throttle.counters.cache_clear()
    yield
    throttle.counters.cache_clear()


def as_user(name: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-{name}"} | headers


def remaining_quota(answer: httpx.Response, policy: str = "general") -> int:
    """The remaining quota that the answer tells of."""
    told = {item.split(";")[0].strip(): item for item in answer.headers["RateLimit"].split(",")}
    return int(told[f'"{policy}"'].split(";r=")[1].split(";")[0])


def start(site: Site, number: int, **headers: str) -> httpx.Response:
    body = {"url": f"https://example.com/{number}.mp4", "kind": "metadata"}
    return site.client.post("/v1/jobs", json=body, headers=headers)


def is_rate_limited(answer: httpx.Response, seconds: int) -> bool:
    """Whether it is the whole answer to one time too many in a window of `seconds`."""
    if answer.status_code != 429:
        return False
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["status"]) == ("rate_limited", 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= seconds
    assert answer.headers["Retry-After"] in problem["detail"]
    return True


def test_every_answer_tells_how_much_is_left(site: Site) -> None:
    """A client sees its allowance shrink, is refused at its end, and learns when to come again."""
    site.configure(RATE_LIMIT_GENERAL="3/minute")
    answers = [site.client.get("/v1/kinds") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [remaining_quota(answer) for answer in answers] == [2, 1, 0]
    assert answers[0].headers["RateLimit-Policy"] == '"general";q=3;w=60'
    one_more = site.client.get("/v1/kinds")
    assert is_rate_limited(one_more, 60)
    assert remaining_quota(one_more) == 0


def test_a_missing_page_and_a_refusal_count_too(site: Site) -> None:
    """Whoever guesses addresses or tokens is stopped like anyone else."""
    site.configure(RATE_LIMIT_GENERAL="3/minute", AUTH_REQUIRED="true")
    codes = [site.client.get(path).status_code for path in ("/v1/jobs", "/nothing", "/v1/jobs", "/v1/jobs")]

    assert codes == [401, 404, 401, 429]


def test_who_watches_over_the_service_is_not_counted(site: Site) -> None:
    """Health checks go on when everything else is refused."""
    site.configure(RATE_LIMIT_GENERAL="1/minute")

    assert [site.client.get(path).status_code for path in ("/v1/kinds", "/v1/kinds", "/healthz", "/")] == [
        200,
        429,
        200,
        200,
    ]


def test_users_have_their_own_allowances(site: Site) -> None:
    """What one user does leaves another one's allowance alone, and where they sit matters only if it is to."""
    site.configure(RATE_LIMIT_GENERAL="2/minute", AUTH_REQUIRED="true", RATE_LIMIT_ADDRESS_FACTOR="0")
    codes = [site.client.get("/v1/jobs", headers=as_user(name)).status_code for name in ("ann", "ann", "ann", "bob")]

    assert codes == [200, 200, 429, 200]


def test_an_address_has_one_allowance_for_all_its_users(site: Site) -> None:
    """Many accounts at one address do not multiply what it may do."""
    site.configure(RATE_LIMIT_GENERAL="1/minute", AUTH_REQUIRED="true", RATE_LIMIT_ADDRESS_FACTOR="3")
    codes = [site.client.get("/v1/jobs", headers=as_user(f"u{number}")).status_code for number in range(4)]

    assert codes == [200, 200, 200, 429]


def test_nobody_talks_himself_into_another_address(site: Site) -> None:
    """Without a proxy, X-Forwarded-For is what anyone may write, and counts for nothing."""
    site.configure(RATE_LIMIT_GENERAL="2/minute")
    codes = [
        site.client.get("/v1/kinds", headers={"X-Forwarded-For": f"198.51.100.{number}"}).status_code
        for number in range(3)
    ]

    assert codes == [200, 200, 429]


def test_behind_a_proxy_its_word_counts_and_no_other(site: Site) -> None:
    """The trusted proxy's entry, the last, tells clients apart; what a client wrote before it does not."""
    site.configure(RATE_LIMIT_GENERAL="1/minute", TRUSTED_PROXIES="1")
    told = ["192.0.2.1", "198.51.100.9, 192.0.2.1", "192.0.2.2", "192.0.2.1, 192.0.2.3"]
    codes = [site.client.get("/v1/kinds", headers={"X-Forwarded-For": each}).status_code for each in told]

    assert codes == [200, 429, 200, 200]


def test_pages_of_the_frontend_can_read_the_refusal(site: Site) -> None:
    """A web app gets the problem and its headers across origins, instead of a failed request."""
    site.configure(RATE_LIMIT_GENERAL="1/minute")
    site.client.get("/v1/kinds")
    answer = site.client.get("/v1/kinds", headers={"Origin": FRONTEND})

    assert is_rate_limited(answer, 60)
    assert answer.headers["access-control-allow-origin"] == FRONTEND
    assert {"RateLimit", "Retry-After"} <= set(answer.headers["access-control-expose-headers"].split(", "))


def test_jobs_start_only_so_often(site: Site) -> None:
    """Links, files, uploads and the earlier systems' calls all count as starts; one too many makes no job."""
    site.configure(RATE_LIMIT_START="5/day")
    upload = {"content_type": "video/mp4", "size": 10, "kind": "metadata"}

    assert (first := start(site, 1)).status_code == 202
    assert remaining_quota(first, "start") == 4
    assert site.send().status_code == 202
    assert site.client.post("/v1/uploads", json=upload).status_code == 201
    assert site.client.post("/scrape/async", json={"url": "https://example.com/2.mp4"}).status_code == 202
    video = {"video": ("a.mp4", MP4, "video/mp4")}
    assert site.client.post("/api/upload", files=video).status_code == 200
    for answer in (
        start(site, 3),
        site.send(),
        site.client.post("/v1/uploads", json=upload),
        site.client.post("/scrape/async", json={"url": "https://example.com/4.mp4"}),
        site.client.post("/api/upload", files=video),
    ):
        assert is_rate_limited(answer, 86_400)
    assert len(site.jobs()) == 5


def test_asking_again_starts_nothing(site: Site) -> None:
    """The same request, by its key or its link, gets its job however little is left."""
    site.configure(RATE_LIMIT_START="2/day")
    keyed = start(site, 1, **{"Idempotency-Key": "k"})
    filed = site.send(**{"Idempotency-Key": "f"})

    assert start(site, 1, **{"Idempotency-Key": "k"}).json()["id"] == keyed.json()["id"]
    assert start(site, 1).json()["id"] == keyed.json()["id"]
    assert site.send(**{"Idempotency-Key": "f"}).json()["id"] == filed.json()["id"]
    assert is_rate_limited(start(site, 2), 86_400)


def test_a_refused_start_works_later(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next window the same request, with the same key, makes its job."""
    site.configure(RATE_LIMIT_START="1/hour")
    start(site, 1)
    assert is_rate_limited(start(site, 2, **{"Idempotency-Key": "k"}), 3600)
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert start(site, 2, **{"Idempotency-Key": "k"}).status_code == 202


def test_an_impatient_user_leaves_the_others_at_his_address_alone(site: Site) -> None:
    """Who goes on although refused uses up nothing of what the address has."""
    site.configure(RATE_LIMIT_START="1/day", RATE_LIMIT_ADDRESS_FACTOR="2", AUTH_REQUIRED="true")
    codes = [start(site, number, **as_user("ann")).status_code for number in range(5)]

    assert codes == [202, 429, 429, 429, 429]
    assert start(site, 1, **as_user("bob")).status_code == 202
    assert is_rate_limited(start(site, 1, **as_user("eve")), 86_400)


def test_retries_are_counted_by_themselves(site: Site) -> None:
    """A failed job can be run again only so often, whatever has been started."""
    site.configure(RATE_LIMIT_RETRY="2/day", RATE_LIMIT_START="1/day")
    job_id = site.submit()["id"]

    def retry() -> httpx.Response:
        error = JobError(code="x", message="X.", stage="download", retryable=True)
        site.change(job_id, status=JobStatus.FAILED, error=error)
        return site.client.post(f"/v1/jobs/{job_id}/retry")

    assert [retry().status_code for _ in range(2)] == [202, 202]
    assert is_rate_limited(retry(), 86_400)


def test_nothing_starts_uncounted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where starts cannot be counted, none is accepted, and the client is told to come again."""
    site.configure(RATE_LIMIT_START="5/day")
    documents = type(site.place.place.documents)
    create = documents.create

    def refuse(self: Any, collection: str, id: str, data: dict[str, Any]) -> str:
        if collection == RATES:
            raise TransientError("documents_down", "Try again later.")
        return create(self, collection, id, data)

    monkeypatch.setattr(documents, "create", refuse)
    answer = start(site, 1)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert site.jobs() == []


def test_counts_are_forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of whom was counted once it is of no more use."""
    site.configure(RATE_LIMIT_START="5/minute")
    start(site, 1)
    documents = site.place.place.documents
    assert len(documents.query(RATES).documents) == 2
    later = clock.now() + timedelta(minutes=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(site.place.place)

    assert documents.query(RATES).documents == []


def test_the_document_tells_of_limits(site: Site) -> None:
    """A generated client knows that any call may be refused, and reads when to come again."""
    paths = site.client.get("/openapi.json").json()["paths"]

    assert "Retry-After" in paths["/v1/jobs"]["post"]["responses"]["429"]["headers"]
    assert "429" not in paths["/healthz"]["get"]["responses"]
