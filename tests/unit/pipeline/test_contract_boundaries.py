"""The stage contract at each single boundary: every port call that a stage makes, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import PermanentError, TransientError
from shared.models.job import Job, JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.contract import run_stage
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import read_job
from shared.pipeline.parts import parts_of
from shared.platform.place import use_place
from shared.wiring import wiring
from tests.unit.pipeline.fault_simulation import Event, Fate, World, cloud_event, temporary_documents

STAGES = ["download", "extract", "transcribe", "analyze", "persist"]
DELIVERIES = ["download", "extract", "transcribe", "transcribe/0", "transcribe/2", "analyze", "persist"]
"""The last part's includes the joining."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield World(temporary_documents(tmp_path), patch)


def start(world: World, *, by_url: bool = True, kind: str = "recipe") -> str:
    url = "https://example.com/v.mp4" if by_url else None
    job = lifecycle.plan_job(owner="a", kind=kind, language="en", url=url, upload_ttl_sec=3600)
    lifecycle.start_job(world.calm, job)
    return job.id


def now(world: World, job_id: str) -> Job:
    job = read_job(world.documents, job_id)
    assert job is not None
    return job


def calls_of(world: World, name: str) -> int:
    """How many port calls a delivery makes when nothing goes wrong."""
    start(world)
    while True:
        event = world.mailbox.pop(0)
        fate = Fate()
        world.deliver(event, fate)
        if event.name == name:
            return fate.calls


def test_a_job_gets_through_without_any_sweep(world: World) -> None:
    """In good weather, each stage sets off the next by itself."""
    job_id = start(world)
    while world.mailbox:
        assert world.deliver(world.mailbox.pop(0))
    job = now(world, job_id)
    assert job.status is JobStatus.DONE
    assert [state.attempts for state in job.stages.values()] == [1, 1, 1, 1, 1]
    assert job.outbox == []
    assert parts_of(world.documents, job_id) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", DELIVERIES)
def test_a_crash_at_any_port_call_loses_nothing(tmp_path: Path, name: str, after: bool) -> None:
    """A process that dies just before or after any of its calls leaves a job that still ends done."""
    with pytest.MonkeyPatch.context() as patch:
        count = calls_of(World(temporary_documents(tmp_path / "counting"), patch), name)
        assert count > 3
        for die_at in range(1, count + 1):
            world = World(temporary_documents(tmp_path / str(die_at)), patch)
            job_id = start(world)
            struck = False
            while world.mailbox:
                event = world.mailbox.pop(0)
                fate = Fate()
                if event.name == name and not struck:
                    fate, struck = Fate(die_at=die_at, die_after=after), True
                if not world.deliver(event, fate):
                    world.time += timedelta(minutes=2)
                    world.mailbox.append(event)
            world.settle()
            assert now(world, job_id).status is JobStatus.DONE, f"died at call {die_at}"
            assert world.bus.trespasses == set(), f"died at call {die_at}"


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_second_delivery_in_the_middle_does_no_work(tmp_path: Path, name: str) -> None:
    """While one delivery works on a stage, another of the same event is refused at whatever moment it comes."""
    with pytest.MonkeyPatch.context() as patch:
        count = calls_of(World(temporary_documents(tmp_path / "counting"), patch), name)
        for at in range(1, count + 1):
            world = World(temporary_documents(tmp_path / str(at)), patch)
            job_id = start(world)
            struck = False
            while world.mailbox:
                event = world.mailbox.pop(0)
                fate = Fate()
                if event.name == name and not struck:
                    struck = True
                    fate = Fate(meanwhile_at=at, meanwhile=lambda e=event, w=world: w.deliver(e))  # type: ignore[misc]
                if not world.deliver(event, fate):
                    world.mailbox.append(event)
                    world.time += timedelta(seconds=1)
            job = now(world, job_id)
            assert job.status is JobStatus.DONE
            assert world.worked[job_id, name] == 1, f"worked twice, second delivery at call {at}"
            assert job.outbox == []


