"""What users' servers are told, and what happens when they do not listen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.library.deletion import erase_user
from shared.models.job import JobError, JobStatus
from shared.models.webhook import DeliveryStatus
from shared.pipeline import lifecycle
from shared.pipeline.jobs import read_job, relay_outbox
from shared.pipeline.sweep import sweep
from shared.security import guarded_http
from shared.webhooks import attempts as sending
from shared.webhooks import deliveries
from shared.webhooks.deliveries import DELIVERIES, WEBHOOKS
from tests.api_site import Site
from tests.unit.webhooks.verifying import verify
from tests.webhook_receiver import Answer, Receiver, endless, hang_up, not_http, silence, status

Later = Callable[[timedelta], None]
DAY = timedelta(days=1)


@pytest.fixture
def webhook(site: Site, receiver: Receiver) -> dict[str, Any]:
    site.configure(ALLOW_HOSTS=receiver.address)
    answer = site.client.post("/v1/webhooks", json={"url": receiver.url()})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def later(site: Site, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets time pass, sweeps, and does what is to be done then."""
    passed = timedelta()
    real = clock.now

    def wait(duration: timedelta) -> None:
        nonlocal passed
        passed += duration
        monkeypatch.setattr(clock, "now", lambda: real() + passed)
        sweep(site.place.place)
        site.work()

    return wait


def end(site: Site, how: JobStatus = JobStatus.DONE, number: int = 0) -> str:
    """A job that ends, and what follows from that."""
    job_id = str(site.submit(f"https://example.com/{number}.mp4")["id"])
    site.change(job_id, outbox=[])
    while site.place.queue.claim(["download"]):
        pass
    error = JobError(code="too_long", message="It is too long.", stage="extract", retryable=False)
    site.change(job_id, status=how, ended_at=clock.now(), error=error if how is JobStatus.FAILED else None)
    job = read_job(site.place.place.documents, job_id)
    assert job is not None
    relay_outbox(site.place.place, job)
    site.work()
    return job_id


