"""What a kill -9 of the whole embedded place does to jobs: nothing."""

from __future__ import annotations

import os
import random
import threading
from itertools import cycle
from pathlib import Path

from infra.stand_ins import openai_server
from infra.stand_ins.server import Reply
from shared.platform.embedded.place import open_embedded_place
from shared.settings import read_settings
from tests.server import Server, eventually
from tests.sounds import bursts
from tests.speech_service import Listener, assert_said_once
from tests.video_samples import plain_video

KILLS = int(os.environ.get("KILLS", "8"))
LECTURES, LECTURE_SEC = 3, 640
MOMENTS = (("metadata", "extract"), ("recipe", "analyze"), ("recipe", "persist"), ("recipe", ""))
"""Of the jobs after the lectures, by turns: their kind, and the stage that has begun when the machine dies;
without one, it dies whenever chance has it."""


class SlowListener(Listener):
    """Takes its time with each sound after it has begun, so that the machine can die meanwhile."""

    def listen(self, name: str) -> Reply | None:
        threading.Event().wait(0.2)
        return super().listen(name)


def test_a_kill_during_each_stage(tmp_path: Path) -> None:
    """However often the machine dies, every accepted job ends done, once, with one result and nothing left over.

    That includes lectures, during whose listening it dies: the words of each of their parts are there once.
    `make soak` kills it more often.
    """
    chance = random.Random(7)
    sources = {"transcript": bursts(tmp_path / "lecture.flac", LECTURE_SEC)}
    sources["metadata"] = sources["recipe"] = plain_video(tmp_path / "clip.mp4")
    jobs: list[str] = []
    with SlowListener() as openai:
        server = Server(
            tmp_path / "data",
            AI_PROVIDER_TRANSCRIPT="openai",
            OPENAI_API_KEY=openai_server.KEY,
            OPENAI_BASE_URL=openai.base_url,
        )
        moments = cycle(MOMENTS)
        for number in range(KILLS):
            server.start()
            kind, stage = ("transcript", "") if number < LECTURES else next(moments)
            begun = len(openai.listened)
            jobs.append(server.submit(sources[kind], kind))
            if kind == "transcript":
                eventually(lambda begun=begun: len(openai.listened) > begun)
            elif stage:
                eventually(lambda stage=stage: server.job(jobs[-1])["stages"][stage]["status"] != "pending")
            else:
                threading.Event().wait(chance.uniform(0, 1))
            server.kill()

        server.start()
        try:
            ended = [server.follow(job_id) for job_id in jobs]
            with server.client() as client:
                divided = [job["id"] for job in ended if job["kind"] == "transcript" and job["status"] == "done"]
                for job_id in divided:
                    assert_said_once(client, job_id, openai.sounds)
        finally:
            server.stop()
    assert len(set(jobs)) == KILLS
    for job in ended:
        assert job["status"] == "done", job["error"]
        assert job["progress"] == 100
        assert all(stage["status"] == "done" for stage in job["stages"].values())
    assert len(divided) == LECTURES
    assert len(openai.sounds) >= 3
    assert len(openai.listened) > LECTURES * len(openai.sounds), "no kill came while a sound was listened to"

    place = open_embedded_place(read_settings({"CLIPWISE_DATA": str(tmp_path / "data")}))
    videos = place.place.documents.query("videos", limit=100).documents
    assert sorted(video.id for video in videos) == sorted(jobs)
    assert place.place.documents.query("parts").documents == []
    assert place.queue.dead_letters().letters == []
    assert list((tmp_path / "data" / "tmp").glob("clipwise-*")) == []
