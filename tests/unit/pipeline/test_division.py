"""A stage whose work is divided: its parts fail, come back and are counted one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import PermanentError, TransientError
from shared.models.job import Job, JobStatus, StageStatus
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import read_job
from shared.pipeline.parts import parts_of
from shared.platform.ports import Place
from shared.wiring import wiring
from tests.unit.pipeline.fault_simulation import DIVIDED, PARTS, Event, Fate, World, temporary_documents


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield World(temporary_documents(tmp_path), patch)


@pytest.fixture
def job_id(world: World) -> str:
    """A job whose sound has been taken out, with the messages of its parts in the mailbox."""
    job = lifecycle.plan_job(owner="a", kind="recipe", language="en", upload_ttl_sec=3600)
    lifecycle.start_job(world.calm, job)
    world.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")
    while world.mailbox[0].part is None:
        assert world.deliver(world.mailbox.pop(0))
    assert world.mailbox == [Event(DIVIDED, job.id, number) for number in range(PARTS)]
    return job.id


def now(world: World, job_id: str) -> Job:
    job = read_job(world.documents, job_id)
    assert job is not None
    return job


def test_progress_is_counted_from_the_parts(world: World, job_id: str) -> None:
    """Whoever watches the job sees how many parts are done, and what they gave so far, before all of them are."""
    seen = []
    for _ in range(2):
        assert world.deliver(world.mailbox.pop())
        state = now(world, job_id).stages[DIVIDED]
        seen.append((state.status, state.message, round(state.progress, 2), now(world, job_id).options["shown"]))
    assert seen == [
        (StageStatus.RUNNING, "1 of 3 parts are done", 0.33, 1),
        (StageStatus.RUNNING, "2 of 3 parts are done", 0.67, 2),
    ]


def test_one_bad_part_fails_the_job_with_its_reason(world: World, job_id: str) -> None:
    """What no retry can help fails the job at once, in the words of the part, and the other parts stop."""
    world.trouble[job_id, DIVIDED] = [PermanentError("provider_key_invalid", "Check the key.")]
    while world.mailbox:
        assert world.deliver(world.mailbox.pop(0))
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.stage, job.error.retryable) == ("provider_key_invalid", DIVIDED, False)
    assert sum(world.worked[job_id, f"{DIVIDED}/{number}"] for number in range(PARTS)) == 1


def test_a_retry_does_only_what_is_left(world: World, job_id: str) -> None:
    """A part that used up its attempts fails the job; trying the job again keeps what the others gave."""
    limit = wiring().functions[DIVIDED].attempts
    for _ in range(2):
        assert world.deliver(world.mailbox.pop(0))
    world.trouble[job_id, DIVIDED] = [TransientError("provider_busy", "Try again later.") for _ in range(limit)]
    last = world.mailbox.pop()
    for _ in range(limit - 1):
        assert not world.deliver(last)
        assert now(world, job_id).stages[DIVIDED].message == "Retrying: Try again later."
    assert world.deliver(last)
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == ("provider_busy", True)
    assert world.dead_letters == [job_id]

    lifecycle.retry_job(world.calm, job_id)
    world.settle()
    assert now(world, job_id).status is JobStatus.DONE
    assert [world.worked[job_id, f"{DIVIDED}/{number}"] for number in range(PARTS)] == [1, 1, limit + 1]


def test_a_part_that_dies_every_time_ends_the_job(world: World, job_id: str) -> None:
    """A part that kills its process on each attempt fails its job instead of going round for ever."""
    event = world.mailbox.pop()
    for _ in range(wiring().functions[DIVIDED].attempts):
        assert not world.deliver(event, Fate(die_at=6))
        world.time += timedelta(minutes=2)
    assert world.deliver(event)
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.code == "interrupted"
    assert world.dead_letters == [job_id]


def test_lost_messages_of_parts_are_made_up_for(world: World, job_id: str) -> None:
    """When the messages of two parts never come, sweep sends them again and the job gets done, no part done twice."""
    assert world.deliver(world.mailbox.pop())
    world.mailbox.clear()
    world.settle()
    assert now(world, job_id).status is JobStatus.DONE
    assert [world.worked[job_id, f"{DIVIDED}/{number}"] for number in range(PARTS)] == [1, 1, 1]


def test_a_late_message_of_a_part_does_nothing(world: World, job_id: str) -> None:
    """A part's message that comes again when all is over is acknowledged, costs no work and leaves no trace."""
    late = world.mailbox[0]
    world.settle()
    assert world.deliver(late)
    assert world.worked[job_id, late.name] == 1
    assert parts_of(world.documents, job_id) == []


def delete_records(place: Place, job_id: str) -> None:
    job = read_job(place.documents, job_id)
    assert job
    lifecycle.delete_job_records(place, job)


@pytest.mark.parametrize("end", [lifecycle.cancel_job, delete_records])
def test_parts_stop_with_their_job(world: World, job_id: str, end: object) -> None:
    """Cancelling or deleting the job stops a part at its next tick; of a deleted job nothing is left."""
    went_on = False

    def half_way(run: object, _: str) -> None:
        nonlocal went_on
        end(world.calm, job_id)  # type: ignore[operator]
        world.time += timedelta(seconds=2)
        run.tick(0.5)  # type: ignore[attr-defined]
        went_on = True

    world.half_way = half_way  # type: ignore[method-assign]
    while world.mailbox:
        assert world.deliver(world.mailbox.pop(0))
    assert not went_on
    if end is delete_records:
        assert parts_of(world.documents, job_id) == []
        assert world.objects.stored == {}
    else:
        assert now(world, job_id).status is JobStatus.CANCELLED
