"""Batches: many videos in one request, accepted whole and released a few at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared import clock
from shared.pipeline.batches import BATCHES
from shared.pipeline.sweep import sweep
from shared.sources.video.ytdlp_lists import VideoList
from tests.api_site import MP4, Site
from tests.video_samples import plain_video

LINKS = [f"https://example.com/{number}.mp4" for number in range(25)]


def submit(site: Site, status: int = 202, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    answer = site.client.post("/v1/jobs/batch", json={"kind": "metadata"} | body, headers=headers)
    assert answer.status_code == status, answer.text
    batch: dict[str, Any] = answer.json()
    return batch


def read(site: Site, batch: dict[str, Any]) -> dict[str, Any]:
    fresh: dict[str, Any] = site.client.get(f"/v1/batches/{batch['id']}").json()
    return fresh


def items(site: Site, batch: dict[str, Any], limit: int = 100) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = site.client.get(f"/v1/batches/{batch['id']}/items", params=params).json()
        found += page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return found


def release(site: Site) -> None:
    """Deliver what waits for `release`, but run no job."""
    from infra.runtimes.embedded.workers import load_function
    from shared.platform.embedded.bus import to_cloud_event

    while delivery := site.place.queue.claim(["release"], 600):
        load_function("release")(to_cloud_event(delivery))
        site.place.queue.acknowledge(delivery)


def upload(site: Site, batch: dict[str, Any], index: int, content: bytes) -> httpx.Response:
    answer = site.client.post(f"/v1/batches/{batch['id']}/files/{index}/upload")
    if answer.status_code == 201:
        ticket = answer.json()
        httpx.put(ticket["uploadUrl"], content=content, headers=ticket["headers"]).raise_for_status()
    return answer


def file_entry(content: bytes, name: str = "a.mp4") -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"filename": name, "contentType": "video/mp4", "size": len(content), "sha256": sha256}


def test_a_batch_has_a_few_jobs_at_a_time_and_each_end_releases_the_next(site: Site) -> None:
    """Of seven links three are jobs; when two have ended, two more are, and at the end each link had one job."""
    site.configure(BATCH_ACTIVE_JOBS="3")
    batch = submit(site, urls=LINKS[:7])
    assert batch["status"] == "running"
    release(site)
    assert (read(site, batch)["counts"]["active"], len(site.jobs())) == (3, 3)
    for job in site.jobs()[:2]:
        site.client.post(f"/v1/jobs/{job['id']}/cancel")
    release(site)
    counts = read(site, batch)["counts"]
    assert (counts["active"], counts["cancelled"], counts["waiting"]) == (3, 2, 2)
    while active := [job for job in site.jobs() if job["status"] == "queued"]:
        site.client.post(f"/v1/jobs/{active[0]['id']}/cancel")
        release(site)
    ended = read(site, batch)
    assert (ended["status"], ended["counts"]["cancelled"], ended["counts"]["waiting"]) == ("done", 7, 0)
    assert Counter(job["url"] for job in site.jobs()) == Counter(LINKS[:7])
    assert [item["url"] for item in items(site, batch, limit=4)] == LINKS[:7]


def test_a_batch_of_files_becomes_results(site: Site, tmp_path: Path) -> None:
    """Files are uploaded one by one, their jobs end, and the batch says which item has which job."""
    contents = [plain_video(tmp_path / f"{n}.mp4", seconds=1 + n).read_bytes() for n in range(2)]
    batch = submit(site, files=[file_entry(content, f"{n}.mp4") for n, content in enumerate(contents)])
    for index, content in enumerate(contents):
        assert upload(site, batch, index, content).status_code == 201
    site.work()
    batch = read(site, batch)
    assert (batch["status"], batch["counts"]["done"], batch["counts"]["total"]) == ("done", 2, 2)
    assert [(item["filename"], item["status"]) for item in items(site, batch)] == [("0.mp4", "done"), ("1.mp4", "done")]
    assert all(job["batchId"] == batch["id"] for job in site.jobs())

    again = submit(site, files=[file_entry(contents[0])])
    answer = upload(site, again, 0, contents[0])
    assert (answer.status_code, answer.json()["id"]) == (200, items(site, batch)[0]["job"]["id"])
    site.work()
    assert (read(site, again)["status"], read(site, again)["counts"]["known"]) == ("done", 1)


def test_a_repeated_upload_request_returns_the_same_job(site: Site) -> None:
    """A client that lost the ticket asks again and gets another session of the same job."""
    batch = submit(site, files=[file_entry(MP4)])
    path = f"/v1/batches/{batch['id']}/files/0/upload"
    first, second = site.client.post(path), site.client.post(path)
    assert first.status_code == second.status_code == 201
    assert first.json()["job"]["id"] == second.json()["job"]["id"]
    assert len(site.jobs()) == 1
    missing = site.client.post(f"/v1/batches/{batch['id']}/files/1/upload")
    assert missing.status_code == 404


def test_files_wait_for_room(site: Site) -> None:
    """With two places, the third file is refused until a job has ended, so that no batch fills the queue."""
    site.configure(BATCH_ACTIVE_JOBS="2")
    batch = submit(site, files=[file_entry(MP4 + bytes([n])) for n in range(3)])
    answers = [site.client.post(f"/v1/batches/{batch['id']}/files/{index}/upload") for index in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].json()["code"] == "batch_full"
    site.client.post(f"/v1/jobs/{answers[0].json()['job']['id']}/cancel")
    assert site.client.post(f"/v1/batches/{batch['id']}/files/2/upload").status_code == 201


def test_two_batches_of_a_user_share_the_room(site: Site) -> None:
    """A user who divides a list into two batches gets no more of the queue than with one."""
    site.configure(BATCH_ACTIVE_JOBS="4")
    first, second = submit(site, urls=LINKS[:10]), submit(site, urls=LINKS[10:20])
    release(site)
    assert len(site.jobs()) == 4
    for job in site.jobs():
        site.client.post(f"/v1/jobs/{job['id']}/cancel")
    release(site)
    assert read(site, first)["counts"]["active"] + read(site, second)["counts"]["active"] == 4


def test_a_batch_is_accepted_whole_or_refused_whole(site: Site) -> None:
    """One bad link, an unknown kind or an unsupported file leaves no batch, no job and no used-up key."""
    key = {"Idempotency-Key": "one"}
    refused = submit(site, 422, key, urls=[LINKS[0], "ftp://example.com/a.mp4"])
    assert refused["code"] == "url_not_allowed"
    assert submit(site, 422, key, urls=[LINKS[0]], kind="nothing")["code"] == "unknown_kind"
    text = file_entry(MP4) | {"contentType": "text/plain"}
    assert submit(site, 415, key, urls=[LINKS[0]], files=[text])["code"] == "unsupported_media"
    assert submit(site, 422, key)["code"] == "invalid_request"
    release(site)
    assert site.jobs() == site.client.get("/v1/batches").json()["batches"] == []
    assert submit(site, 202, key, urls=LINKS[:2])["counts"]["total"] == 2


def test_a_repeated_request_creates_one_batch(site: Site) -> None:
    """A client that lost the answer sends the request again: same batch, one job for each link, listed once."""
    first, second = (submit(site, 202, {"Idempotency-Key": "k"}, urls=LINKS[:3]) for _ in range(2))
    assert first["id"] == second["id"]
    release(site)
    assert len(site.jobs()) == 3
    assert submit(site, 409, {"Idempotency-Key": "k"}, urls=LINKS[:2])["code"] == "key_reused"
    assert [batch["id"] for batch in site.client.get("/v1/batches").json()["batches"]] == [first["id"]]


def test_what_is_known_is_not_submitted_again(site: Site) -> None:
    """A link that a single job has, and one that occurs twice, have one job; the batch says which."""
    single = site.submit(LINKS[0])
    batch = submit(site, urls=[*LINKS[:2], f"{LINKS[1]}?utm_source=x"])
    release(site)
    found = items(site, batch)
    assert [item["known"] for item in found] == [True, False]
    assert found[0]["job"]["id"] == single["id"]
    assert len(site.jobs()) == 2
    assert read(site, batch)["counts"]["known"] == 1


def test_a_batch_counts_in_a_limit_of_its_own(site: Site) -> None:
    """A batch of 25 passes where two single jobs may start a minute, and a second batch is one too many."""
    site.configure(RATE_LIMIT_START="2/minute", RATE_LIMIT_BATCH="1/hour")
    submit(site, urls=LINKS)
    release(site)
    site.submit("https://example.com/single.mp4")
    limited = site.client.post("/v1/jobs/batch", json={"kind": "metadata", "urls": LINKS[:1]})
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")


def test_a_cancelled_batch_releases_nothing_more(site: Site) -> None:
    """Cancelling ends the active jobs; the links that waited never become jobs."""
    batch = submit(site, urls=LINKS)
    release(site)
    cancelled = site.client.post(f"/v1/batches/{batch['id']}/cancel").json()
    assert (cancelled["status"], cancelled["counts"]["active"], cancelled["counts"]["cancelled"]) == (
        "cancelled",
        0,
        10,
    )
    release(site)
    assert len(site.jobs()) == 10
    assert site.client.post(f"/v1/batches/{batch['id']}/cancel").status_code == 200


def test_a_batch_belongs_to_its_owner(site: Site) -> None:
    """Another account can neither read, follow, cancel nor add to a batch, and does not learn that it exists."""
    site.configure(AUTH_REQUIRED="true")
    ann, bob = ({"Authorization": f"Bearer token-{name}"} for name in ("ann", "bob"))
    batch = submit(site, 202, ann, urls=LINKS[:1], files=[file_entry(MP4)])
    path = f"/v1/batches/{batch['id']}"
    for method, suffix in (
        ("GET", ""),
        ("GET", "/items"),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/files/0/upload"),
    ):
        assert site.client.request(method, path + suffix, headers=bob).status_code == 404
    assert site.client.get("/v1/batches", headers=bob).json()["batches"] == []
    assert site.client.get(path, headers=ann).status_code == 200


def test_the_videos_of_a_list_join_the_batch(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel is read by `download`, what the owner has already is skipped and said, and the rest become jobs."""
    videos = [f"https://www.youtube.com/watch?v=abcdefghi{n:02}" for n in range(4)]
    asked: list[tuple[str, int]] = []

    def read_list(page: Any, settings: Any, max_videos: int, tick: Any) -> VideoList:
        asked.append((page.url, max_videos))
        return VideoList("Kitchen", videos[:max_videos])

    monkeypatch.setattr("shared.sources.video.ytdlp_lists.read_list", read_list)
    known = site.submit(videos[0])
    batch = submit(site, urls=["https://youtube.com/@kitchen?si=x", LINKS[0]], maxVideos=3)
    assert asked == []
    assert batch["lists"][0]["status"] == "pending"
    site.client.post(f"/v1/jobs/{known['id']}/retry")
    queue = site.place.queue
    from infra.runtimes.embedded.workers import load_function
    from shared.platform.embedded.bus import to_cloud_event

    delivery = None
    while (claimed := queue.claim(["download"], 600)) is not None:
        if "batchId" in claimed.data:
            delivery = claimed
            # The same message twice, as the bus may deliver it.
            for _ in range(2):
                load_function("download")(to_cloud_event(claimed))
    assert delivery is not None
    release(site)
    assert asked == [("https://www.youtube.com/@kitchen/videos", 3)]
    listed = read(site, batch)["lists"][0]
    assert (listed["status"], listed["title"], listed["found"], listed["known"]) == ("done", "Kitchen", 3, 1)
    assert [item["url"] for item in items(site, batch)] == [LINKS[0], *videos[1:3]]