def test_a_permanent_error_ends_the_job_at_once(world: World) -> None:
    """Bad input is answered after one attempt, with its code and the stage, and says that a retry cannot help."""
    job_id = start(world)
    world.trouble[job_id, "extract"] = [PermanentError("not_media", "This is not a video.")]
    while world.mailbox:
        assert world.deliver(world.mailbox.pop(0))
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.stage, job.error.retryable) == ("not_media", "extract", False)
    assert world.dead_letters == []
    assert (UPLOADS, source_name(job_id)) in world.objects.stored, "the user's file stays"


def test_attempts_used_up_fail_the_job_with_its_last_error(world: World) -> None:
    """What fails every time ends as failed, retryable, and on the dead-letter topic exactly once."""
    job_id = start(world)
    limit = wiring().functions["analyze"].attempts
    world.trouble[job_id, "analyze"] = [TransientError("model_down", "The model is down.") for _ in range(limit)]
    world.settle()
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.stage, job.error.retryable) == ("model_down", "analyze", True)
    assert job.stages["analyze"].attempts == limit
    assert world.dead_letters == [job_id]

    progress = job.progress
    lifecycle.retry_job(world.calm, job_id)
    world.settle()
    job = now(world, job_id)
    assert job.status is JobStatus.DONE
    assert job.stages["extract"].attempts == 1, "earlier stages are not run again"
    assert job.progress >= progress


def test_a_stage_that_dies_every_time_ends_too(world: World) -> None:
    """A video that kills its process on each attempt fails its job instead of going round for ever."""
    job_id = start(world, by_url=False)
    world.objects.put(UPLOADS, source_name(job_id), b"video", "video/mp4")
    for _ in range(wiring().functions["extract"].attempts):
        assert not world.deliver(Event("extract", job_id), Fate(die_at=5))
        world.time += timedelta(minutes=2)
    assert world.deliver(Event("extract", job_id))
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.code == "interrupted"
    assert world.dead_letters == [job_id]


def test_events_of_unknown_and_ended_jobs_are_acknowledged(world: World) -> None:
    """An event that is of no use any more is taken off the queue and does nothing."""
    assert world.deliver(Event("extract", "nobody"))
    job_id = start(world)
    lifecycle.cancel_job(world.calm, job_id)
    assert world.deliver(Event("download", job_id))
    assert now(world, job_id).status is JobStatus.CANCELLED
    assert world.objects.stored == {}


def test_cancelling_stops_a_running_stage_at_its_next_tick(world: World) -> None:
    """A user who cancels does not wait for the stage to end, and gets no result."""
    job_id = start(world)

    def work(run: object) -> None:
        lifecycle.cancel_job(world.calm, job_id)
        world.time += timedelta(seconds=2)
        run.tick(0.5)  # type: ignore[attr-defined]
        pytest.fail("went on after it was cancelled")

    event = world.mailbox.pop(0)
    with use_place(world.calm):
        run_stage(cloud_event(event), "download", job_id, work)
    job = now(world, job_id)
    assert job.status is JobStatus.CANCELLED
    assert world.mailbox == []


def test_deleting_a_running_job_leaves_nothing(world: World) -> None:
    """What a stage still writes after its job was deleted is removed when the stage notices."""
    job_id = start(world)
    world.deliver(world.mailbox.pop(0))

    def work(run: object) -> None:
        lifecycle.delete_job_records(world.calm, now(world, job_id))
        world.objects.put("media", f"{job_id}/late.jpg", b"late", "image/jpeg")

    with use_place(world.calm):
        run_stage(cloud_event(Event("extract", job_id)), "extract", job_id, work)
    assert world.objects.stored == {}
    assert read_job(world.documents, job_id) is None


