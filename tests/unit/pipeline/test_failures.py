"""What no user can mend: programming errors end a job at once, and every unexpected error can be found in the log."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.errors import PermanentError, StorageUnavailable
from shared.logs import PlainFormatter
from shared.models.job import Job, JobError, JobStatus, StageStatus
from shared.pipeline import failures, lifecycle
from shared.pipeline.contract import run_stage
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import read_job
from shared.pipeline.parts import parts_of
from shared.pipeline.stage_run import StageRun
from shared.platform.place import use_place
from shared.wiring import wiring
from tests.unit.pipeline.fault_simulation import DIVIDED, PARTS, Event, World, cloud_event, temporary_documents

BUGS = [
    TypeError("open() got an unexpected keyword argument 'metadata_errors'"),
    AttributeError("no attribute"),
    NameError("not defined"),
    ModuleNotFoundError("No module named 'cv2'"),
    SyntaxError("invalid syntax"),
    AssertionError(),
    NotImplementedError(),
    KeyError("id"),
    IndexError("list index out of range"),
]
PASSING = [ValueError("not JSON"), ZeroDivisionError(), RecursionError(), OSError("disk full")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield World(temporary_documents(tmp_path), patch)


@pytest.fixture
def tolerant_world(tmp_path: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield World(temporary_documents(tmp_path), patch, tolerant=True)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """The log as `clipwise up` prints it, with the fields of each line."""
    caplog.handler.setFormatter(PlainFormatter())
    caplog.set_level(logging.INFO)
    return lambda: caplog.text


def start(world: World, *, keep_source: bool | None = None) -> str:
    job = lifecycle.plan_job(owner="a", kind="recipe", language="en", upload_ttl_sec=3600, keep_source=keep_source)
    lifecycle.start_job(world.calm, job)
    world.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")
    return job.id


def now(world: World, job_id: str) -> Job:
    job = read_job(world.documents, job_id)
    assert job is not None
    return job


def work_on(world: World, event: Event, work: Callable[[StageRun], None]) -> None:
    with use_place(world.calm):
        run_stage(cloud_event(event), event.stage, event.job_id, work)


def incident_in(error: JobError | None) -> str:
    assert error is not None
    found = re.search(r"\(incident ([0-9a-f]{8})\)", error.message)
    assert found is not None, error.message
    return found[1]


def entry_of(log: str, incident: str) -> str:
    """The one entry of the log that has the incident, with its traceback."""
    entries = re.split(r"^\S+Z (?=[A-Z]+ [\w.]+: )", log, flags=re.MULTILINE)
    (entry,) = (entry for entry in entries if f"incident={incident}" in entry)
    return entry


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")], ids=["py", "system"]
)
def test_a_job_that_needs_too_much_memory_fails_with_advice(world: World, error: Exception) -> None:
    """A video that exceeds a worker's memory ends its own job at once, with its own code and the setting's name."""
    job_id = start(world)
    world.trouble[job_id, "extract"] = [error]
    assert world.deliver(world.mailbox.pop(0)), "it was to be acknowledged"
    job = now(world, job_id)
    assert (job.status, job.stages["extract"].attempts) == (JobStatus.FAILED, 1)
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == ("out_of_memory", True)
    assert "WORKER_MEMORY_MB" in job.error.message


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_programming_error_ends_the_job_at_once(world: World, log: Callable[[], str], bug: Exception) -> None:
    """Nobody waits for four attempts that all fail alike; the user and the operators learn where to look."""
    job_id = start(world)
    world.trouble[job_id, "extract"] = [bug]
    assert world.deliver(world.mailbox.pop(0)), "it was to be acknowledged"

    job = now(world, job_id)
    assert (job.status, job.stages["extract"].attempts) == (JobStatus.FAILED, 1)
    assert job.error is not None
    assert (job.error.code, job.error.stage, job.error.retryable) == ("internal", "extract", True)
    assert "a bug in the stage “extract”" in job.error.message
    assert "The file is kept." in job.error.message
    assert (UPLOADS, source_name(job_id)) in world.objects.stored
    entry = entry_of(log(), incident_in(job.error))
    assert entry.startswith("ERROR ")
    assert f"job={job_id}" in entry
    assert "Traceback" in entry
    assert type(bug).__name__ in entry.splitlines()[-1]
    assert world.dead_letters == [job_id]
    assert world.mailbox == []


def test_a_job_that_met_a_bug_can_be_retried_after_an_update(world: World) -> None:
    """With the next version a retry takes the job from the stage that had the bug to its end."""
    job_id = start(world)
    world.trouble[job_id, "analyze"] = [TypeError("wrong")]
    world.settle()
    assert now(world, job_id).status is JobStatus.FAILED
    lifecycle.retry_job(world.calm, job_id)
    world.settle()
    job = now(world, job_id)
    assert (job.status, job.stages["extract"].attempts) == (JobStatus.DONE, 1)
    assert world.dead_letters == [job_id]


def test_a_file_that_is_not_kept_is_not_called_so(world: World) -> None:
    """Who asked for the file to go at the job's end is not told that it is there."""
    job_id = start(world, keep_source=False)
    world.trouble[job_id, "extract"] = [TypeError("wrong")]
    world.settle()
    error = now(world, job_id).error
    assert error is not None
    assert "kept" not in error.message
    assert (UPLOADS, source_name(job_id)) not in world.objects.stored


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_an_unexpected_error_that_may_pass_is_tried_again(
    world: World, log: Callable[[], str], error: Exception
) -> None:
    """What data, a service or the machine may have caused uses all attempts; its last one is found by its incident."""
    job_id = start(world)
    limit = wiring().functions["extract"].attempts
    world.trouble[job_id, "extract"] = [error] * limit
    event = world.mailbox.pop(0)
    for _ in range(limit - 1):
        assert not world.deliver(event)
        incident_in(now(world, job_id).stages["extract"].error)
    assert world.deliver(event)

    job = now(world, job_id)
    assert (job.status, job.stages["extract"].attempts) == (JobStatus.FAILED, limit)
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == ("internal", True)
    entry = entry_of(log(), incident_in(job.error))
    assert entry.startswith("ERROR ")
    assert type(error).__name__ in entry.splitlines()[-1]
    assert world.dead_letters == [job_id]


