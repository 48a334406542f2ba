"""Row 2 of the earlier systems: the reel scripter."""

from __future__ import annotations

import struct
from typing import Any

import httpx
import pytest

from shared.analyses.reel import KeyFactor, OriginalSpeech, Recommendation, Reel, Scene
from shared.models.job import JobError, JobStatus, StageState, StageStatus
from shared.pipeline.job_storage import UPLOADS, source_name
from tests.api_site import FRONTEND, MP4, Site

WEBM = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + bytes(200)
MOV = b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + bytes(200)
M4A = b"\x00\x00\x00\x14ftypM4A \x00\x00\x00\x00M4A " + bytes(200)
REEL = Reel(
    original=OriginalSpeech(transcription="Hello.", translation="Привет."),
    keys=[KeyFactor(title=f"Ключ {number}", description="Почему") for number in range(5)],
    script=[Scene(start=0, end=2, time="00:00–00:02", visual="Стол", text="Привет.", note="крупно")],
    recommendations=[Recommendation(category="hook", text="Короче.")],
    language="ru",
    notes=["ours"],
)
EXPECTED = {
    "original": {"transcription": "Hello.", "translation": "Привет."},
    "keys": [{"title": f"Ключ {number}", "description": "Почему"} for number in range(5)],
    "script": [{"time": "00:00–00:02", "visual": "Стол", "text": "Привет.", "note": "крупно"}],
    "recommendations": [{"category": "hook", "text": "Короче."}],
}


def mp4(seconds: int) -> bytes:
    """A header that says so, at the end as cameras write it, and nothing else."""
    times = struct.pack(">IIIII", 0, 0, 0, 1000, seconds * 1000)
    header = struct.pack(">I4s", 108, b"mvhd") + times + bytes(80)
    return MP4[:24] + struct.pack(">I4s", 508, b"mdat") + bytes(500) + struct.pack(">I4s", 116, b"moov") + header


def upload(site: Site, content: bytes = MP4, type: str = "video/mp4", **fields: str) -> httpx.Response:
    return site.client.post("/api/upload", files={"video": ("reel.mp4", content, type)}, data=fields)


def status(site: Site, task_id: str) -> dict[str, Any]:
    answer = site.client.get(f"/api/status/{task_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (MP4, "video/mp4"),
        (MOV, "video/quicktime"),
        (WEBM, "video/webm"),
        (MOV, "video/mp4"),
        (MP4, "Video/MP4; codecs=avc1"),
        (mp4(180), "video/mp4"),
    ],
)
def test_an_upload_gives_a_task(site: Site, content: bytes, type: str) -> None:
    """A page sends a video of the three types and gets success, the id of its task and a message."""
    answer = upload(site, content, type)

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.keys() == {"success", "task_id", "message"}
    assert told["success"] is True
    assert isinstance(told["message"], str)
    (job,) = site.jobs()
    assert (job["id"], job["kind"], job["language"], job["keepSource"]) == (told["task_id"], "reel", "ru", False)
    with site.place.place.objects.open(UPLOADS, source_name(job["id"])) as stored:
        assert stored.read() == content


def test_a_language_can_be_asked_for(site: Site) -> None:
    """Translation and script are in Russian unless the form names another language."""
    upload(site, language="de")

    assert site.jobs()[0]["language"] == "de"


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (MP4, "video/x-msvideo"),
        (MP4, "application/octet-stream"),
        (MP4, "audio/mpeg"),
        (b"RIFF\0\0\0\0AVI " + bytes(200), "video/mp4"),
        (M4A, "video/mp4"),
        (b"This is a diary.\n" * 50, "video/mp4"),
        (b"", "video/mp4"),
        (MP4.ljust(1_000_001, b"\0"), "video/mp4"),
        (MP4.ljust(9_000_000, b"\0"), "video/mp4"),
        (mp4(181), "video/mp4"),
    ],
    ids=["AVI", "nothing", "sound", "AVI inside", "M4A inside", "text inside", "empty", "large", "huge", "long"],
)
def test_what_is_not_taken_is_400(site: Site, content: bytes, type: str) -> None:
    """Another type, declared or found, too many bytes or too many seconds: 400 with a detail, and nothing is kept."""
    answer = upload(site, content, type)

    assert answer.status_code == 400, answer.text
    assert isinstance(answer.json()["detail"], str)
    assert site.jobs() == []
    assert site.blobs() == []