def test_a_job_whose_video_is_gone_ends(world: World) -> None:
    """A video that was deleted before it could be looked at is not waited for until the end of time."""
    job_id = start(world)
    world.trouble[job_id, "extract"] = [TransientError("unavailable", "Try again later.")]
    while now(world, job_id).stages["extract"].attempts == 0:
        world.deliver(world.mailbox.pop(0))
    world.calm.objects.delete(UPLOADS, source_name(job_id))
    world.mailbox.clear()
    world.settle()
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error
    assert (job.error.code, job.error.stage, job.error.retryable) == ("source_gone", "extract", False)


def test_an_upload_that_never_comes_expires(world: World) -> None:
    """A job whose bytes do not arrive in time ends as failed with `upload_expired`."""
    job_id = start(world, by_url=False)
    for _ in range(5):
        world.time += timedelta(minutes=10)
        world.sweep()
        assert now(world, job_id).status is JobStatus.QUEUED
    world.time += timedelta(hours=2)
    world.sweep()
    job = now(world, job_id)
    assert job.error is not None
    assert job.error.code == "upload_expired"
    assert job.upload is not None
    assert job.upload.state == "expired"


def test_an_upload_whose_event_was_lost_is_found(world: World) -> None:
    """Bytes that arrived without their event being delivered are not called expired: the event is sent again."""
    job_id = start(world, by_url=False)
    world.objects.put(UPLOADS, source_name(job_id), b"video", "video/mp4")
    world.mailbox.clear()
    world.settle()
    assert now(world, job_id).status is JobStatus.DONE


def test_an_event_that_came_before_its_job_is_made_up_for(world: World) -> None:
    """Bytes whose event was delivered before the job could be seen are found within minutes, not when they expire."""
    job = lifecycle.plan_job(owner="a", kind="recipe", language="en", upload_ttl_sec=3600)
    world.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")
    assert world.deliver(world.mailbox.pop())
    lifecycle.start_job(world.calm, job)
    world.time += timedelta(minutes=6)
    world.sweep()
    assert world.mailbox == [Event("extract", job.id)]
    assert (UPLOADS, source_name(job.id)) in world.objects.stored


def test_bytes_that_come_after_their_job_was_deleted_go(world: World) -> None:
    """An upload that ends when its job is deleted already leaves nothing behind."""
    job_id = start(world, by_url=False)
    lifecycle.delete_job_records(world.calm, now(world, job_id))
    world.objects.put(UPLOADS, source_name(job_id), b"video", "video/mp4")
    assert world.deliver(world.mailbox.pop())
    assert world.objects.stored == {}
    world.time += timedelta(days=2)
    world.sweep()
    assert world.documents.get("deleted", job_id) is None


@pytest.mark.parametrize("broken", [False, True])
def test_the_source_goes_when_its_time_is_over(world: World, broken: bool) -> None:
    """The uploaded video is deleted after the retention time, whether the job went well or not, and not before."""
    job_id = start(world, by_url=False)
    world.objects.put(UPLOADS, source_name(job_id), b"video", "video/mp4")
    if broken:
        world.trouble[job_id, "extract"] = [PermanentError("not_media", "This is not a video.")]
    while world.mailbox:
        world.deliver(world.mailbox.pop(0))
    world.time += timedelta(hours=23)
    world.sweep()
    assert (UPLOADS, source_name(job_id)) in world.objects.stored
    world.time += timedelta(hours=2)
    world.sweep()
    assert (UPLOADS, source_name(job_id)) not in world.objects.stored
    job = now(world, job_id)
    assert job.source_deleted
    assert job.wake_at is None


def test_the_order_of_stages_survives_a_store_that_keeps_none(world: World) -> None:
    """A document whose map of stages comes back in another order is still the same plan."""
    job = now(world, start(world))
    data = job.to_document()
    data["stages"] = dict(reversed(data["stages"].items()))
    assert list(Job.read(data).stages) == STAGES
