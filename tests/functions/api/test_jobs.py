"""Looking at jobs, cancelling, trying again, deleting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.errors import TransientError
from shared.models.job import EmptyResult, JobError, JobStatus, StageState, StageStatus
from shared.models.video import Frame, MediaInfo, Video
from shared.pipeline.job_storage import MEDIA, VIDEOS, media_name
from shared.pipeline.sweep import sweep
from shared.settings import settings
from tests.api_site import Site


def failed(site: Site, *, retryable: bool = True) -> str:
    """A job that failed in `extract`, after its download."""
    job_id = str(site.submit()["id"])
    stages = {
        "download": StageState(status=StageStatus.DONE, progress=1),
        "extract": StageState(status=StageStatus.FAILED, attempts=4, progress=0.5),
        "persist": StageState(),
    }
    error = JobError(code="internal", message="Something went wrong.", stage="extract", retryable=retryable)
    site.change(job_id, status=JobStatus.FAILED, stage="extract", stages=stages, error=error, outbox=[])
    return job_id


def pages(site: Site, **wanted: Any) -> list[list[str]]:
    """The ids of all jobs, page by page."""
    found: list[list[str]] = []
    cursor: str | None = None
    while True:
        params = wanted | ({"cursor": cursor} if cursor else {})
        page = site.client.get("/v1/jobs", params=params).json()
        found.append([job["id"] for job in page["jobs"]])
        cursor = page["cursor"]
        if cursor is None:
            return found


def test_pages_hold_every_job_once_and_newest_first(site: Site) -> None:
    """Whoever turns the pages sees each job once, the newest first, in pages of the size asked for."""
    ids = [site.submit(f"https://example.com/{number}.mp4")["id"] for number in range(7)]

    found = pages(site, limit=3)

    assert [len(page) for page in found] == [3, 3, 1]
    assert [job_id for page in found for job_id in page] == ids[::-1]


def test_new_jobs_do_not_shift_the_pages(site: Site) -> None:
    """A job submitted while someone turns the pages makes no other appear twice."""
    ids = [site.submit(f"https://example.com/{number}.mp4")["id"] for number in range(4)]
    first = site.client.get("/v1/jobs", params={"limit": 2}).json()
    site.submit("https://example.com/new.mp4")
    second = site.client.get("/v1/jobs", params={"limit": 2, "cursor": first["cursor"]}).json()

    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids[::-1]


def test_filters(site: Site) -> None:
    """Status and kind narrow the list, alone and together."""
    meta = site.submit(kind="metadata")["id"]
    recipe = site.submit(kind="recipe")["id"]
    cancelled = site.submit("https://example.com/b.mp4", kind="recipe")["id"]
    site.client.post(f"/v1/jobs/{cancelled}/cancel")

    assert pages(site, kind="recipe") == [[cancelled, recipe]]
    assert pages(site, status="queued") == [[recipe, meta]]
    assert pages(site, status="cancelled", kind="recipe") == [[cancelled]]
    assert pages(site, status="cancelled", kind="metadata") == [[]]


def test_a_list_may_leave_out_the_results(site: Site) -> None:
    """A page of a library costs a phone a few hundred bytes a job, however long transcripts and results are."""
    info = MediaInfo(container="mov", size_bytes=1, duration_sec=90, has_video=True, has_audio=True)
    picture = Frame(name="thumbnail.jpg", time=1, width=3, height=2)
    video = Video(info=info, thumbnail=picture, transcript="word " * 4000, filename="soup.mp4")
    result = {"title": "Onion soup", "tags": ["soup", "winter"], "steps": ["Stir."] * 500, "thumbnail": "frames/03.jpg"}
    job = site.submit(kind="recipe", tags=["soup", "mine"])["id"]
    again = site.submit("https://example.com/b.mp4", kind="transcript")["id"]
    site.change(job, status=JobStatus.DONE, video=video, result=result)
    empty = EmptyResult(code="no_audio", message="", advice="")
    assert len(site.client.get("/v1/jobs").content) > 25_000
    site.change(again, status=JobStatus.DONE, of_video=job, result={}, result_empty=empty)
    answer = site.client.get("/v1/jobs", params={"view": "summary"})
    assert len(answer.content) < 1500
    second, first = answer.json()["jobs"]
    assert (first["id"], first["videoId"], first["title"]) == (job, job, "Onion soup")
    assert (first["tags"], first["thumbnail"], first["durationSec"]) == (
        ["soup", "mine", "winter"],
        "frames/03.jpg",
        90,
    )
    assert (first["status"], first["isEmpty"], "result" in first) == ("done", False, False)
    assert (second["videoId"], second["isEmpty"], second["title"]) == (job, True, None)
    found = site.client.get("/v1/videos", params={"q": "winter"}).json()["videos"]
    assert [video["id"] for video in found] == [job]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": 0}, "invalid_request"),
        ({"limit": 101}, "invalid_request"),
        ({"limit": "many"}, "invalid_request"),
        ({"status": "finished"}, "invalid_request"),
        ({"kind": "poem"}, "unknown_kind"),
        ({"view": "brief"}, "invalid_request"),
        ({"cursor": "???"}, "bad_cursor"),
        ({"cursor": "bm9wZQ=="}, "bad_cursor"),
    ],
)
def test_wrong_questions_are_told_what_is_wrong(site: Site, params: dict[str, Any], code: str) -> None:
    """A limit, filter or cursor that cannot be is an error, not an empty list."""
    answer = site.client.get("/v1/jobs", params=params)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_cursor_of_another_list_is_refused(site: Site) -> None:
    """A cursor goes with the filters that it was given for."""
    for number in range(2):
        site.submit(f"https://example.com/{number}.mp4")
    cursor = site.client.get("/v1/jobs", params={"limit": 1}).json()["cursor"]
    answer = site.client.get("/v1/jobs", params={"limit": 1, "cursor": cursor, "kind": "recipe"})

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def test_a_job_is_shown_as_it_is_now(site: Site) -> None:
    """GET shows what the stages have written, and nobody keeps a copy on the way."""
    job_id = site.submit()["id"]
    site.change(job_id, stage="download", status=JobStatus.RUNNING)
    answer = site.client.get(f"/v1/jobs/{job_id}")

    assert answer.json()["status"] == "running"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("job_id", ["0" * 32, "nope", "..", "%2e%2e%2fjobs", "ä" * 32, "x" * 5000])
def test_what_is_no_job_is_not_found(site: Site, job_id: str) -> None:
    """An id that was never given, or is none at all, is plainly not found."""
    answer = site.client.get(f"/v1/jobs/{job_id}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_cancelling_twice_is_the_same_as_once(site: Site) -> None:
    """Whoever taps cancel twice gets the same cancelled job twice, and it stays so."""
    job_id = site.submit()["id"]
    answers = [site.client.post(f"/v1/jobs/{job_id}/cancel") for _ in range(2)]
    site.work()

    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "cancelled")] * 2
    assert answers[0].json() == answers[1].json() == site.client.get(f"/v1/jobs/{job_id}").json()


def test_an_ended_job_cannot_be_cancelled(site: Site) -> None:
    """Cancelling what is done or failed is told to come too late."""
    answer = site.client.post(f"/v1/jobs/{failed(site)}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "job_ended")


def test_retry_goes_on_at_the_failed_stage(site: Site) -> None:
    """A retried job keeps what earlier stages made and its progress, and is queued again."""
    job_id = failed(site)
    before = site.client.get(f"/v1/jobs/{job_id}").json()
    answer = site.client.post(f"/v1/jobs/{job_id}/retry")

    job = answer.json()
    assert answer.status_code == 202
    assert (job["status"], job["error"]) == ("queued", None)
    assert (job["stages"]["download"]["status"], job["stages"]["extract"]["status"]) == ("done", "pending")
    assert job["progress"] == before["progress"]


def test_retry_says_when_it_cannot_help(site: Site) -> None:
    """Only a failed job whose error may pass, and whose video is still there, can be tried again."""
    active = site.submit("https://example.com/other.mp4")["id"]
    hopeless = failed(site, retryable=False)
    sourceless = failed(site)
    site.change(sourceless, source_deleted=True)
    answers = [site.client.post(f"/v1/jobs/{job_id}/retry") for job_id in (active, hopeless, sourceless)]

    assert [answer.status_code for answer in answers] == [409] * 3
    assert [answer.json()["code"] for answer in answers] == ["not_failed", "not_retryable", "source_gone"]


def test_deleting_removes_the_job_and_its_media(site: Site) -> None:
    """After DELETE nothing of the job is left: no document, no source, no pictures; deleting again finds nothing."""
    job_id = site.send().json()["id"]
    site.place.place.objects.put(MEDIA, media_name(job_id, "frames/01.jpg"), b"x", "image/jpeg")

    assert site.client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert site.client.get(f"/v1/jobs/{job_id}").status_code == 404
    assert site.client.delete(f"/v1/jobs/{job_id}").status_code == 404
    assert site.blobs() == []


def test_a_deletion_that_was_cut_off_is_made_up_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the storage is away while a job is deleted, what is left of it goes later, though nobody can name it now."""
    documents = site.place.place.documents
    job_id = site.send().json()["id"]
    documents.put(VIDEOS, job_id, {"owner": "local"})

    def down(*_: Any) -> None:
        raise TransientError("away", "The storage is down.")

    with monkeypatch.context() as broken:
        broken.setattr(type(site.place.place.objects), "delete", down)
        assert site.client.delete(f"/v1/jobs/{job_id}").status_code == 503
    assert site.client.get(f"/v1/jobs/{job_id}").status_code == 404
    later = clock.now() + timedelta(seconds=settings().upload_ttl_sec)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(site.place.place)

    assert documents.get(VIDEOS, job_id) is None
    assert site.blobs() == []


def test_the_event_of_a_deleted_job_does_no_harm(site: Site) -> None:
    """A job deleted while its event waits does not come back."""
    site.client.delete(f"/v1/jobs/{site.send().json()['id']}")
    site.work()

    assert site.jobs() == []
    assert site.place.queue.depth() == {}
