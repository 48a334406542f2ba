"""The drop bucket over every place, with its real events: an object becomes a job, and stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudevents.http import CloudEvent

from infra.runtimes.embedded.workers import load_function
from shared.models.events import object_of
from shared.models.job import Job
from shared.pipeline.job_storage import DROP, JOBS, UPLOADS, source_name
from shared.pipeline.jobs import read_job
from shared.platform.place import use_place
from shared.settings import settings
from tests.contract.adapters import Adapter
from tests.video_samples import plain_video


@pytest.fixture
def owner(adapter: Adapter, fresh: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The account that owns the jobs, in a process of the place."""
    monkeypatch.setenv("DROP_OWNER", fresh)
    monkeypatch.setenv("DROP_KIND", "metadata")
    settings.cache_clear()
    with use_place(adapter.platform):
        yield fresh
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_video(tmp_path_factory.mktemp("videos") / "clip.mp4", seconds=1)


def jobs(adapter: Adapter, owner: str) -> list[Job]:
    return [Job.read(each.data) for each in adapter.platform.documents.query(JOBS, [("owner", "==", owner)]).documents]


def next_event(adapter: Adapter, function: str, name: str) -> CloudEvent:
    while object_of(event := adapter.receive(function)).name != name:
        pass  # of another test
    return event


def drop(adapter: Adapter, name: str, content: bytes | Path) -> CloudEvent:
    """Put an object, have `ingest` run; return its event."""
    adapter.platform.objects.put(DROP, name, content, "video/mp4")
    event = next_event(adapter, "ingest", name)
    load_function("ingest")(event)
    return event


def finish(adapter: Adapter, job_id: str) -> Job:
    """Run the job's stages, set off by the copy in `uploads`."""
    load_function("extract")(next_event(adapter, "extract", source_name(job_id)))
    job = read_job(adapter.platform.documents, job_id)
    assert job is not None
    if not job.status.is_final:
        load_function("persist")(adapter.receive("persist"))
    job = read_job(adapter.platform.documents, job_id)
    assert job is not None
    return job


def test_each_generation_of_an_object_becomes_one_job(adapter: Adapter, owner: str, video: Path) -> None:
    """A video that is put into the bucket becomes a result of the owner's; put again, it becomes a second one; an
    event that comes twice makes no third; and the object stays where it was put."""
    name, objects = f"{owner}/Grandma's soup.mp4", adapter.platform.objects
    first = drop(adapter, name, video)
    (job,) = jobs(adapter, owner)
    done = finish(adapter, job.id)
    assert (done.status, done.error, done.filename) == ("done", None, "Grandma's soup.mp4")

    second = drop(adapter, name, video)
    (other,) = [each for each in jobs(adapter, owner) if each.id != job.id]
    assert finish(adapter, other.id).status == "done"

    for event in (first, second):
        load_function("ingest")(event)
    assert len(jobs(adapter, owner)) == 2
    dropped, source = objects.stat(DROP, name), objects.stat(UPLOADS, source_name(other.id))
    assert dropped is not None
    assert source is not None
    assert (dropped.size, source.content_type) == (source.size, "video/mp4")


def test_an_object_that_is_no_video_ends_as_a_failed_job(adapter: Adapter, owner: str) -> None:
    """Whoever drops a text by mistake reads in the job that it is no video, as after an upload."""
    drop(adapter, f"{owner}/notes.mp4", b"Milk, eggs, butter\n" * 20)
    (job,) = jobs(adapter, owner)
    failed = finish(adapter, job.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage) == ("not_media", "extract")