WAITING = [
    StorageUnavailable("storage_busy", "Locked."),
    OSError(errno.ENOSPC, "No space left on device"),
    PermanentError("unreadable", "The file cannot be read."),
]


@pytest.mark.parametrize("error", WAITING, ids=["locked", "full", "refused for a full disk"])
def test_a_job_waits_for_room(world: World, error: Exception) -> None:
    """However often a stage meets a full disk or a locked database, its job ends done when there is room."""
    if isinstance(error, PermanentError):
        error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    job_id = start(world)
    world.trouble[job_id, "extract"] = [error] * 10
    event = world.mailbox.pop(0)
    for _ in range(10):
        assert not world.deliver(event)
        state = now(world, job_id).stages["extract"]
        assert (state.attempts, state.lease) == (0, None)
        assert state.error
        assert state.error.code in ("storage_busy", "storage_full")
    assert world.deliver(event)
    world.settle()
    assert now(world, job_id).status is JobStatus.DONE


def test_a_failure_is_recorded_when_the_storage_takes_it(
    world: World, log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that cannot even note that the disk is full waits, and its attempt is given back."""
    monkeypatch.setattr(failures, "FIRST_PAUSE_SEC", 0.0)
    full = StorageUnavailable("storage_full", "Full.")
    errors: list[Exception] = [full, full]

    def record() -> str:
        if errors:
            raise errors.pop()
        return "recorded"

    assert failures.record_despite_storage(record) == "recorded"
    assert "waiting for the storage" in log()


def test_a_bug_in_what_a_stage_leaves_ends_the_job_at_once(world: World) -> None:
    """A result that cannot be written does not keep its own failure from being written."""
    job_id = start(world)

    def work(run: StageRun) -> None:
        run.add_result(lambda job: job.no_such_method())  # type: ignore[attr-defined]

    work_on(world, world.mailbox.pop(0), work)
    job = now(world, job_id)
    assert (job.status, job.stages["extract"].attempts) == (JobStatus.FAILED, 1)
    incident_in(job.error)


def test_a_shutdown_is_no_incident(world: World) -> None:
    """An attempt that a shutdown cuts off does not count, and the user is not told of an error that is none."""
    job_id = start(world)

    def work(run: StageRun) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        work_on(world, world.mailbox.pop(0), work)
    state = now(world, job_id).stages["extract"]
    assert (state.attempts, state.error, state.message, state.lease) == (0, None, None, None)


def test_a_bug_in_one_part_ends_the_job_at_once(world: World, log: Callable[[], str]) -> None:
    """The same holds for a stage that is divided: the part is not tried again, and the others stop."""
    job_id = start(world)
    world.trouble[job_id, DIVIDED] = [TypeError("wrong")]
    while world.mailbox:
        assert world.deliver(world.mailbox.pop(0))
    job = now(world, job_id)
    assert job.status is JobStatus.FAILED
    entry = entry_of(log(), incident_in(job.error))
    assert entry.startswith("ERROR ")
    assert f"job={job_id} stage={DIVIDED}" in entry
    assert sum(world.worked[job_id, f"{DIVIDED}/{number}"] for number in range(PARTS)) == 1
    assert world.dead_letters == [job_id]


def test_a_bug_in_a_part_that_is_not_needed_leaves_it_behind(tolerant_world: World, log: Callable[[], str]) -> None:
    """Where a stage can do without a part, the part fails at once with its incident, and the others are done."""
    world = tolerant_world
    job_id = start(world)
    world.trouble[job_id, DIVIDED] = [TypeError("wrong")]
    world.settle()
    assert now(world, job_id).status is JobStatus.DONE
    failed, *others = parts_of(world.documents, job_id)
    assert (failed.status, failed.attempts) == (StageStatus.FAILED, 1)
    assert entry_of(log(), incident_in(failed.error)).startswith("ERROR ")
    assert {part.status for part in others} == {StageStatus.DONE}