def test_a_list_that_cannot_be_read_leaves_the_rest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty playlist ends with an error in the batch, and the batch's links go on."""
    from shared.errors import TransientError

    def fail(*args: Any) -> VideoList:
        raise TransientError("source_blocked", "The platform blocks this server. Try again later.")

    monkeypatch.setattr("shared.sources.video.ytdlp_lists.read_list", fail)
    batch = submit(site, urls=["https://www.youtube.com/playlist?list=PLabc"])
    site.work()
    ended = read(site, batch)
    assert (ended["status"], ended["lists"][0]["status"]) == ("done", "failed")
    assert ended["lists"][0]["error"]["code"] == "source_blocked"
    assert ended["lists"][0]["attempts"] == 4


def test_sweep_wakes_a_batch_whose_message_was_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose first message got lost is released by the next sweep, and an expired one is deleted."""
    batch = submit(site, urls=LINKS[:2])
    while delivery := site.place.queue.claim(["release"], 600):
        site.place.queue.acknowledge(delivery)
    documents = site.place.place.documents
    stored = documents.get(BATCHES, batch["id"])
    assert stored is not None
    documents.put(BATCHES, batch["id"], stored.data | {"wakeAt": clock.now()})
    sweep(site.place.place)
    release(site)
    assert len(site.jobs()) == 2
    stored = documents.get(BATCHES, batch["id"])
    assert stored is not None
    for collection in (BATCHES, "batch_items"):
        document = documents.get(collection, batch["id"])
        assert document is not None
        documents.put(collection, batch["id"], document.data | {"expiresAt": clock.now()})
    sweep(site.place.place)
    assert site.client.get(f"/v1/batches/{batch['id']}").status_code == 404
    assert len(site.jobs()) == 2
