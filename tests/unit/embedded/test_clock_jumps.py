"""A system clock that is set forward or back by a day while a server on one machine runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared import clock
from shared.errors import RetryLater
from shared.models.job import Job, JobError, StageStatus
from shared.pipeline import lifecycle
from shared.pipeline.contract import claim_stage, end_stage, fail_job
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import change_job, read_job
from shared.pipeline.sweep import sweep
from shared.platform.embedded.place import EmbeddedPlace
from tests.unit.embedded.conftest import Clock

DAY = 86_400


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of a server's processes."""
    monkeypatch.setattr(clock, "deletion_clock", clock.DeletionClock())
    monkeypatch.setenv(clock.STEADY_OFFSET, "")
    clock.start_steady_clock(os.environ)
    return


def stored_job(place: EmbeddedPlace) -> Job:
    plan = lifecycle.plan_job(owner="a", kind="metadata", language="en", upload_ttl_sec=3600)
    job = lifecycle.start_job(place.place, plan)
    place.place.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")
    return job


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_work_goes_on_after_a_jump(place: EmbeddedPlace, time: Clock, jump: int) -> None:
    """A delivery that waits is still due, one that a worker holds is still held, and so is its stage."""
    held, waiting = stored_job(place), stored_job(place)
    delivery = place.queue.claim(["extract"])
    assert delivery is not None
    assert claim_stage(place.place, "extract", held.id)
    time.move(jump)
    with pytest.raises(RetryLater):
        claim_stage(place.place, "extract", held.id)
    other = place.queue.claim(["extract"])
    assert other is not None
    assert waiting.id in other.data["name"]
    assert place.queue.claim(["extract"]) is None
    assert place.queue.extend_lease(delivery, 10)
    assert place.queue.acknowledge(delivery)


def test_a_delivery_waits_no_longer_after_a_restart(place: EmbeddedPlace, time: Clock) -> None:
    """If the clock was set back while the server was down, the queue does not wait for the old time."""
    stored_job(place)
    delivery = place.queue.claim(["extract"])
    assert delivery is not None
    place.queue.refuse(delivery, delay_sec=DAY)
    assert place.queue.claim(["extract"]) is None
    place.queue.release_all()
    assert place.queue.claim(["extract"])


def test_no_duration_is_negative(place: EmbeddedPlace, time: Clock) -> None:
    """A job that ran while the clock was set back did not end before it began."""
    job = stored_job(place)
    assert claim_stage(place.place, "extract", job.id)
    time.move(-DAY)

    def end(current: Job) -> bool:
        end_stage(current.stages["extract"], StageStatus.DONE)
        fail_job(current, "persist", JobError(code="internal", message="x", stage="persist", retryable=True))
        return True

    ended = change_job(place.place.documents, job.id, end)
    extract = ended.stages["extract"]
    assert extract.started_at
    assert extract.ended_at
    assert ended.ended_at
    assert job.created_at <= extract.started_at <= extract.ended_at <= ended.ended_at <= ended.updated_at


def test_a_jump_ahead_makes_nothing_old(place: EmbeddedPlace, time: Clock) -> None:
    """A clock that is set forward, perhaps by mistake, deletes no video, upload or file that is young."""
    done, waiting = stored_job(place), stored_job(place)
    lifecycle.cancel_job(place.place, done.id)
    plan = lifecycle.plan_job(owner="a", kind="metadata", language="en", upload_ttl_sec=3600)
    lifecycle.start_job(place.place, plan)
    place.place.objects.start_upload(UPLOADS, source_name(plan.id), "video/mp4", 6, 3600)
    orphan = place.settings.clipwise_data / "blobs" / "ab" / ("ab" + "0" * 30)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"still being written")
    time.move(2 * DAY)
    sweep(place.place)
    place.collect_garbage()
    for job in (done, waiting):
        assert place.place.objects.stat(UPLOADS, source_name(job.id))
    stored = read_job(place.place.documents, plan.id)
    assert stored is not None
    assert not stored.status.is_final
    assert orphan.exists()
    assert place.database.connection.execute("SELECT COUNT(*) FROM uploads").fetchone()[0] == 1


def test_a_new_time_is_believed_after_an_hour(time: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that was wrong and is right now ages data like any other, from the next hour on."""
    deletion = clock.DeletionClock()
    steady = clock.steady_now
    assert deletion.now() - clock.now() < timedelta(seconds=1)
    time.move(2 * DAY)
    assert clock.now() - deletion.now() > timedelta(days=1)
    time.move(3601)
    monkeypatch.setattr(clock, "steady_now", lambda: steady() + timedelta(seconds=3601))
    assert clock.now() - deletion.now() < timedelta(seconds=1)
    assert clock.now() - deletion.now() < timedelta(seconds=1)
