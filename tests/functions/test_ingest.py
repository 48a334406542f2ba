"""Objects of the drop bucket that become no job, or a job that ends at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from cloudevents.http import CloudEvent

from infra.reference import rights
from infra.runtimes.embedded.workers import load_function
from shared.errors import NotFound
from shared.models.job import Job
from shared.pipeline.job_storage import DROP, JOBS, MEDIA, UPLOADS, source_name
from shared.pipeline.lifecycle import delete_job_records
from shared.platform.embedded.bus import to_cloud_event
from shared.platform.place import use_place
from shared.wiring import wiring
from tests.api_site import MP4, Site

OWNER = "ann"


@pytest.fixture
def dropping(site: Site) -> Site:
    site.configure(DROP_OWNER=OWNER, DROP_KIND="metadata")
    return site


def drop(site: Site, name: str, content: bytes = MP4) -> CloudEvent:
    """Put an object; return its event, which nobody got yet."""
    site.place.objects.put(DROP, name, content, "video/mp4")
    delivery = site.place.queue.claim(["ingest"], 600)
    assert delivery is not None
    site.place.queue.acknowledge(delivery)
    return to_cloud_event(delivery)


def ingest(event: CloudEvent) -> None:
    load_function("ingest")(event)


def jobs(site: Site) -> list[Job]:
    return [Job.read(each.data) for each in site.place.place.documents.query(JOBS).documents]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (".DS_Store", MP4, "hidden"),
        (".trash/a.mp4", MP4, "hidden"),
        ("a.mp4", b"", "empty"),
        ("gcloud/tmp/parallel_composite_uploads/see_gcloud_storage_cp_help_for_details/x_a.mp4_0", MP4, "part of an"),
    ],
)
def test_what_is_no_file_of_a_person_is_ignored(
    dropping: Site, caplog: pytest.LogCaptureFixture, name: str, content: bytes, reason: str
) -> None:
    """Hidden and empty objects and the parts of a large upload become no jobs, and a line of the log says why."""
    with caplog.at_level(logging.WARNING):
        ingest(drop(dropping, name, content))
    assert jobs(dropping) == []
    assert reason in caplog.text


@pytest.mark.parametrize(("name", "reason"), [("inbox/", "placeholder"), ("a//b.mp4", "empty"), ("a/../b", "hidden")])
def test_names_that_only_cloud_storage_has_are_ignored(
    dropping: Site, caplog: pytest.LogCaptureFixture, name: str, reason: str
) -> None:
    """A folder that the console of Cloud Storage makes, and names without a part, do not end as dead letters."""
    event = drop(dropping, "a.mp4")
    event.data["name"] = name
    ingest(event)
    assert jobs(dropping) == []
    assert reason in caplog.text


def test_without_an_owner_nothing_happens(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The drop bucket is off until somebody says whose its jobs are."""
    ingest(drop(site, "a.mp4"))
    assert jobs(site) == []
    assert "DROP_OWNER is not set" in caplog.text


@pytest.mark.parametrize("bucket", [UPLOADS, MEDIA, "other-drop"])
def test_objects_of_other_buckets_are_refused(dropping: Site, caplog: pytest.LogCaptureFixture, bucket: str) -> None:
    """An event of another bucket makes no job, even if an object of this name and generation is in the drop bucket."""
    event = drop(dropping, "a.mp4")
    event.data["bucket"] = bucket
    ingest(event)
    assert jobs(dropping) == []
    assert f"it is in {bucket}" in caplog.text


def test_no_function_writes_to_the_drop_bucket() -> None:
    """Nothing that a job makes becomes another job: one function hears of the bucket, and none may write there."""
    assert [row.name for row in wiring().listeners(bucket=DROP)] == ["ingest"]
    assert [row.name for row in wiring().functions.values() if DROP in row.publishes] == []
    granted = {name: row["objects"][DROP] for name, row in rights().items() if DROP in row.get("objects", {})}
    assert granted == {"ingest": ["read"]}


def test_an_object_replaced_before_its_event_came_becomes_one_job(dropping: Site) -> None:
    """Of two objects that follow each other quickly under one name, the one that is there becomes a job."""
    first, second = drop(dropping, "a.mp4"), drop(dropping, "a.mp4", MP4 + b"2")
    for event in (first, second, first):
        ingest(event)
    (job,) = jobs(dropping)
    source = dropping.place.objects.stat(UPLOADS, source_name(job.id))
    assert source is not None
    assert source.size == len(MP4) + 1


def test_a_job_whose_object_is_deleted_before_the_copy_ends(dropping: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that a crash left without its file does not wait a day for an object that is gone."""
    event = drop(dropping, "a.mp4")
    place = dropping.place.place

    def run_with(copy: Callable[..., None]) -> None:
        objects = type("Objects", (), {"__getattr__": lambda _, name: getattr(place.objects, name)})()
        objects.copy_to_bucket = copy
        with use_place(replace(place, objects=objects)):
            ingest(event)

    def crash(*_: object) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        run_with(crash)
    assert [job.status for job in jobs(dropping)] == ["queued"]
    place.objects.delete(DROP, "a.mp4")
    ingest(event)
    (job,) = jobs(dropping)
    assert (job.status, job.error and job.error.code) == ("failed", "upload_expired")

    event = drop(dropping, "b.mp4")

    def vanish(*_: object) -> None:
        raise NotFound("b.mp4")

    run_with(vanish)
    assert [job.status for job in jobs(dropping)] == ["failed", "failed"]


def test_a_crash_before_the_copy_is_made_good_by_the_next_delivery(dropping: Site) -> None:
    """A job that has no file yet gets it when the event comes again; one that was deleted does not come back."""
    event = drop(dropping, "a.mp4")
    ingest(event)
    (job,) = jobs(dropping)
    dropping.place.objects.delete(UPLOADS, source_name(job.id))
    ingest(event)
    assert dropping.place.objects.stat(UPLOADS, source_name(job.id)) is not None
    delete_job_records(dropping.place.place, job)
    ingest(event)
    assert jobs(dropping) == []


def test_an_object_that_is_too_large_is_not_copied(dropping: Site) -> None:
    """A file beyond the limit ends as a job that names the limit, and takes no memory of a stage."""
    dropping.configure(API_MAX_FILE_SIZE_MB="1")
    ingest(drop(dropping, "large.mp4", bytes(1_000_001)))
    (job,) = jobs(dropping)
    assert job.error is not None
    assert (job.status, job.owner, job.error.code) == ("failed", OWNER, "too_large")
    assert "larger than 1 MB" in job.error.message
    assert dropping.place.objects.stat(UPLOADS, source_name(job.id)) is None


def test_many_objects_at_once_are_jobs_in_the_queue(dropping: Site) -> None:
    """A folder of twenty files gives twenty jobs, each with its own file, whatever the order of the events."""
    events = [drop(dropping, f"inbox/{number}.mp4", MP4 + bytes(number + 1)) for number in range(20)]
    for event in reversed(events):
        ingest(event)
    objects = dropping.place.objects
    sizes = {job.filename: objects.stat(UPLOADS, source_name(job.id)) for job in jobs(dropping)}
    assert {name: info.size for name, info in sizes.items() if info} == {
        f"{number}.mp4": len(MP4) + number + 1 for number in range(20)
    }
