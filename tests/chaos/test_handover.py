"""The stages of one job on one worker: what others that wait get, and what a kill between two stages leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.runtimes.embedded.recovery import crash_reason, record_crash
from infra.runtimes.embedded.workers import handle_delivery
from shared.errors import StorageUnavailable
from shared.models.job import Job, JobStatus, StageStatus
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import read_job
from shared.platform.embedded.bus import SqliteBus
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.place import use_place
from tests.unit.embedded.conftest import reopen
from tests.unit.embedded.processes import ROOT
from tests.video_samples import plain_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return plain_video(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=1, width=160, height=120).read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[EmbeddedPlace]:
    place = reopen(tmp_path)
    with use_place(place.place):
        yield place


def submit(place: EmbeddedPlace, clip: bytes) -> str:
    job = lifecycle.plan_job(owner="a", kind="metadata", language="en", size=len(clip), upload_ttl_sec=600)
    lifecycle.start_job(place.place, job)
    place.place.objects.put(UPLOADS, source_name(job.id), clip, "video/mp4")
    return job.id


def work(place: EmbeddedPlace, function: str) -> None:
    """What a worker does with the next delivery of a function."""
    delivery = place.queue.claim([function])
    assert delivery is not None
    handle_delivery(place.queue, delivery)


def job(place: EmbeddedPlace, job_id: str) -> Job:
    stored = read_job(place.place.documents, job_id)
    assert stored is not None
    return stored


def test_the_stages_of_a_job_stay_on_one_worker(place: EmbeddedPlace, clip: bytes) -> None:
    """With nothing else to do, the worker that took a short job ends it: nobody else has to wake up."""
    job_id = submit(place, clip)
    work(place, "extract")
    assert job(place, job_id).status is JobStatus.DONE
    assert [state.attempts for state in job(place, job_id).stages.values()] == [1, 1]
    assert place.queue.depth() == {}


def test_jobs_that_wait_are_not_overtaken(place: EmbeddedPlace, clip: bytes) -> None:
    """Where another job waits for the next stage, a job gets in line behind it, and the worker is free."""
    place.place.bus.publish("analysis-completed", {"jobId": "other", "stage": "persist"})
    job_id = submit(place, clip)
    work(place, "extract")
    assert job(place, job_id).stages["persist"].status is StageStatus.PENDING
    order = [delivery.data["jobId"] for _ in range(2) if (delivery := place.queue.claim(["persist"]))]
    assert order == ["other", job_id]


def test_a_worker_keeps_one_message_for_itself(place: EmbeddedPlace) -> None:
    """Of many messages that a function sends, the worker takes one, and other workers share the rest."""
    with place.queue.handing_over("persist") as handover:
        for number in range(3):
            place.place.bus.publish("analysis-completed", {"n": number})
        place.place.bus.publish("video-requested", {})
    own = place.queue.handed_over(handover)
    assert own is not None
    assert (own.data, own.count) == ({"n": 0}, 1)
    others = [delivery.data for _ in range(3) if (delivery := place.queue.claim(["persist"]))]
    assert others == [{"n": 1}, {"n": 2}]
    assert place.queue.acknowledge(own)
    assert place.queue.claim(["download"])


def test_a_message_that_was_never_sent_is_not_kept(place: EmbeddedPlace) -> None:
    """If a stage could not be recorded as done, its worker does not begin the next one."""

    def send_and_fail() -> None:
        with place.place.one_commit():
            place.place.bus.publish("analysis-completed", {})
            raise ValueError("disk")

    with place.queue.handing_over("persist") as handover, pytest.raises(ValueError, match="disk"):
        send_and_fail()
    assert place.queue.handed_over(handover) is None


def test_a_kill_between_two_stages_loses_nothing(tmp_path: Path, place: EmbeddedPlace, clip: bytes) -> None:
    """A worker that dies with the next stage in hand leaves it to another one, and the job has one result."""
    job_id = submit(place, clip)
    command = [sys.executable, "-m", "tests.chaos.handover_worker", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT) as worker:
        assert worker.wait() == -signal.SIGKILL
    assert job(place, job_id).stages["extract"].status is StageStatus.DONE
    assert place.queue.claim() is None, "the stage was free before the worker's end was noticed"
    record_crash(place, worker.pid, crash_reason(-signal.SIGKILL, out_of_memory=False))
    work(place, "persist")
    assert job(place, job_id).status is JobStatus.DONE
    assert [state.attempts for state in job(place, job_id).stages.values()] == [1, 1]
    assert [video.id for video in place.place.documents.query("videos").documents] == [job_id]


def test_a_stage_ends_together_with_its_message(
    place: EmbeddedPlace, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk between the end of a stage and its message undoes both, and the stage is tried again."""
    job_id = submit(place, clip)
    publish, refused = SqliteBus.publish, []

    def refuse_once(*arguments: object, **options: object) -> str:
        if not refused:
            refused.append(True)
            raise StorageUnavailable("storage_full", "full")
        return publish(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteBus, "publish", refuse_once)
    work(place, "extract")
    assert job(place, job_id).stages["extract"].status is StageStatus.RUNNING
    assert job(place, job_id).outbox == []
    place.queue.release_all()
    work(place, "extract")
    assert job(place, job_id).status is JobStatus.DONE
