"""The sweep: bounded, continued by the next run, and none of its parts stops another."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from functions.sweep import main as function
from shared import clock
from shared.datasets.store import DATASETS, delete_dataset, run_owner
from shared.models.job import Job, JobStatus
from shared.models.shard import ALL_SHARDS, SHARDS, shard_of
from shared.models.statistics import Statistics
from shared.pipeline import statistics
from shared.pipeline import sweep as sweeping
from shared.pipeline.deadline import Deadline
from shared.pipeline.job_storage import DELETED, JOBS, UPLOADS, source_name
from shared.pipeline.jobs import change_job, create_job, end_job, read_job
from shared.pipeline.lifecycle import delete_job_records, plan_job
from shared.pipeline.statistics import count_ended_jobs, read_days
from shared.pipeline.sweep import sweep, sweep_shard
from shared.pipeline.sweep_scope import SweepScope
from shared.platform.embedded.database import Database
from shared.platform.embedded.documents import SqliteDocuments
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.embedded.schema import MIGRATIONS
from shared.platform.place import use_place
from shared.platform.ports import Place
from shared.settings import Settings


@pytest.fixture
def embedded(tmp_path: Path) -> EmbeddedPlace:
    return open_embedded_place(Settings(clipwise_data=tmp_path))


@pytest.fixture
def place(embedded: EmbeddedPlace) -> Place:
    return embedded.place


def old_job(place: Place, number: int = 0) -> Job:
    """A job whose video is kept for a day and that ended two days ago."""
    job = plan_job(owner="ann", kind="metadata", language="en", upload_ttl_sec=60, job_id=f"{number:032x}")
    place.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")
    job.status = JobStatus.DONE
    job.ended_at = clock.now() - timedelta(days=2)
    return create_job(place.documents, job)


def stuck_job(place: Place) -> Job:
    """A job whose first message was lost an hour ago."""
    job = create_job(
        place.documents, plan_job(owner="ann", kind="metadata", language="en", url="https://example.com/a.mp4")
    )
    stored = place.documents.get(JOBS, job.id)
    assert stored
    due = {"wakeAt": clock.now() - timedelta(minutes=1)}
    place.documents.replace(JOBS, job.id, stored.data | due, stored.version)
    return job


def sources(place: Place) -> int:
    return len(list(place.objects.list(UPLOADS)))


def outbox_of(place: Place, job: Job) -> list[Any]:
    stored = read_job(place.documents, job.id)
    assert stored
    return stored.outbox


def ticks(embedded: EmbeddedPlace) -> list[dict[str, Any]]:
    """The messages that wait for the sweep."""
    rows = embedded.database.connection.execute("SELECT data FROM deliveries WHERE function = 'sweep'")
    return [json.loads(row["data"]) for row in rows]


def tick(**data: Any) -> CloudEvent:
    message = {"message": {"data": base64.b64encode(json.dumps(data).encode()).decode()}}
    return CloudEvent({"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//tests"}, message)


def test_a_stuck_job_does_not_wait_for_old_sources(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many videos are to be deleted, a lost message is sent again by the next tick."""
    monkeypatch.setattr("shared.pipeline.sweep_scope.PAGE", 3)
    for number in range(7):
        old_job(place, number)
    job = stuck_job(place)
    sweep(place)
    assert outbox_of(place, job) == []
    assert sources(place) == 4


