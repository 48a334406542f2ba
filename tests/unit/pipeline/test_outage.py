"""Messages that cannot be sent: what was accepted is kept, and sent when that is possible again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.errors import NotFound, TransientError
from shared.models.job import Job, JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.jobs import read_job
from shared.pipeline.sweep import sweep
from shared.platform.ports import Place
from tests.unit.pipeline.fault_simulation import World, temporary_documents


class Outage:
    """A bus that takes nothing of the given jobs, or of any."""

    def __init__(self, error: Exception, *job_ids: str) -> None:
        self.error = error
        self.job_ids = job_ids
        self.sent: list[str] = []

    def publish(self, topic: str, data: dict[str, Any], attributes: dict[str, str] | None = None) -> str:
        if not self.job_ids or data["jobId"] in self.job_ids:
            raise self.error
        self.sent.append(data["jobId"])
        return "id"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield World(temporary_documents(tmp_path), patch)


def on(world: World, bus: Outage) -> Place:
    return Place(world.calm.documents, world.calm.objects, bus)


def planned(number: int = 0) -> Job:
    return lifecycle.plan_job(owner="a", kind="recipe", language="en", url=f"https://example.com/{number}.mp4")


@pytest.mark.parametrize("error", [TransientError("not_sent", "Later."), NotFound("topic")])
def test_a_job_is_accepted_although_nothing_can_be_sent(world: World, error: Exception) -> None:
    """Who submits a link while messages are down gets the job, which starts when they are up again."""
    job = lifecycle.start_job(on(world, Outage(error)), planned())
    stored = read_job(world.documents, job.id)
    assert stored
    assert [message.target for message in stored.outbox] == ["download"]
    world.settle()
    assert [done.status for done in world.jobs()] == [JobStatus.DONE]


def test_a_retry_is_accepted_although_nothing_can_be_sent(world: World) -> None:
    """The same holds for a failed job that is tried again."""
    job = lifecycle.start_job(world.calm, planned())
    world.trouble[job.id, "download"] = [TransientError("x", "X.")] * 4
    world.settle()
    assert [failed.status for failed in world.jobs()] == [JobStatus.FAILED]
    lifecycle.retry_job(on(world, Outage(TransientError("not_sent", "Later."))), job.id)
    world.settle()
    assert [done.status for done in world.jobs()] == [JobStatus.DONE]


def test_one_job_that_cannot_be_woken_keeps_no_other_waiting(world: World) -> None:
    """Sweep goes on past a job in trouble, and its tick is refused so that somebody hears of it."""
    down = on(world, Outage(TransientError("not_sent", "Later.")))
    first, *others = [lifecycle.start_job(down, planned(number)).id for number in range(4)]
    world.time = max(job.wake_at for job in world.jobs() if job.wake_at)
    bus = Outage(ValueError("too large"), first)
    with pytest.raises(ExceptionGroup):
        sweep(on(world, bus))
    assert sorted(bus.sent) == sorted(others)