def test_the_longest_duration_is_configured(site: Site) -> None:
    """MAX_VIDEO_DURATION_SEC says how long is too long, and the detail says it, too."""
    site.configure(MAX_VIDEO_DURATION_SEC="60")

    assert "60 seconds" in upload(site, mp4(61)).json()["detail"]
    assert upload(site, mp4(60)).status_code == 200


def test_a_form_without_a_video_is_told_so(site: Site) -> None:
    """A form that lacks the file names the missing field."""
    answer = site.client.post("/api/upload", files={"file": ("reel.mp4", MP4, "video/mp4")})

    assert answer.status_code == 422
    assert "video" in answer.json()["detail"]


def test_states(site: Site) -> None:
    """A page that polls sees PENDING, PROGRESS with words, and at last SUCCESS with exactly the result it knows."""
    task_id = upload(site).json()["task_id"]
    assert status(site, task_id) == {"state": "PENDING", "progress": 0}

    stages = {"extract": StageState(status=StageStatus.RUNNING, message="Detecting shots and key frames", progress=0.5)}
    site.change(task_id, status=JobStatus.RUNNING, stage="extract", progress=20, stages=stages)
    seen = status(site, task_id)
    assert (seen["state"], seen["status"]) == ("PROGRESS", "Detecting shots and key frames")
    assert 0 < seen["progress"] < 100

    site.change(task_id, status=JobStatus.DONE, result=REEL.to_json(), stages={"extract": StageState()}, outbox=[])
    assert status(site, task_id) == {"state": "SUCCESS", "progress": 100, "result": EXPECTED}


def test_a_silent_video_has_empty_texts(site: Site) -> None:
    """Where nothing was said, transcription and translation are texts all the same: empty ones."""
    task_id = upload(site).json()["task_id"]
    silent = REEL.model_copy(update={"original": OriginalSpeech()})
    site.change(task_id, status=JobStatus.DONE, result=silent.to_json(), outbox=[])

    assert status(site, task_id)["result"]["original"] == {"transcription": "", "translation": ""}


def test_failure(site: Site) -> None:
    """A job that failed or was cancelled is FAILURE with words for the user, and no result."""
    failed, cancelled = (upload(site).json()["task_id"] for _ in range(2))
    error = JobError(code="x", message="The file is damaged.", stage="extract", retryable=False)
    site.change(failed, status=JobStatus.FAILED, error=error, outbox=[])
    site.client.post(f"/v1/jobs/{cancelled}/cancel")

    assert status(site, failed) == {"state": "FAILURE", "progress": 0, "status": "The file is damaged."}
    assert status(site, cancelled).keys() == {"state", "progress", "status"}
    assert status(site, cancelled)["state"] == "FAILURE"


def test_a_header_that_does_not_say_leaves_it_to_the_pipeline(site: Site) -> None:
    """A file of unknown length is taken; when it turns out to be no good, the task fails, and its source is deleted."""
    task_id = upload(site, MP4).json()["task_id"]
    site.work()

    assert status(site, task_id)["state"] == "FAILURE"
    assert site.blobs() == []


@pytest.mark.parametrize("task_id", ["0" * 32, "nope"])
def test_an_unknown_task_is_not_found(site: Site, task_id: str) -> None:
    """An id that was never given, or whose job was deleted, is 404 with a detail: nobody polls it for ever."""
    answer = site.client.get(f"/api/status/{task_id}")

    assert (answer.status_code, type(answer.json()["detail"])) == (404, str)


def test_what_is_no_reel_is_not_found(site: Site) -> None:
    """A job of another kind is no task of this system."""
    assert site.client.get(f"/api/status/{site.submit(kind='metadata')['id']}").status_code == 404


def test_tasks_belong_to_users(site: Site) -> None:
    """By the user's token, a task is seen by who made it, looks unknown to others, and is closed to strangers."""
    site.configure(AUTH_REQUIRED="true")
    assert upload(site).status_code == 401
    site.client.headers["Authorization"] = "Bearer token-ann"
    task_id = upload(site).json()["task_id"]
    assert status(site, task_id)["state"] == "PENDING"
    site.client.headers["Authorization"] = "Bearer token-ben"
    assert site.client.get(f"/api/status/{task_id}").status_code == 404


def test_the_service_is_up_and_its_frontend_may_call(site: Site) -> None:
    """`GET /` greets with a message, and browsers of FRONTEND_URL may send their videos."""
    assert isinstance(site.client.get("/").json()["message"], str)
    answer = site.client.post(
        "/api/upload", files={"video": ("reel.mp4", MP4, "video/mp4")}, headers={"Origin": FRONTEND}
    )

    assert answer.headers["access-control-allow-origin"] == FRONTEND
