"""How often a job reads and writes, which is paid for in the cloud."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.costing.counting import Ledger, counted
from infra.runtimes.embedded.workers import load_function
from infra.stand_ins import gemini_server
from infra.stand_ins.auto_replies import AutoReplyGemini
from shared.ai.gemini import client
from shared.models.events import job_of, object_of
from shared.models.job import JobStatus
from shared.pipeline import stage_run
from shared.pipeline.job_storage import MEDIA, UPLOADS, job_of_source, media_name, source_name
from shared.pipeline.jobs import read_job
from shared.pipeline.lifecycle import plan_job, start_job
from shared.pipeline.sample_archive import SAMPLES, publish_media
from shared.platform.place import use_place
from shared.settings import settings
from shared.wiring import ANALYZE, EXTRACT, PERSIST, TRANSCRIBE
from tests.contract.adapters import Adapter
from tests.sounds import talking_video

RECIPE_READS, RECIPE_WRITES = 14, 16


@pytest.fixture
def gemini(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Google's service, at its prices, and an owner with a budget."""
    with AutoReplyGemini(processing=0) as service:
        monkeypatch.setattr(client, "GOOGLE_DOMAINS", ("127.0.0.1",))
        monkeypatch.setattr(stage_run, "WRITE_EVERY", timedelta(days=1))
        monkeypatch.setenv("AI_PROVIDER", "gemini")
        monkeypatch.setenv("GEMINI_API_KEY", gemini_server.KEY)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
        monkeypatch.setenv("MONTHLY_BUDGET_USD", "100")
        monkeypatch.setenv("LEASE_SEC", "600")
        settings.cache_clear()
        yield
    settings.cache_clear()


def run_stage_of(adapter: Adapter, stage: str, job_id: str) -> None:
    """Run a function with the event of this job, as the place delivers it."""
    while True:
        event = adapter.receive(stage)
        if job_id == (job_of_source(object_of(event).name) if stage == EXTRACT else job_of(event)):
            load_function(stage)(event)
            return


@pytest.mark.usefixtures("gemini")
def test_a_recipe_takes_few_operations(adapter: Adapter, fresh: str, tmp_path: Path) -> None:
    """From the upload to the stored recipe, a job reads and writes no more than its cost is calculated with."""
    ledger = Ledger()
    place = counted(adapter.platform, ledger)
    job = plan_job(owner=fresh, kind="recipe", language="en", upload_ttl_sec=3600)
    with use_place(place):
        start_job(place, job)
        place.objects.put(UPLOADS, source_name(job.id), talking_video(tmp_path / "a.mp4"), "video/mp4")
        for stage in (EXTRACT, TRANSCRIBE, ANALYZE, PERSIST):
            run_stage_of(adapter, stage, job.id)
    done = read_job(adapter.platform.documents, job.id)
    assert done is not None
    assert (done.status, done.outbox, done.video.transcript_source) == (JobStatus.DONE, [], "speech")
    total, frames = ledger.total(), len(done.video.frames)
    assert total["reads"] <= RECIPE_READS + total["writes segments"] - 1
    assert total["writes"] <= RECIPE_WRITES + total["writes segments"] - 1
    assert (total["writes jobs"], total["writes spending"], total["writes parts"]) == (9, 3, 0)
    # The video, its key frames, thumbnail, sound, samples, extraction and transcript.
    assert total["class_a"] == 6 + frames
    # The video twice, sound, extraction twice, transcript twice, key frames, samples, on-screen text.
    assert total["class_b"] == 9 + frames

    objects = adapter.platform.objects
    assert objects.stat(MEDIA, media_name(job.id, SAMPLES))
    names = [frame.name for frame in done.video.frames]
    assert all(publish_media(objects, job.id, name) for name in [*names, "thumbnail.jpg", "samples/001.jpg"])
    assert not publish_media(objects, job.id, "samples/999.jpg")
    picture = objects.read(MEDIA, media_name(job.id, "samples/001.jpg"))
    assert picture.startswith(b"\xff\xd8")
