"""GET /v1/jobs/{id}/events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from functions.api import event_streams as stream
from shared.models.job import JobStatus, StageState, StageStatus
from shared.platform.ports import Document, Unsubscribe
from tests.api_site import Site, events
from tests.patience import PATIENCE_SEC

CLIENTS = 60


def follow(site: Site, job_id: str, **headers: str) -> Iterator[dict[str, str]]:
    """Events as they come in."""
    with site.client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        block = ""
        for line in answer.iter_lines():
            block += line + "\n"
            if not line:
                yield from events(block)
                block = ""


def progress(site: Site, job_id: str, fraction: float) -> None:
    running = StageState(status=StageStatus.RUNNING, progress=fraction)
    site.change(job_id, status=JobStatus.RUNNING, stages={"download": running, "persist": StageState()})


def test_changes_come_as_they_happen_and_end_with_the_job(site: Site) -> None:
    """A client sees the job as it is, then each change, and the stream closes when the job has ended."""
    job_id = site.submit()["id"]
    seen = follow(site, job_id)

    assert json.loads(next(seen)["data"])["status"] == "queued"
    progress(site, job_id, 0.5)
    running = json.loads(next(seen)["data"])
    site.client.post(f"/v1/jobs/{job_id}/cancel")
    cancelled = json.loads(next(seen)["data"])

    assert (running["status"], cancelled["status"]) == ("running", "cancelled")
    assert cancelled == site.client.get(f"/v1/jobs/{job_id}").json()
    assert list(seen) == []


def test_ids_are_versions(site: Site) -> None:
    """Each event's id is the version of the document it shows."""
    job_id = site.submit()["id"]
    seen = follow(site, job_id)
    first = next(seen)
    stored = site.place.place.documents.get("jobs", job_id)

    assert stored is not None
    assert first["id"] == stored.version
    seen.close()  # type: ignore[attr-defined]


def test_who_comes_back_gets_only_what_is_newer(site: Site) -> None:
    """After a broken connection a client that has seen the current state waits for the next; others get it at once."""
    job_id = site.submit()["id"]
    seen = follow(site, job_id)
    last = next(seen)["id"]
    seen.close()  # type: ignore[attr-defined]

    again = follow(site, job_id, **{"Last-Event-ID": last})
    progress(site, job_id, 0.5)
    assert json.loads(next(again)["data"])["status"] == "running"
    again.close()  # type: ignore[attr-defined]
    late = follow(site, job_id, **{"Last-Event-ID": last})
    assert json.loads(next(late)["data"])["status"] == "running"
    late.close()  # type: ignore[attr-defined]


def test_an_ended_job_is_shown_once(site: Site) -> None:
    """Who comes late sees the end; who has seen it is told not to come again."""
    job_id = site.submit()["id"]
    site.client.post(f"/v1/jobs/{job_id}/cancel")
    (only,) = follow(site, job_id)
    answer = site.client.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": only["id"]})

    assert json.loads(only["data"])["status"] == "cancelled"
    assert (answer.status_code, answer.text) == (204, "")


def test_a_deleted_job_ends_its_stream(site: Site) -> None:
    """Nobody keeps listening to a job that is gone."""
    job_id = site.submit()["id"]
    seen = follow(site, job_id)
    next(seen)
    site.client.delete(f"/v1/jobs/{job_id}")

    assert list(seen) == []


def test_silence_is_filled(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing happens, comments keep proxies from cutting the line."""
    monkeypatch.setattr(stream, "HEARTBEAT_SEC", 0.01)
    job_id = site.submit()["id"]
    with site.client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        comments = (line for line in answer.iter_lines() if line.startswith(":"))
        assert [next(comments) for _ in range(3)] == [": still here"] * 3


class Watch:
    """Documents whose changes the test makes itself."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started = threading.Event()
        self.ended = threading.Event()
        self.tell: Callable[[Document | None], None]
        monkeypatch.setattr(type(site.place.place.documents), "watch", self.watch)

    def watch(self, collection: str, id: str, on_change: Callable[[Document | None], None]) -> Unsubscribe:
        self.tell = on_change
        self.started.set()
        return self.ended.set


def test_who_goes_away_is_forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the client hangs up, the watch behind its stream ends."""
    watch = Watch(site, monkeypatch)
    job_id = site.submit()["id"]
    with site.client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        assert next(answer.iter_lines()).startswith("retry:")
        assert watch.started.wait(PATIENCE_SEC)

    assert watch.ended.wait(PATIENCE_SEC)


def test_a_watch_may_outlive_the_stream(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that is told after the stream has ended disturbs nobody."""
    watch = Watch(site, monkeypatch)
    job_id = site.submit()["id"]
    with site.client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        next(answer.iter_lines())
    assert watch.ended.wait(PATIENCE_SEC)
    watch.tell(None)

    assert site.client.get("/healthz").status_code == 200


def test_many_changes_at_once_are_one_event(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is slower than the changes gets the newest state, not all of them one after the other."""
    watch = Watch(site, monkeypatch)
    job_id = site.submit()["id"]
    stored = site.place.place.documents.get("jobs", job_id)
    assert stored is not None
    held = threading.Event()
    monkeypatch.setattr(stream, "render_job", slow_first(stream.render_job, held))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(lambda: list(follow(site, job_id)))
        assert watch.started.wait(PATIENCE_SEC)
        watch.tell(stored)
        assert held.wait(PATIENCE_SEC)
        for number in range(100):
            data: dict[str, Any] = stored.data | {"status": "cancelled" if number == 99 else "running"}
            watch.tell(Document(job_id, data, f"v{number}"))
        held.clear()
        seen = reading.result(PATIENCE_SEC)

    assert seen[-1]["id"] == "v99"
    assert len(seen) < 10


def slow_first(render: Callable[[Document], Any], held: threading.Event) -> Callable[[Document], Any]:
    """Renders its first document only after `held`, which it sets, was cleared again by the test."""
    turns = iter([True])

    def slow(document: Document) -> Any:
        if next(turns, False):
            held.set()
            while held.is_set():
                threading.Event().wait(0.001)
        return render(document)

    return slow


def test_listeners_do_not_use_up_threads(site: Site) -> None:
    """With more listeners than the server has threads, requests are still answered and all listeners hear the end."""
    job_id = site.submit()["id"]
    ready = threading.Barrier(CLIENTS + 1)
    limits = httpx.Limits(max_connections=CLIENTS)

    with httpx.Client(base_url=site.url, limits=limits) as clients, ThreadPoolExecutor(CLIENTS) as pool:

        def listen(_: int) -> str:
            with clients.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
                lines = answer.iter_lines()
                next(line for line in lines if line.startswith("data:"))
                ready.wait(PATIENCE_SEC)
                return str(json.loads([line for line in lines if line.startswith("data:")][-1][6:])["status"])

        heard = [pool.submit(listen, number) for number in range(CLIENTS)]
        ready.wait(PATIENCE_SEC)
        assert site.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 200
        assert {result.result(PATIENCE_SEC) for result in heard} == {"cancelled"}
