"""Following a job over streams that break, and without any."""

from __future__ import annotations

from typing import Any

import pytest

from infra.api_client import ApiClient, ApiError, ServerUnreachable
from infra.cli.progress import MAX_FAILURES, follow_job
from tests.unit.cli.scripted import ID, Script, job, serving

EVENTS, JOB = f"/v1/jobs/{ID}/events", f"/v1/jobs/{ID}"


def follow(script: Script) -> list[dict[str, Any]]:
    with serving(script), ApiClient(script.url) as api:
        return list(follow_job(api, ID, pause=lambda seconds: None))


def test_a_job_is_seen_until_it_ends() -> None:
    """Each state that the server sends is shown once, and the last one is the end."""
    script = Script([([job(progress=10), job(progress=60, filename="été\u2028.mp4"), job("done")], "close")])
    assert [state["progress"] for state in follow(script)] == [10, 60, 100]
    assert len(script.requests) == 1


@pytest.mark.parametrize("break_", ["close", "cut"])
def test_a_broken_stream_is_taken_up_where_it_broke(break_: str) -> None:
    """After a broken connection the stream goes on after the last whole event; half an event is not shown."""
    script = Script([([job(progress=10)], break_), ([job(progress=20)], break_), ([job("done")], "close")])
    assert [state["progress"] for state in follow(script)] == [10, 20, 100]
    assert [headers.get("last-event-id") for headers in script.requests_to("GET", EVENTS)] == [None, "v10", "v20"]


def test_a_server_that_restarts_is_waited_for() -> None:
    """Answers of a server that is just starting do not end the following."""
    script = Script([([], 503), ([job(progress=30)], "cut"), ([], 503), ([job("done")], "close")])
    assert [state["progress"] for state in follow(script)] == [30, 100]
    assert not script.requests_to("GET", JOB)


@pytest.mark.parametrize("streams", [[([], 405)], [([], "close")] * 3], ids=["none", "held back"])
def test_without_a_stream_the_job_is_asked_for(streams: list[tuple[list[dict[str, Any]], str | int]]) -> None:
    """Where no events come through, the job is followed all the same, by asking for it again and again."""
    script = Script(list(streams), polled=[job(progress=40), job("failed", progress=50)])
    assert [state["progress"] for state in follow(script)] == [40, 50]
    assert len(script.requests_to("GET", EVENTS)) == len(streams)


def test_a_job_that_ended_between_two_streams_is_seen() -> None:
    """When a stream has nothing new to send because all was seen, the end is found out by asking."""
    script = Script([([job(progress=70)], "cut")], polled=[job("cancelled")])
    assert [state["status"] for state in follow(script)] == ["running", "cancelled"]


def test_a_deleted_job_ends_the_following() -> None:
    """A job that was deleted meanwhile is told, not waited for."""
    script = Script([([], 404)])
    with serving(script), ApiClient(script.url) as api, pytest.raises(ApiError, match="not_found"):
        list(follow_job(api, "deleted", pause=lambda seconds: None))


def test_a_server_that_stays_away_ends_the_following() -> None:
    """After about a minute without an answer the user is told how to find the server again."""
    with serving(Script()) as script:
        pass
    pauses: list[float] = []
    with ApiClient(script.url) as api, pytest.raises(ServerUnreachable, match="clipwise up"):
        list(follow_job(api, ID, pauses.append))
    assert len(pauses) == MAX_FAILURES
    assert 30 < sum(pauses) < 120
