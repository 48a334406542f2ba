"""A divided stage that goes on without the parts that cannot be done: they are counted, and tried again alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import PermanentError, TransientError
from shared.models.job import Job, JobStatus, Part, StageStatus
from shared.pipeline import lifecycle
from shared.pipeline.divided_stage import DividedStage
from shared.pipeline.division import run_divided_stage
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import read_job
from shared.pipeline.parts import parts_of
from shared.platform.place import use_place
from shared.wiring import wiring
from tests.unit.pipeline.fault_simulation import DIVIDED, PARTS, Event, Fate, World, cloud_event, temporary_documents

ATTEMPTS = wiring().functions[DIVIDED].attempts


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield World(temporary_documents(tmp_path), patch, tolerant=True)


@pytest.fixture
def job_id(world: World) -> str:
    """A job whose parts' messages are in the mailbox."""
    job = lifecycle.plan_job(owner="a", kind="recipe", language="en", upload_ttl_sec=3600)
    lifecycle.start_job(world.calm, job)
    world.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")
    while world.mailbox[0].part is None:
        assert world.deliver(world.mailbox.pop(0))
    return job.id


def ended(world: World, job_id: str) -> Job:
    world.settle()
    job = read_job(world.documents, job_id)
    assert job is not None
    assert job.status is JobStatus.DONE
    return job


def statuses(world: World, job_id: str) -> list[StageStatus]:
    return [part.status for part in parts_of(world.documents, job_id)]


def work(world: World, job_id: str) -> list[int]:
    """How often each part was worked at."""
    return [world.worked[job_id, f"{DIVIDED}/{number}"] for number in range(PARTS)]


def test_a_bad_part_is_left_behind(world: World, job_id: str) -> None:
    """One part refuses its input for good: the others are done, and the joining sees which one failed and why."""
    world.trouble[job_id, DIVIDED] = [PermanentError("bad", "No.")]
    job = ended(world, job_id)
    assert job.options["failed"] == [0]
    assert statuses(world, job_id) == [StageStatus.FAILED, StageStatus.DONE, StageStatus.DONE]
    errors = [part.error.code for part in parts_of(world.documents, job_id) if part.error]
    assert (errors, work(world, job_id)) == (["bad"], [1, 1, 1])


def test_a_part_that_uses_up_its_attempts_is_left_behind(world: World, job_id: str) -> None:
    """A part that fails in a passing way each time is given up after as many attempts as the table allows."""
    last = world.mailbox.pop()
    world.trouble[job_id, DIVIDED] = [TransientError("busy", "Later.") for _ in range(ATTEMPTS)]
    for _ in range(ATTEMPTS - 1):
        assert not world.deliver(last)
    assert world.deliver(last)
    assert ended(world, job_id).options["failed"] == [2]
    assert work(world, job_id) == [1, 1, ATTEMPTS]


def test_a_part_that_dies_every_time_is_left_behind(world: World, job_id: str) -> None:
    """A part that kills its process on each attempt is given up, and says that it was cut off."""
    event = world.mailbox.pop()
    for _ in range(ATTEMPTS):
        assert not world.deliver(event, Fate(die_at=6))
        world.time += timedelta(minutes=2)
    assert world.deliver(event)
    ended(world, job_id)
    assert [part.error.code for part in parts_of(world.documents, job_id) if part.error] == ["interrupted"]


def test_a_part_goes_on_after_a_break(world: World, job_id: str) -> None:
    """A part that stops for a break is taken up again as often as it asks, and no attempt is counted for it."""
    world.again[job_id, 1] = ATTEMPTS + 3
    ended(world, job_id)
    assert work(world, job_id) == [1, ATTEMPTS + 4, 1]
    assert [part.attempts for part in parts_of(world.documents, job_id)] == [1, 1, 1]


def test_the_joining_may_ask_for_another_round(world: World, job_id: str) -> None:
    """Parts that are opened again are done again, alone, before the stage is."""
    world.rounds.add(job_id)
    ended(world, job_id)
    assert work(world, job_id) == [2, 1, 1]


class Counting:
    """Counts how many parts are read."""

    def __init__(self, documents: object) -> None:
        self._documents = documents
        self.read = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._documents, name)

    def query(self, collection: str, *args: object, **kwargs: object) -> object:
        page = self._documents.query(collection, *args, **kwargs)  # type: ignore[attr-defined]
        self.read += len(page.documents) if collection == "parts" else 0
        return page


def test_parts_are_not_all_read_whenever_one_ends(world: World, job_id: str) -> None:
    """What is read of the parts at each one's end does not grow with their number."""
    counting = Counting(world.documents)
    world.calm = world.calm.__class__(counting, world.calm.objects, world.calm.bus)  # type: ignore[arg-type]
    world.platform = world.calm
    world.half_way = lambda run, name: None  # type: ignore[method-assign]  # no time passes
    first = world.mailbox.pop(0)
    assert world.deliver(first)
    begun = counting.read
    assert world.deliver(world.mailbox.pop(0))
    assert counting.read == begun + 1


def test_what_is_shown_is_told(world: World, job_id: str) -> None:
    """Whoever mirrors the job gets it whenever it shows something new."""
    told: list[int] = []

    def show(job: Job, parts: list[Part]) -> None:
        job.options["shown"] = sum(part.status is StageStatus.DONE for part in parts)

    division = DividedStage(
        DIVIDED, world.work_part, show, world.join, True, lambda _, job: told.append(job.options["shown"])
    )
    with use_place(world.calm):
        for number in range(2):
            run_divided_stage(cloud_event(Event(DIVIDED, job_id, number)), division)
    assert told == [0, 0, 1]
