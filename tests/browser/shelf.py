"""Finished jobs for a server's library, without waiting for its workers, and what tests do on the console's pages."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from shared import clock
from shared.chat.excerpts import split_windows
from shared.chat.passages import PassageSource, store_passages
from shared.models.job import Job, JobStatus, StageStatus, UploadState
from shared.models.media import MediaInfo
from shared.models.video import Frame, Segment, Shot, Transcript, Video
from shared.pipeline.job_storage import MEDIA, TRANSCRIPT, UPLOADS, media_name, source_name, store_json
from shared.pipeline.job_storage import SEGMENTS as PASSAGES
from shared.pipeline.jobs import create_job
from shared.pipeline.lifecycle import plan_job
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Place
from shared.settings import Settings
from tests.server import Server

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SEGMENTS = [
    Segment(start=0, end=1, text="Welcome to the kitchen."),
    Segment(start=1, end=2, text="Chop the onions."),
    Segment(start=2, end=4, text="Fry the onions gently."),
]
RECIPE: dict[str, Any] = {
    "title": "Onion soup",
    "description": "Sweet and slow.",
    "language": "en",
    "servings": 2,
    "totalMinutes": 75,
    "difficulty": "easy",
    "ingredients": [
        {"name": "onions", "amount": 3, "unit": "piece", "note": "sliced"},
        {
            "name": "flour",
            "amount": 0.25,
            "unit": "cup",
            "measures": [{"amount": 1, "unit": "tbsp", "relation": "plus"}],
        },
        {"name": "stock", "amount": 500, "unit": "ml", "group": "For the broth"},
        {"name": "wine", "amount": 2, "amountMax": 3, "unit": "tbsp", "group": "For the broth"},
    ],
    "steps": [
        {"number": 1, "text": "Slice the onions.", "seen": {"source": "speech", "time": 1.0, "confidence": 0.9}},
        {"number": 2, "text": "Fry gently.", "minutes": 25, "minutesMax": 30, "temperatureC": 120},
    ],
    "equipment": ["pot"],
    "nutrition": {"caloriesKcal": 210},
    "confidence": 0.8,
    "notes": ["Read from the screen."],
}
SUMMARY: dict[str, Any] = {
    "title": "How onions cook",
    "summary": "Onions turn sweet when they fry slowly.",
    "keyPoints": [{"text": "Low heat.", "start": 2, "quote": "Fry the onions gently."}],
    "chapters": [
        {"title": "Welcome", "start": 0, "end": 1},
        {"title": "Cooking", "start": 1, "end": 4},
    ],
    "durationSec": 4,
    "language": "en",
}
SPOKEN: dict[str, Any] = {
    "language": "en",
    "source": "speech",
    "durationSec": 4,
    "words": 11,
    "segments": 3,
    "text": "Welcome to the kitchen.\nChop the onions.\nFry the onions gently.",
}
REEL: dict[str, Any] = {
    "original": {"transcription": SPOKEN["text"], "translation": "Willkommen in der Küche."},
    "keys": [{"title": f"Reason {number}", "description": "It starts at once."} for number in range(1, 6)],
    "script": [
        {"start": 0, "end": 2, "time": "00:00–00:02", "visual": "A kitchen", "text": "Welcome!", "note": "Close-up"},
        {"start": 2, "end": 4, "time": "00:02–00:04", "visual": "Onions in a pan", "text": "", "note": ""},
    ],
    "recommendations": [{"category": "Hook", "text": "Show the soup first."}],
    "pacing": {
        "durationSec": 4, "shots": 2, "cutsPerMinute": 15, "meanShotSec": 2, "hookSec": 0.4, "silenceShare": 0.25,
        "loudness": {"integratedLufs": -18.2, "rangeLu": 5, "truePeakDbfs": -1}, "wordsPerMinute": 165,
    },
    "timeline": {
        "cuts": [2], "speech": [{"start": 0.4, "end": 2}, {"start": 2.5, "end": 3.5}],
        "levels": [-30 + 12 * (number % 7) / 7 for number in range(100)] + [-70] * 20,
    },
    "language": "en",
    "notes": ["Read from the screen."],
}  # fmt: skip
RESULTS = {"recipe": RECIPE, "summary": SUMMARY, "transcript": SPOKEN, "reel": REEL}


class Shelf:
    """Puts jobs into the data of a server that runs."""

    def __init__(self, server: Server, film: bytes) -> None:
        self._place = open_embedded_place(Settings(clipwise_data=server.data))
        self.place: Place = self._place.place
        self._film = film
        self._age = 0

    def add(
        self, kind: str, result: dict[str, Any] | None = None, segments: list[Segment] | None = None, **fields: Any
    ) -> Job:
        """Store a job that is done, with its video, a picture and a transcript. Each is older than the one before."""
        place = self._place.place
        job = plan_job(owner="local", kind=kind, language="en", filename=fields.pop("filename", "film.mp4"))
        self._age += 1
        job.created_at = job.updated_at = job.ended_at = clock.now() - timedelta(minutes=self._age)
        job.status, job.progress, job.result = JobStatus.DONE, 100, result or RESULTS[kind]
        for state in job.stages.values():
            state.status, state.attempts = StageStatus.DONE, 1
            state.started_at = state.ended_at = job.created_at
        assert job.upload is not None
        job.upload.state = UploadState.RECEIVED
        picture = Frame(name="thumbnail.jpg", time=1, width=320, height=240)
        job.video = Video(
            filename=job.filename,
            content_type="video/mp4",
            info=MediaInfo(
                container="mov", size_bytes=1, duration_sec=4, has_video=True, has_audio=True, width=320, height=240
            ),
            thumbnail=picture,
            frames=[picture],
            shots=[Shot(start=0, end=2), Shot(start=2, end=4)],
            transcript=SPOKEN["text"],
            transcript_source="speech",
            transcript_language="en",
        )
        for name, value in fields.items():
            setattr(job, name, value)
        if job.status is not JobStatus.DONE:
            job.result = None
        if job.error and job.error.stage:
            job.stages[job.error.stage].status, job.stages[job.error.stage].error = StageStatus.FAILED, job.error
        place.objects.put(UPLOADS, source_name(job.id), self._film, "video/mp4")
        place.objects.put(MEDIA, media_name(job.id, "thumbnail.jpg"), picture_bytes(), "image/jpeg")
        transcript = Transcript(source="speech", language="en", segments=segments or SEGMENTS)
        store_json(place.objects, job.id, TRANSCRIPT, transcript.to_json())
        source, windows = PassageSource(job.owner, job.id, job.id), split_windows(transcript.segments)
        store_passages(place.documents, PASSAGES, source, windows, "en", None)
        return create_job(place.documents, job)

    def bury(self, data: dict[str, Any]) -> None:
        """Leave a dead letter: an event that its function failed to process too often."""
        # In one commit, before which no worker can take it.
        with self._place.database.transaction() as connection:
            self.place.bus.publish("sweep-tick", data)
            connection.execute("UPDATE deliveries SET count = 1000 WHERE data = ?", (json.dumps(data),))

    def close(self) -> None:
        self._place.database.close()


def picture_bytes() -> bytes:
    stream = BytesIO()
    Image.new("RGB", (320, 240), (0, 90, 140)).save(stream, "JPEG")
    return stream.getvalue()


def open_page(page: Page, server: Server, path: str = "") -> None:
    # Otherwise only the part behind # would change, and the page before would stay until this one is loaded.
    page.goto("about:blank")
    page.goto(f"{server.url}/#/{path}")


def violations(page: Page) -> list[str]:
    """What axe has against the page, as lines of text."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    return [f"{item['id']}: {json.dumps([node['html'] for node in item['nodes']])[:500]}" for item in found]


def layout_shifts(page: Page) -> list[tuple[float, list[str]]]:
    """What has moved on the page by itself so far: by how much (layout shift scores), and which elements."""
    script = """new Promise((resolve) => {
      const observer = new PerformanceObserver(() => {});
      observer.observe({type: 'layout-shift', buffered: true});
      requestAnimationFrame(() => resolve(observer.takeRecords()
        .filter((entry) => !entry.hadRecentInput && entry.value > 0.005).map((entry) => [entry.value, entry.sources
          .map(({node}) => (node?.cloneNode?.() ?? node)?.outerHTML ?? node?.textContent ?? '')])));
    })"""
    shifts: list[tuple[float, list[str]]] = page.evaluate(script)
    return shifts


def address(page: Page) -> str:
    """The path behind `#/`."""
    return re.sub(r".*#/?", "", page.url)


def seconds_of(page: Page) -> float:
    """Where the page's player is."""
    return float(page.evaluate("document.querySelector('video').currentTime"))
