"""POST /v1/jobs with a link that was sent before: what is there already answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from functions.api import submission as intake
from shared import clock
from shared.analyses.kinds import kind_named
from shared.models.job import JobStatus
from shared.pipeline.sweep import sweep
from tests.api_site import Site

LINK = "https://example.com/soup.mp4"
RESULT = {"title": "Soup"}


def ask(site: Site, url: str = LINK, **more: Any) -> httpx.Response:
    return site.client.post("/v1/jobs", json={"url": url, "kind": "recipe", "language": "de"} | more)


def end(site: Site, job_id: str, status: JobStatus = JobStatus.DONE) -> None:
    site.change(job_id, status=status, result=RESULT, outbox=[], ended_at=clock.now())


def done(site: Site, **more: Any) -> str:
    """A finished job for the link."""
    job_id = str(ask(site, **more).json()["id"])
    end(site, job_id)
    return job_id


def test_a_finished_job_answers_with_its_result(site: Site) -> None:
    """Who sends a link again that was worked off gets its result at once, and nothing is worked off again."""
    job_id = done(site)
    before = site.place.queue.depth()
    answer = ask(site)

    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["status"], answer.json()["result"]) == (job_id, "done", RESULT)
    assert site.place.queue.depth() == before


@pytest.mark.parametrize("twin", ["https://EXAMPLE.com:443/soup.mp4", f"{LINK}#t=10", f"{LINK}?utm_source=x"])
def test_another_spelling_gets_the_same_result(site: Site, twin: str) -> None:
    """A link that was shared with a tracking mark leads to the same finished job."""
    assert done(site) == ask(site, twin).json()["id"]


@pytest.mark.parametrize(
    "other",
    [
        {"language": "fr"},
        {"kind": "metadata"},
        {"options": {"servings": 4}},
        {"url": "https://example.com/bread.mp4"},
    ],
    ids=["language", "kind", "options", "link"],
)
@pytest.mark.parametrize("finished", [False, True])
def test_another_request_is_another_job(site: Site, other: dict[str, Any], finished: bool) -> None:
    """Nobody gets a recipe in a language, of a kind or with options that they did not ask for."""
    first = ask(site).json()["id"]
    if finished:
        end(site, first)
    answer = ask(site, **other)

    assert answer.status_code == 202
    assert answer.json()["id"] != first


def test_a_new_prompt_is_not_answered_from_an_old_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """When what a kind asks for has been improved, results from before no longer answer."""
    old = done(site)
    better = replace(kind_named("recipe"), prompt_version="better")
    monkeypatch.setattr(intake, "kind_named", lambda _: better)

    assert ask(site).json()["id"] != old


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_only_good_ends_answer(site: Site, status: JobStatus) -> None:
    """After a failure, or after having cancelled, asking again tries again."""
    first = ask(site).json()["id"]
    end(site, first, status)
    answer = ask(site)

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.json()["id"] != first


def test_a_deleted_result_does_not_answer(site: Site) -> None:
    """What a user has deleted does not come back by asking for it."""
    first = done(site)
    site.client.delete(f"/v1/jobs/{first}")
    again = ask(site).json()
    end(site, again["id"])

    assert again["id"] != first
    assert ask(site).json()["id"] == again["id"]


def test_fresh_makes_a_new_job_which_answers_from_then_on(site: Site) -> None:
    """Who wants it anew gets a new job, and who asks later gets the new result, not the old one."""
    old = done(site)
    answer = ask(site, fresh=True)
    new = answer.json()["id"]

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert new != old
    assert ask(site).json()["id"] == new
    end(site, new)
    assert ask(site).json()["id"] == new


def test_a_key_repeats_its_fresh_request(site: Site) -> None:
    """A phone that lost the answer and asks once more for something fresh gets the job it has made."""
    done(site)
    body = {"url": LINK, "kind": "recipe", "language": "de", "fresh": True}
    ids = []
    for _ in range(2):
        ids.append(site.client.post("/v1/jobs", json=body, headers={"Idempotency-Key": "one"}).json()["id"])
        end(site, ids[-1])

    assert ids[0] == ids[1]


@pytest.mark.parametrize("fresh", [False, True])
def test_twenty_at_once_after_the_end(site: Site, fresh: bool) -> None:
    """Twenty impatient taps get the one stored result, or make one fresh job."""
    old = done(site)
    together = threading.Barrier(20)

    def tap(_: int) -> tuple[int, str]:
        together.wait()
        answer = ask(site, fresh=fresh)
        return answer.status_code, str(answer.json()["id"])

    with ThreadPoolExecutor(20) as pool:
        (answer,) = set(pool.map(tap, range(20)))

    assert answer[0] == (202 if fresh else 200)
    assert (answer[1] != old) == fresh
    assert len(site.jobs()) == 1 + fresh


def test_results_answer_as_long_as_they_are_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month later the same link still leads to the stored result."""
    job_id = done(site)
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(site.place.place)

    assert ask(site).json()["id"] == job_id


def test_a_long_queue_makes_no_second_job(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that has waited for days is still the one for its link."""
    job_id = ask(site).json()["id"]
    later = clock.now() + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(site.place.place)

    assert ask(site).json()["id"] == job_id


def test_nothing_is_left_of_a_deleted_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleting a job takes away in time what pointed to it, too."""
    site.client.delete(f"/v1/jobs/{done(site)}")
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(site.place.place)

    assert site.place.place.documents.query("answers").documents == []