def test_more_than_a_page_is_divided_among_the_shards(embedded: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog is worked off by a run for each shard, and together they leave nothing."""
    monkeypatch.setattr("shared.pipeline.sweep_scope.PAGE", 2)
    jobs = [old_job(embedded.place, number) for number in range(12)]
    sweep(embedded.place)
    assert sorted(data["shard"] for data in ticks(embedded)) == list(range(SHARDS))
    for data in ticks(embedded):
        sweep_shard(embedded.place, data["shard"], Deadline(60))
    assert sources(embedded.place) == 0
    assert all(job and job.source_deleted for job in (read_job(embedded.place.documents, job.id) for job in jobs))


def test_a_page_or_less_is_not_divided(embedded: EmbeddedPlace) -> None:
    """On a quiet day a tick is one run."""
    old_job(embedded.place)
    sweep(embedded.place)
    assert sources(embedded.place) == 0
    assert ticks(embedded) == []


def test_a_run_ends_at_its_deadline_and_the_next_one_goes_on(place: Place) -> None:
    """A sweep with too much to do is not cut off in the middle: it stops by itself and loses nothing."""
    job = old_job(place)
    sweep_shard(place, shard_of(job.id), Deadline(0))
    assert sources(place) == 1
    sweep_shard(place, shard_of(job.id), Deadline(60))
    assert sources(place) == 0


def test_a_job_that_changes_meanwhile_is_not_overwritten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A title that its owner sets while the sweep marks a page of jobs stays, and the mark follows."""
    job = old_job(place)
    delete = place.objects.delete_many

    def delete_and_rename(bucket: str, names: list[str]) -> None:
        delete(bucket, names)
        monkeypatch.undo()
        change_job(place.documents, job.id, lambda current: bool(setattr(current, "title", "Soup") or True))

    monkeypatch.setattr(type(place.objects), "delete_many", lambda _, *arguments: delete_and_rename(*arguments))
    sweep(place)
    sweep(place)
    stored = read_job(place.documents, job.id)
    assert stored
    assert (stored.title, stored.source_deleted) == ("Soup", True)


def test_a_step_that_fails_does_not_stop_the_others(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault delays one kind of work only, and the tick is refused so that it is seen."""

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    old_job(place)
    monkeypatch.setattr(sweeping, "SHARD_STEPS", (fail, *sweeping.SHARD_STEPS))
    monkeypatch.setattr(function, "erase_departed_users", fail)
    with use_place(place), pytest.raises(ExceptionGroup):
        function.sweep(tick())
    assert sources(place) == 0
    assert Statistics.total(read_days(place.documents, None, 5)).kinds["metadata"].done == 1


@pytest.mark.parametrize("data", [{}, {"shard": 0}])
def test_a_tick_while_the_same_work_runs_is_acknowledged(place: Place, data: dict[str, int]) -> None:
    """A slow sweep fills no queue with ticks and no dead letters: the one at work does their work."""
    old_job(place, next(number for number in range(999) if shard_of(f"{number:032x}") == 0))
    with use_place(place):
        with function.only_run(data.get("shard")):
            function.sweep(tick(**data))
            assert sources(place) == 1
        function.sweep(tick(**data))
    assert sources(place) == 0


def ended_job(place: Place, owner: str = "ann") -> Job:
    job = plan_job(owner=owner, kind="metadata", language="en", url="https://example.com/a.mp4")
    job.status, job.title = JobStatus.DONE, "Secret soup"
    end_job(job)
    assert job.ended_at
    job.ended_at -= timedelta(minutes=10)
    job.created_at = job.ended_at
    return create_job(place.documents, job)


def count(place: Place) -> None:
    count_ended_jobs(place.documents, lambda job: job.owner, Deadline(60))


def done(place: Place, owner: str | None = None) -> int:
    kinds = Statistics.total(read_days(place.documents, owner, 5)).kinds
    return sum(kind.done for kind in kinds.values())


@pytest.mark.parametrize("first", [count, lambda _: None])
def test_a_job_deleted_before_it_is_counted_counts(place: Place, first: Callable[[Place], None]) -> None:
    """Deleting a job does not change the numbers, whether the sweep has counted it already or not."""
    job = ended_job(place)
    first(place)
    delete_job_records(place, job)
    for _ in range(2):
        count(place)
    assert (done(place), done(place, "ann")) == (1, 1)


def test_the_record_of_a_deletion_keeps_no_content(place: Place) -> None:
    """Of a deleted job only what is counted stays, until the record expires."""
    job = ended_job(place)
    delete_job_records(place, job)
    record = place.documents.get(DELETED, job.id)
    assert record
    assert "soup" not in repr(record.data).lower()
    assert "example.com" not in repr(record.data)


def test_a_record_is_counted_before_it_expires(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that was down for days still counts the jobs deleted meanwhile."""
    delete_job_records(place, ended_job(place))
    later = clock.now() + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(place)
    count(place)
    assert done(place) == 1
    sweep(place)
    assert place.documents.query(DELETED).documents == []


def test_a_run_of_a_deleted_dataset_counts_for_its_owner(place: Place) -> None:
    """Deleting a dataset takes nothing from the statistics of the user who made it."""
    place.documents.put(DATASETS, "dogs", {"owner": "ann"})
    ended_job(place, run_owner("dogs"))
    delete_dataset(place, "dogs")
    count(place)
    assert (done(place), done(place, "ann")) == (1, 1)


def test_many_ends_are_counted_by_one_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on in steps until it has counted all or its time is over."""
    monkeypatch.setattr(statistics, "PAGE", 2)
    monkeypatch.setattr(statistics, "MAX_JOBS", 2)
    for seconds in range(5):
        job = ended_job(place)
        change_job(place.documents, job.id, lambda current, seconds=seconds: move_end(current, seconds))  # type: ignore[misc]
    count(place)
    assert done(place) == 5


def move_end(job: Job, seconds: int) -> bool:
    assert job.ended_at
    job.ended_at -= timedelta(seconds=seconds)
    return True


def test_jobs_of_an_earlier_version_are_swept(tmp_path: Path) -> None:
    """An update of one machine forgets neither a stuck job nor a source whose time to go was kept in another field."""
    before = [migration.name for migration in MIGRATIONS].index("shards")
    old = SqliteDocuments(Database(tmp_path / "clipwise.db", MIGRATIONS[:before]))
    past = clock.now() - timedelta(days=2)
    for id, status, outbox in (("ended", "done", []), ("stuck", "queued", [])):
        job = plan_job(owner="ann", kind="metadata", language="en", upload_ttl_sec=60, job_id=id)
        data = job.to_document() | {"status": status, "outbox": outbox, "wakeAt": past, "endedAt": past}
        old.put(JOBS, id, {key: value for key, value in data.items() if key not in ("shard", "sourceExpiresAt")})
    new = SqliteDocuments(Database(tmp_path / "clipwise.db", MIGRATIONS))
    scope = SweepScope(ALL_SHARDS, Deadline(60), whole=True)
    due = {
        field: [document.id for page in scope.due(new, JOBS, field, clock.now()) for document in page]
        for field in ("wakeAt", "sourceExpiresAt")
    }
    assert due == {"wakeAt": ["stuck"], "sourceExpiresAt": ["ended"]}