def log(site: Site, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = site.client.get(f"/v1/webhooks/{webhook['id']}/deliveries").json()["deliveries"]
    return lines


def state(site: Site, webhook: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = site.client.get(f"/v1/webhooks/{webhook['id']}").json()
    return shown


@pytest.mark.parametrize("how", [JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED])
def test_the_end_of_a_job_is_told(site: Site, receiver: Receiver, webhook: dict[str, Any], how: JobStatus) -> None:
    """However a job ends, the endpoint gets one signed message that says which and how, and the log says so."""
    job_id = end(site, how)

    (request,) = receiver.requests
    assert verify(webhook["secret"], request.headers, request.body)
    assert not verify(webhook["secret"], request.headers, request.body + b" ")
    assert request.headers["content-type"] == "application/json"
    told = json.loads(request.body)
    assert (told["type"], told["data"]["id"], told["data"]["status"]) == (f"job.{how}", job_id, how)
    assert (told["data"]["error"] is not None) == (how is JobStatus.FAILED)
    assert told["data"].keys() == {"id", "kind", "language", "status", "error"}
    (line,) = log(site, webhook)
    assert (line["id"], line["jobId"], line["event"]) == (request.headers["webhook-id"], job_id, f"job.{how}")
    assert (line["status"], line["nextAttemptAt"]) == ("delivered", None)
    (attempt,) = line["attempts"]
    assert (attempt["responseCode"], attempt["error"]) == (204, None)
    assert attempt["durationMs"] >= 0


def test_cancelling_over_http_is_told(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """A user who cancels in the app sees it arrive at the server."""
    job_id = site.submit()["id"]
    site.client.post(f"/v1/jobs/{job_id}/cancel")
    site.work()

    assert [json.loads(request.body)["type"] for request in receiver.requests] == ["job.cancelled"]


def test_only_what_was_asked_for_is_told(site: Site, receiver: Receiver) -> None:
    """An endpoint hears of its events only, and each of several endpoints of its own."""
    site.configure(ALLOW_HOSTS=receiver.address)
    for path, events in {"/all": None, "/failed": ["job.failed"]}.items():
        wish = {"url": receiver.url(path)} | ({"events": events} if events else {})
        assert site.client.post("/v1/webhooks", json=wish).status_code == 201
    end(site, JobStatus.DONE, 1)
    end(site, JobStatus.FAILED, 2)

    assert sorted(request.path for request in receiver.requests) == ["/all", "/all", "/failed"]


def test_nobody_hears_of_anothers_jobs(site: Site, receiver: Receiver) -> None:
    """What a job of one user did is no message to another user's server."""
    site.configure(ALLOW_HOSTS=receiver.address, AUTH_REQUIRED="true")
    bob = {"Authorization": "Bearer token-bob"}
    site.client.post("/v1/webhooks", json={"url": receiver.url()}, headers=bob)
    site.configure(AUTH_REQUIRED="false")
    end(site)

    assert receiver.requests == []


def test_whoever_has_no_webhook_costs_no_message(site: Site) -> None:
    """Without webhooks a job's end sends nothing."""
    job_id = site.submit()["id"]
    site.client.post(f"/v1/jobs/{job_id}/cancel")

    assert site.place.queue.depth()["notify"] == 0


def test_the_same_end_is_told_once(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """When the bus brings the same message again, the receiver hears nothing new."""
    job_id = end(site)
    for _ in range(3):
        site.place.place.bus.publish("job-ended", {"jobId": job_id})
    site.work()

    assert len(receiver.requests) == 1
    assert len(log(site, webhook)) == 1


BAD: dict[str, tuple[Answer, int | None]] = {
    "an error": (status(500), 500),
    "a refusal": (status(404), 404),
    "a redirect": (status(302, Location="http://169.254.169.254/"), 302),
    "hanging up": (hang_up, None),
    "something else than HTTP": (not_http, None),
    "an error without end": (endless(500), 500),
}


@pytest.mark.parametrize("name", BAD)
def test_what_fails_is_tried_again(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later, name: str
) -> None:
    """After a failure the same message comes again, with the same id and a fresh signature, and not too early."""
    answer, code = BAD[name]
    receiver.answers = [answer]
    end(site)
    (line,) = log(site, webhook)
    assert line["status"] == "pending"
    assert line["attempts"][0]["responseCode"] == code
    assert line["attempts"][0]["error"]
    assert line["nextAttemptAt"]
    later(timedelta(seconds=30))
    assert len(receiver.requests) == 1
    later(timedelta(seconds=60))

    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    (line,) = log(site, webhook)
    assert (line["status"], len(line["attempts"])) == ("delivered", 2)
    assert state(site, webhook)["failures"] == 0


def test_a_body_without_end_is_no_success_delayed(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """A success counts by its head: nobody keeps us busy, or fills our memory, with what follows."""
    receiver.answers = [endless(200)]
    end(site)

    assert [line["status"] for line in log(site, webhook)] == ["delivered"]


def test_a_silent_receiver_is_left(
    site: Site, receiver: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who never answers is given up on, and the log says why."""
    monkeypatch.setattr(sending, "TIMEOUT_SEC", 0.3)
    receiver.answers = [silence]
    end(site)

    (line,) = log(site, webhook)
    assert line["status"] == "pending"
    assert line["attempts"][0]["responseCode"] is None
    assert "within" in line["attempts"][0]["error"]


def test_a_receiver_may_ask_for_time(site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later) -> None:
    """`Retry-After` is kept to."""
    receiver.answers = [status(429, Retry_After="7200")]
    end(site)
    later(timedelta(minutes=110))
    assert len(receiver.requests) == 1
    later(timedelta(minutes=15))
    assert len(receiver.requests) == 2


def test_in_the_end_it_is_given_up(site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later) -> None:
    """Ten attempts over some three days, then no more; the log keeps them all."""
    receiver.answers = [status(503)] * 20
    start = clock.now()
    end(site)
    while log(site, webhook)[0]["status"] == "pending":
        assert clock.now() - start < 5 * DAY
        later(timedelta(hours=2))

    assert len(receiver.requests) == 10
    assert clock.now() - start > 2 * DAY
    (line,) = log(site, webhook)
    assert (line["status"], line["nextAttemptAt"], len(line["attempts"])) == ("failed", None, 10)
    assert state(site, webhook)["failures"] == 1


def give_up(site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Deliveries that fail at once."""
    monkeypatch.setattr(sending, "MOST_TRIES", 1)
    receiver.answers = [status(500)] * count
    for number in range(count):
        end(site, number=number)


def test_a_dead_endpoint_is_paused_and_resumed(
    site: Site, receiver: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten given up in a row nothing more is sent, the reason is shown, and PATCH lets it go on."""
    give_up(site, receiver, monkeypatch, 10)
    shown = state(site, webhook)
    assert shown["paused"]
    assert "10 consecutive deliveries failed" in shown["pausedReason"]
    assert "500" in shown["pausedReason"]
    end(site, number=10)
    assert len(receiver.requests) == 10
    newest = log(site, webhook)[0]
    assert (newest["status"], newest["attempts"]) == ("skipped", [])
    replay = f"/v1/webhooks/{webhook['id']}/deliveries/{newest['id']}/replay"
    assert site.client.post(replay).json()["code"] == "webhook_paused"

    resumed = site.client.patch(f"/v1/webhooks/{webhook['id']}", json={"paused": False}).json()
    assert (resumed["paused"], resumed["pausedReason"], resumed["failures"]) == (False, None, 0)
    assert site.client.post(replay).status_code == 202
    end(site, number=11)
    assert len(receiver.requests) == 12
    assert {line["status"] for line in log(site, webhook)[:2]} == {"delivered"}


def test_one_success_forgives_the_failures_before(
    site: Site, receiver: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only failures in a row count."""
    give_up(site, receiver, monkeypatch, 9)
    assert state(site, webhook)["failures"] == 9
    end(site, number=9)

    assert (state(site, webhook)["failures"], state(site, webhook)["paused"]) == (0, False)


def test_who_is_gone_is_not_asked_again(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """410 ends the delivery and pauses the webhook at once."""
    receiver.answers = [status(410)]
    end(site)

    assert [line["status"] for line in log(site, webhook)] == ["failed"]
    assert "410" in state(site, webhook)["pausedReason"]


def test_pausing_by_hand_holds_what_waits(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later
) -> None:
    """A delivery whose time comes while the webhook is paused is not sent, and can be replayed."""
    receiver.answers = [status(500)]
    end(site)
    site.client.patch(f"/v1/webhooks/{webhook['id']}", json={"paused": True})
    later(timedelta(minutes=2))

    assert len(receiver.requests) == 1
    (line,) = log(site, webhook)
    assert (line["status"], len(line["attempts"])) == ("skipped", 1)


def test_a_replay_is_the_same_message(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """What was delivered can be had again, under the same id and with the same bytes."""
    end(site)
    (line,) = log(site, webhook)
    answer = site.client.post(f"/v1/webhooks/{webhook['id']}/deliveries/{line['id']}/replay")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    site.work()

    first, second = receiver.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert [len(line["attempts"]) for line in log(site, webhook)] == [2]


def test_a_secret_can_be_changed_without_a_gap(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later
) -> None:
    """For a day after a rotation, a server that has either secret accepts what comes; then only the new one counts."""
    rotated = site.client.post(f"/v1/webhooks/{webhook['id']}/rotate").json()
    again = site.client.post(f"/v1/webhooks/{webhook['id']}/rotate").json()
    secrets = [hook["secret"] for hook in (webhook, rotated, again)]
    assert len(set(secrets)) == 3
    end(site, number=1)
    later(timedelta(hours=25))
    end(site, number=2)

    within, after = receiver.requests
    now = int(after.headers["webhook-timestamp"])
    assert [verify(secret, within.headers, within.body) for secret in secrets] == [True] * 3
    assert [verify(secret, after.headers, after.body, now=now) for secret in secrets] == [False, False, True]
    assert state(site, webhook).keys() == again.keys() - {"secret"}


def test_rotations_do_not_pile_up(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """However often a secret is changed, a request carries the signatures of the last few."""
    for _ in range(6):
        rotated = site.client.post(f"/v1/webhooks/{webhook['id']}/rotate").json()
    end(site)

    (request,) = receiver.requests
    assert len(request.headers["webhook-signature"].split()) == 4
    assert verify(rotated["secret"], request.headers, request.body)
    assert not verify(webhook["secret"], request.headers, request.body)


def test_an_endpoint_can_be_tried_out(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """A test comes signed like anything else, even while the webhook is paused; its failure counts for nothing."""
    site.client.patch(f"/v1/webhooks/{webhook['id']}", json={"paused": True})
    receiver.answers = [status(500), status(200)]
    for _ in range(2):
        assert site.client.post(f"/v1/webhooks/{webhook['id']}/test").status_code == 202
        site.work()

    assert all(verify(webhook["secret"], request.headers, request.body) for request in receiver.requests)
    assert json.loads(receiver.requests[0].body)["type"] == "webhook.test"
    assert [line["status"] for line in log(site, webhook)] == ["delivered", "failed"]
    assert state(site, webhook)["failures"] == 0


def test_a_message_that_was_lost_is_made_up_for(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later
) -> None:
    """When the bus loses the message of a delivery, sweep sends it again."""
    job_id = site.submit()["id"]
    job = lifecycle.cancel_job(site.place.place, job_id)
    deliveries.create_job_deliveries(site.place.place, job)
    while delivery := site.place.queue.claim():
        site.place.queue.acknowledge(delivery)
    assert receiver.requests == []
    later(timedelta(minutes=6))

    assert len(receiver.requests) == 1


def test_an_attempt_that_died_is_made_again(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while it sends loses nothing: a minute later another one sends the same message."""

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(guarded_http, "open_response", die)
        job_id = site.submit()["id"]
        site.client.post(f"/v1/jobs/{job_id}/cancel")
        with pytest.raises(SystemExit):
            site.work()
    (line,) = log(site, webhook)
    assert (line["status"], line["attempts"][0]["error"]) == ("sending", "The attempt was interrupted.")
    later(timedelta(seconds=61))

    assert len(receiver.requests) == 1
    assert [line["status"] for line in log(site, webhook)] == ["delivered"]


def test_two_at_once_send_once(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """While one process sends a message, another one that is told to leaves it alone."""
    documents = site.place.place.documents
    seen: list[object] = []

    def meanwhile(handler: Any) -> None:
        (stored,) = documents.query(DELIVERIES).documents
        seen.append(deliveries.claim_delivery(documents, stored.id))
        status(200)(handler)

    receiver.answers = [meanwhile]
    end(site)

    assert seen == [None]
    assert len(receiver.requests) == 1


def test_a_deleted_job_is_told_of_no_more(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later
) -> None:
    """With the job goes what the log held of it; what waited is not sent, and cannot be replayed."""
    receiver.answers = [status(500)]
    job_id = end(site)
    assert site.client.delete(f"/v1/jobs/{job_id}").status_code == 204
    later(timedelta(minutes=2))

    assert len(receiver.requests) == 1
    (line,) = log(site, webhook)
    assert line["status"] == "skipped"
    (stored,) = site.place.place.documents.query(DELIVERIES).documents
    assert stored.data["data"] is None
    answer = site.client.post(f"/v1/webhooks/{webhook['id']}/deliveries/{line['id']}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_send")


def test_a_deleted_webhook_leaves_nothing(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later
) -> None:
    """Neither the log nor a delivery that waits survives."""
    receiver.answers = [status(500)]
    end(site)
    assert site.client.delete(f"/v1/webhooks/{webhook['id']}").status_code == 204
    later(timedelta(minutes=2))

    assert len(receiver.requests) == 1
    assert site.client.get(f"/v1/webhooks/{webhook['id']}").status_code == 404
    assert site.place.place.documents.query(DELIVERIES).documents == []


def test_a_webhook_that_is_deleted_during_an_attempt_leaves_nothing(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later
) -> None:
    """Whoever deletes a webhook while a delivery is under way gets no other attempt, and no log of this one."""

    def delete_meanwhile(handler: Any) -> None:
        assert site.client.delete(f"/v1/webhooks/{webhook['id']}").status_code == 204
        status(500)(handler)

    receiver.answers = [delete_meanwhile]
    end(site)
    later(timedelta(minutes=2))

    assert len(receiver.requests) == 1
    documents = site.place.place.documents
    assert documents.query(DELIVERIES).documents == documents.query(WEBHOOKS).documents == []


def test_a_deleted_user_leaves_nothing(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """With everything else of a user go all webhooks and logs, and nobody else's."""
    end(site)
    documents = site.place.place.documents
    assert erase_user(site.place.place, "nobody")
    assert documents.query(DELIVERIES).documents != []
    assert erase_user(site.place.place, "local")

    assert documents.query(DELIVERIES).documents == documents.query(WEBHOOKS).documents == []


def test_the_log_ends(site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later) -> None:
    """After a month a delivery is forgotten."""
    end(site)
    later(timedelta(days=29))
    assert len(log(site, webhook)) == 1
    later(timedelta(days=2))
    assert log(site, webhook) == []


def test_the_log_comes_in_pages(site: Site, receiver: Receiver, webhook: dict[str, Any]) -> None:
    """A long log is read page by page, newest first, without gaps."""
    ended = [end(site, number=number) for number in range(5)]
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = site.client.get(f"/v1/webhooks/{webhook['id']}/deliveries", params=params).json()
        seen += [line["jobId"] for line in page["deliveries"]]
        cursor = page["cursor"]

    assert seen == ended[::-1]
    assert cursor is None


def test_attempts_are_signed_at_their_own_time(
    site: Site, receiver: Receiver, webhook: dict[str, Any], later: Later
) -> None:
    """The timestamp is the attempt's, so that receivers can refuse what is old."""
    receiver.answers = [status(500)]
    end(site)
    later(timedelta(minutes=2))
    first, second = (int(request.headers["webhook-timestamp"]) for request in receiver.requests)

    assert abs(first - time.time()) < 60
    assert second - first >= 119
    assert not verify(webhook["secret"], receiver.requests[0].headers, receiver.requests[0].body, now=second + 300)


def test_every_final_status_is_one_that_the_log_knows() -> None:
    """No delivery is left in a state that nobody ends."""
    assert {status for status in DeliveryStatus if not status.is_final} == {"pending", "sending"}
