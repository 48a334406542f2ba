"""Work whose process ended: the reason in the job, the end of files that crash their worker, and restarts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from infra.runtimes.embedded.recovery import (
    MAX_RESTARTS,
    TIMEOUT_EXIT_CODE,
    crash_reason,
    record_crash,
    recover_work,
)
from shared.models.job import Job, JobStatus, Lease, Part, StageState, StageStatus
from shared.pipeline import jobs, lifecycle
from shared.pipeline.contract import acquire_lease
from shared.pipeline.job_storage import PARTS
from shared.pipeline.parts import change_part, new_part, part_id
from shared.pipeline.stage_run import is_held_by, lease_end, new_holder
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.settings import read_settings

WORKER = 4711
SEGV = crash_reason(-signal.SIGSEGV, out_of_memory=False)


@pytest.fixture
def embedded(tmp_path: Path) -> EmbeddedPlace:
    return open_embedded_place(read_settings({"CLIPWISE_DATA": str(tmp_path / "data")}))


def plan(embedded: EmbeddedPlace) -> str:
    job = lifecycle.plan_job(owner="a", kind="recipe", language="en", upload_ttl_sec=3600)
    lifecycle.start_job(embedded.place, job)
    return job.id


def lease(embedded: EmbeddedPlace, job_id: str, stage: str = "extract", worker: int = WORKER) -> None:
    """Begin an attempt, as a worker does."""

    def begin(job: Job) -> bool:
        job.status = JobStatus.RUNNING
        acquire_lease(job.stages[stage], f"{worker}-holder")
        return True

    jobs.change_job(embedded.place.documents, job_id, begin)


def read(embedded: EmbeddedPlace, job_id: str) -> tuple[Job, StageState]:
    job = jobs.read_job(embedded.place.documents, job_id)
    assert job is not None
    return job, job.stages["extract"]


@pytest.mark.parametrize(
    ("exit_code", "out_of_memory", "code", "retryable", "word"),
    [
        (-signal.SIGSEGV, True, "worker_crashed", False, "SIGSEGV"),
        (-signal.SIGABRT, False, "worker_crashed", False, "SIGABRT"),
        (1, False, "worker_crashed", False, "exit code 1"),
        (-signal.SIGKILL, True, "out_of_memory", True, "no memory left"),
        (-signal.SIGKILL, False, "interrupted", True, "SIGKILL"),
        (TIMEOUT_EXIT_CODE, False, "timed_out", True, "540 seconds"),
        (-signal.SIGALRM, False, "timed_out", True, "540 seconds"),
    ],
)
def test_the_reason_names_what_ended_the_worker(
    exit_code: int, out_of_memory: bool, code: str, retryable: bool, word: str
) -> None:
    """A user learns what happened and whether a retry can help; a kill for lack of memory is no crash of the file."""
    error = crash_reason(exit_code, out_of_memory=out_of_memory)("extract")
    assert (error.code, error.retryable, error.stage) == (code, retryable, "extract")
    assert word in error.message


def test_the_second_crash_in_a_row_ends_the_job(embedded: EmbeddedPlace) -> None:
    """A file that crashes its worker is tried once more and then never again; other workers' jobs are untouched."""
    bad, other = plan(embedded), plan(embedded)
    lease(embedded, other, worker=WORKER + 1)
    lease(embedded, bad)
    record_crash(embedded, WORKER, SEGV)
    job, state = read(embedded, bad)
    assert (job.status, state.attempts, state.interruptions, state.lease) == (JobStatus.RUNNING, 1, 1, None)
    assert "SIGSEGV" in (state.message or "")

    lease(embedded, bad)
    record_crash(embedded, WORKER, SEGV)
    job, state = read(embedded, bad)
    assert (job.status, state.attempts, state.interruptions) == (JobStatus.FAILED, 2, 2)
    assert job.error is not None
    assert job.error.code == "worker_crashed"
    job, state = read(embedded, other)
    assert (job.status, state.interruptions) == (JobStatus.RUNNING, 0)
    assert state.lease is not None


def test_jobs_that_shared_a_crashed_worker_are_not_blamed(embedded: EmbeddedPlace) -> None:
    """Where eight downloads share a worker, seven of them do not fail because of the eighth."""
    pair = plan(embedded), plan(embedded)
    for _ in range(2):
        for job_id in pair:
            lease(embedded, job_id)
        record_crash(embedded, WORKER, SEGV)
    for job_id in pair:
        assert read(embedded, job_id)[0].status is JobStatus.RUNNING
    lease(embedded, pair[1])
    record_crash(embedded, WORKER, SEGV)
    assert [read(embedded, job_id)[0].status for job_id in pair] == [JobStatus.RUNNING, JobStatus.FAILED]


def test_a_part_that_crashes_its_worker_twice_fails_alone(embedded: EmbeddedPlace) -> None:
    """A dataset's chunk with an image that crashes its worker ends, and the other chunks go on."""
    documents = embedded.place.documents
    job_id = plan(embedded)
    part = new_part(read(embedded, job_id)[0], "validate", 3)
    id = part_id(job_id, "validate", 3)
    documents.create(PARTS, id, part.to_document())
    for _ in range(2):
        change_part(documents, id, lambda part: bool(acquire_lease(part, f"{WORKER}-holder") or True))
        record_crash(embedded, WORKER, SEGV)
    stored = documents.get(PARTS, id)
    assert stored is not None
    failed = Part.read(stored.data)
    assert (failed.status, failed.attempts) == (StageStatus.FAILED, 2)
    assert failed.error is not None
    assert failed.error.code == "worker_crashed"


def test_restarts_are_free_only_so_often(embedded: EmbeddedPlace) -> None:
    """A file that brings down the whole machine at each start uses up its attempts in the end."""
    job_id = plan(embedded)
    for number in range(MAX_RESTARTS + 2):
        lease(embedded, job_id)
        recover_work(embedded)
        assert read(embedded, job_id)[1].attempts == max(0, number + 1 - MAX_RESTARTS)


def test_only_a_worker_with_one_slot_takes_what_another_abandoned(embedded: EmbeddedPlace) -> None:
    """What may have crashed a worker comes again at once, where nothing else runs."""
    plan(embedded)
    embedded.place.bus.publish("video-requested", {})
    delivery = embedded.queue.claim(["download"])
    assert delivery is not None
    embedded.queue.expire_leases(1)
    assert embedded.queue.claim(["extract"], abandoned=["download"]) is None
    embedded.queue.expire_leases(os.getpid())
    assert embedded.queue.claim(["download"], abandoned=[]) is None
    again = embedded.queue.claim(["extract"], abandoned=["download"])
    assert again is not None
    assert (again.id, again.count) == (delivery.id, 2)


def test_a_lease_names_its_process() -> None:
    """The supervisor finds what a crashed worker held."""
    state = StageState(lease=Lease(holder=new_holder(), until=lease_end()))
    assert is_held_by(state, os.getpid())
    assert not is_held_by(state, os.getpid() + 1)
