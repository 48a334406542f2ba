"""What goes wrong in the cloud, done to the pipeline on Google's emulators: every job ends right, once."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent

from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from infra.runtimes.emulated.provision import pubsub_clients
from infra.runtimes.emulated.serve import function_command, thread_count
from shared.models.job import Job, JobStatus, StageStatus
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import MEDIA, UPLOADS, source_name
from shared.wiring import wiring
from tests.chaos.emulated import EmulatedPlace, emulated_place
from tests.file_server import Web, served_folder
from tests.hostile_server import HostileServer
from tests.patience import PATIENCE_SEC
from tests.server import eventually
from tests.video_samples import plain_video

STAGE_TOPICS = ("video-requested", "audio-extracted", "transcript-completed", "analysis-completed")


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as running_server:
        yield running_server


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with served_folder(tmp_path_factory.mktemp("web")) as served:
        yield served


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, hostile: HostileServer, web: Web) -> Iterator[EmulatedPlace]:
    allowed = f"{hostile.address},{web.address}"
    with emulated_place(tmp_path_factory.mktemp("faults"), ALLOW_HOSTS=allowed) as opened:
        yield opened


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_video(tmp_path_factory.mktemp("videos") / "short.mp4")


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to be caught in the middle of `extract`."""
    return plain_video(tmp_path_factory.mktemp("videos") / "long.mp4", seconds=120)


def waiting_job(place: EmulatedPlace, kind: str = "metadata") -> Job:
    """A job whose bytes are still to come."""
    plan = lifecycle.plan_job(owner="local", kind=kind, language="en", upload_ttl_sec=3600)
    return lifecycle.start_job(place.platform, plan)


def send(place: EmulatedPlace, job: Job, video: Path) -> None:
    place.platform.objects.put(UPLOADS, source_name(job.id), video, "video/mp4")


def works(job: Job) -> bool:
    """Whether `extract` is at it."""
    return job.stages["extract"].status is StageStatus.RUNNING


def test_duplicates_change_nothing(place: EmulatedPlace, video: Path) -> None:
    """Each event delivered many times, while its stage runs and after the job's end, gives one run of each stage."""
    job = waiting_job(place, "recipe")
    send(place, job, video)
    sent = []
    for stage in ("extract", "transcribe", "analyze", "persist"):
        place.until(job.id, lambda job, stage=stage: job.stages[stage].attempts > 0)
        for _ in range(3):
            sent += place.publish(job.id, *STAGE_TOPICS)
        place.platform.objects.finalize_again(UPLOADS, source_name(job.id))
    place.follow(job.id)
    place.assert_done_once(job.id)

    before = place.platform.documents.get("jobs", job.id)
    for _ in range(5):
        sent += place.publish(job.id, *STAGE_TOPICS)
    eventually(lambda: place.settled(*sent))
    assert place.platform.documents.get("jobs", job.id) == before
    place.assert_done_once(job.id)


def test_one_push_many_times_at_once(place: EmulatedPlace, video: Path) -> None:
    """Of ten identical requests that reach the function together one does the work; the others wait or find it done."""
    job = waiting_job(place)
    resource = {"bucket": f"{place.hosts.bucket_prefix}{UPLOADS}", "name": source_name(job.id)}
    attributes = {"type": "google.cloud.storage.object.v1.finalized", "source": "//storage.googleapis.com/x"}
    headers, body = to_binary(CloudEvent(attributes, resource))

    def push(_: int) -> int:
        return httpx.post(place.endpoints["extract"], headers=headers, content=body).status_code

    send(place, job, video)
    with ThreadPoolExecutor(10) as pushes:
        answers = set(pushes.map(push, range(10)))
    assert answers <= {200, 500}
    assert place.follow(job.id)["status"] == "done"
    place.assert_done_once(job.id)


def test_events_that_come_too_early_wait(place: EmulatedPlace, video: Path) -> None:
    """The messages of the last stages overtake the video itself: nothing runs before its time, nothing is lost."""
    job = waiting_job(place, "recipe")
    sent = place.publish(job.id, "analysis-completed", "transcript-completed")
    for stage in ("persist", "analyze"):
        eventually(lambda stage=stage: place.said(stage, job.id, "refused for now"))
    assert place.stored(job.id).status is JobStatus.QUEUED
    send(place, job, video)
    assert place.follow(job.id)["status"] == "done"
    eventually(lambda: place.settled(*sent))
    place.assert_done_once(job.id)


def test_a_function_killed_in_the_middle_is_replaced(place: EmulatedPlace, long_video: Path) -> None:
    """kill -9 of the function that works on a job costs one attempt; another instance takes the job to its end."""
    job_id = place.submit(long_video)
    place.until(job_id, works)
    killed = place.signal("extract", signal.SIGKILL)
    assert works(place.stored(job_id)), "the stage ended before its process did"
    assert place.follow(job_id)["status"] == "done"
    job = place.stored(job_id)
    assert job.stages["extract"].attempts == 2
    assert not killed & place.signal("extract", signal.SIGCONT)
    assert place.said("extract", job_id, "stage is done") == 1


