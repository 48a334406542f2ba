"""What a kill -9 of the whole embedded place does to jobs: nothing."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from shared.platform.embedded.place import open_embedded
from shared.settings import read_settings
from tests.running import Server
from tests.videos import plain_video

JOBS = 20
KILLS = 20


@pytest.mark.timeout(300)
def test_twenty_kills_during_twenty_jobs(tmp_path: Path) -> None:
    """However often the machine dies, every accepted job ends done, once, with one result and nothing left over."""
    chance = random.Random(7)
    video = plain_video(tmp_path / "clip.mp4")
    server = Server(tmp_path / "data")
    jobs: list[str] = []
    for _ in range(KILLS):
        server.start()
        jobs.append(server.submit(video, chance.choice(["metadata", "recipe"])))
        # The moment of death is drawn by chance; it waits for nothing.
        threading.Event().wait(chance.uniform(0, 1))
        server.kill()

    server.start()
    try:
        ended = [server.follow(job_id, 120) for job_id in jobs]
    finally:
        server.stop()
    assert len(set(jobs)) == JOBS
    for job in ended:
        assert job["status"] == "done", job["error"]
        assert job["progress"] == 100
        assert all(stage["status"] == "done" for stage in job["stages"].values())

    place = open_embedded(read_settings({"CLIPWISE_DATA": str(tmp_path / "data")}))
    videos = place.platform.documents.query("videos", limit=100).documents
    assert sorted(video.id for video in videos) == sorted(jobs)
    assert place.queue.dead_letters()[0] == []
    assert list((tmp_path / "data" / "tmp").glob("clipwise-*")) == []