def test_a_stage_that_was_taken_over_keeps_its_hands_off(
    place: EmulatedPlace, long_video: Path, tmp_path: Path
) -> None:
    """An instance that freezes past its lease and the ack deadline, and goes on beside the next one, spoils nothing."""
    row = wiring().functions["extract"]
    port = free_port()
    command = function_command(row, "127.0.0.1", port)
    environ = place.environ | {"THREADS": str(thread_count(row))}
    job_id = place.submit(long_video)
    place.until(job_id, works)
    place.signal("extract", signal.SIGSTOP)
    try:
        assert works(place.stored(job_id)), "the stage ended before it froze"
        with run_guarded(command, tmp_path / "other.log", environ, folder=place.folder / "extract") as instance:
            instance.wait_for_port(port, PATIENCE_SEC)
            place.provision(extract=f"http://127.0.0.1:{port}")
            place.until(job_id, lambda job: job.stages["extract"].attempts == 2)
            place.signal("extract", signal.SIGCONT)
            assert place.follow(job_id)["status"] == "done"
    finally:
        place.signal("extract", signal.SIGCONT)
        place.provision()
    eventually(lambda: place.said("extract", job_id, "another delivery took the stage over"))
    assert not place.said("extract", job_id, "stage is done")
    job = place.stored(job_id)
    assert {name: state.attempts for name, state in job.stages.items()} == {"extract": 2, "persist": 1}
    media = {stored.name for stored in place.platform.objects.list(MEDIA, f"{job_id}/")}
    assert media >= {f"{job_id}/{frame.name}" for frame in job.video.frames}


def test_a_video_that_comes_before_its_job_is_found(place: EmulatedPlace, video: Path) -> None:
    """A storage event, delivered twice, that finds no job yet is not the last chance of the video."""
    plan = lifecycle.plan_job(owner="local", kind="metadata", language="en", upload_ttl_sec=3600)
    send(place, plan, video)
    place.platform.objects.finalize_again(UPLOADS, source_name(plan.id))
    eventually(lambda: place.said("extract", plan.id, "nothing to do") >= 2)
    lifecycle.start_job(place.platform, plan)
    place.sweep(plan.id)
    assert place.follow(plan.id)["status"] == "done"
    place.assert_done_once(plan.id)


def test_messages_that_are_lost_are_sent_again(place: EmulatedPlace, video: Path, web: Web) -> None:
    """Pub/Sub is gone for a while, forgets everything, and jobs are submitted meanwhile: all of them end, once."""
    jobs = [place.submit(video, kind) for kind in ("metadata", "recipe") * 3]
    place.until(jobs[0], lambda job: job.status is not JobStatus.QUEUED)
    place.pubsub.stop()
    jobs.append(place.submit(video))
    (web.folder / "clip.mp4").write_bytes(video.read_bytes())
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(place.submit_link, f"http://{web.address}/clip.mp4")
        place.pubsub.start()
        place.provision()
        jobs.append(answer.result())
    place.end(*jobs)
    for job_id in jobs:
        place.assert_done_once(job_id)


def test_poison_is_put_aside(place: EmulatedPlace, video: Path) -> None:
    """A message that is no JSON, or names no job, ends among the dead letters of any topic while the rest flows."""
    topics = [*STAGE_TOPICS, "eventarc-extract"]
    poison = [b"\xff\x00 not JSON", b'{"stage": "persist"}', b"[1]", b'{"jobId": 7}']
    # Each is pushed as often as its subscription tries: two to each topic are enough.
    left = {(topic, poison[(at + more) % len(poison)]) for at, topic in enumerate(topics) for more in (0, 1)}
    with pubsub_clients(place.hosts) as (publisher, _):
        for topic, data in left:
            messages = [{"data": data, "attributes": {"poison": topic}}]
            publisher.publish(topic=f"projects/{place.hosts.project}/topics/{topic}", messages=messages)
    assert place.follow(place.submit(video))["status"] == "done"
    while left:
        left -= {(attributes.get("poison"), data) for data, attributes in place.dead_letters()}
    refused = [entry for entry in place.log("persist") if entry["severity"] == "ERROR"]
    assert all("names no job" in entry["stack_trace"] or "no JSON" in entry["stack_trace"] for entry in refused)
    assert all(str(place.folder / "persist" / "shared") in entry["stack_trace"] for entry in refused), "other sources"


def test_a_stage_that_always_fails_ends_its_job(place: EmulatedPlace, hostile: HostileServer) -> None:
    """A link whose server always fails ends its job with the reason, and the operators are told."""
    job_id = place.submit_link(hostile.url("/503"))
    job = place.follow(job_id)
    attempts = wiring().functions["download"].attempts
    assert (job["status"], job["stages"]["download"]["attempts"]) == ("failed", attempts)
    assert (job["error"]["stage"], job["error"]["retryable"]) == ("download", True)
    assert job["error"]["message"]
    assert letter_of(place, job_id) == {
        "jobId": job_id,
        "stage": "download",
        "code": job["error"]["code"],
        "message": job["error"]["message"],
    }


def test_a_video_that_kills_every_process_ends_its_job(place: EmulatedPlace, long_video: Path, video: Path) -> None:
    """A video that no process survives is given up after its attempts; the next one is worked on as ever."""
    job_id = place.submit(long_video)
    for attempt in range(1, wiring().functions["extract"].attempts + 1):
        place.until(job_id, lambda job, attempt=attempt: works(job) and job.stages["extract"].attempts == attempt)
        place.signal("extract", signal.SIGKILL)
    place.end(job_id)
    job = place.job(job_id)
    assert (job["status"], job["error"]["code"], job["error"]["stage"]) == ("failed", "interrupted", "extract")
    assert letter_of(place, job_id)["code"] == "interrupted"
    assert place.follow(place.submit(video))["status"] == "done"


def letter_of(place: EmulatedPlace, job_id: str) -> dict[str, str]:
    """The one dead letter about the job."""
    while True:
        for data, _ in place.dead_letters():
            letter = json.loads(data)
            if letter.get("jobId") == job_id:
                return dict(letter)
