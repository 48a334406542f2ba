"""One job in this process, through all functions, with everything it asks for counted."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from starlette.testclient import TestClient

from benchmarks.costing.counting import Ledger, counted
from benchmarks.costing.reckoning import Talk
from infra.runtimes.embedded.workers import load_function
from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.auto_replies import AutoReplyGemini, AutoReplyOpenAI
from infra.stand_ins.server import RecordedRequest, StandInServer
from shared import clock
from shared.ai.gemini import client
from shared.ai.openai import endpoint
from shared.errors import RetryLater
from shared.pipeline.stage_run import LeasedRun
from shared.platform.embedded.bus import to_cloud_event
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.place import use_place
from shared.settings import Settings, settings

URL = "http://127.0.0.1:8080"
Life = Callable[[EmbeddedPlace, Ledger, str, Path], dict[str, Any]]
"""Sends a video to be done, has all functions run, and gives the job in the end."""


@dataclass(frozen=True)
class Counted:
    """A job that was done.

    Attributes:
        entries: By function: operations, `cpu` seconds, `runs`. What is done to tell how far the work is, at most once
            a second, is among them and, once more, apart: `progress reads` and so on.
        stage_sec: How long its stages took together.
        talk: With the AI service, if there was one.
    """

    kind: str
    provider: str
    entries: dict[str, Counter[str]]
    stage_sec: float
    talk: Talk | None

    def total(self) -> Counter[str]:
        return sum(self.entries.values(), Counter())


def minute_of(video: Path, folder: Path) -> Path:
    """`video` again and again until it lasts 60 s, without its subtitles, as phones and platforms give them."""
    from tests.ffmpeg_programs import RENDERER

    made = folder / "minute.mp4"
    command: list[str | Path] = [RENDERER, "-v", "error", "-y", "-stream_loop", "9", "-i", video, "-t", "60"]
    subprocess.run([*command, "-map", "0:v", "-map", "0:a", "-c", "copy", made], check=True)
    return made


@contextmanager
def environment(**values: str) -> Iterator[Settings]:
    before = dict(os.environ)
    os.environ.update(values)
    settings.cache_clear()
    try:
        yield settings()
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def count_job(
    kind: str, provider: str, video: Path, seconds: float, live: Life | None = None, **environ: str
) -> Counted:
    """Send `video` and run all functions until nothing is left to do, in the way of `live`."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="clipwise-cost-"))
        openai, gemini = stack.enter_context(AutoReplyOpenAI()), stack.enter_context(AutoReplyGemini(processing=0))
        # Sent what the services themselves are sent, which is not what a compatible server gets.
        stack.enter_context(patch.object(endpoint, "OPENAI_DOMAINS", ("127.0.0.1",)))
        stack.enter_context(patch.object(client, "GOOGLE_DOMAINS", ("127.0.0.1",)))
        stack.enter_context(processor_clock())
        chosen = stack.enter_context(
            environment(
                CLIPWISE_DATA=f"{folder}/data",
                CLIPWISE_PLACE="embedded",
                AUTH_REQUIRED="false",
                PUBLIC_URL=URL,
                AI_PROVIDER=provider,
                MONTHLY_BUDGET_USD="100",
                OPENAI_API_KEY=openai_server.KEY,
                OPENAI_BASE_URL=openai.base_url,
                GEMINI_API_KEY=gemini_server.KEY,
                GOOGLE_GEMINI_BASE_URL=gemini.url,
                NO_PROXY="127.0.0.1,localhost",
                LEASE_SEC="600",
                **environ,
            )
        )
        place, ledger = open_embedded_place(chosen), Ledger()
        stack.enter_context(use_place(counted(place.place, ledger)))
        stack.enter_context(told_apart(ledger))
        job = (live or by_link)(place, ledger, kind, video)
        assert job["status"] == "done", job["error"]
        services: dict[str, StandInServer] = {"openai": openai, "gemini": gemini}
        asked = services[provider].requests if provider in services else []
        talk = talk_of(asked, chosen, job, provider, seconds)
        return Counted(kind, provider, ledger.entries, stage_seconds(job), talk)


@contextmanager
def processor_clock() -> Iterator[None]:
    """Let progress follow the processor's time: then a busy machine reports it no more often than an idle one."""
    start, began = clock.now(), time.process_time()
    with patch.object(clock, "steady_now", lambda: start + timedelta(seconds=time.process_time() - began)):
        yield


@contextmanager
def told_apart(ledger: Ledger) -> Iterator[None]:
    """Count apart what runs write to tell how far they are: it follows the time that the work takes, not the work."""
    with ExitStack() as stack:
        for name in ("tick", "_renew_lease"):
            real = getattr(LeasedRun, name)

            def telling(run: LeasedRun[Any], *args: Any, real: Any = real, **more: Any) -> None:
                with ledger.telling():
                    real(run, *args, **more)

            setattr(LeasedRun, name, telling)
            stack.callback(setattr, LeasedRun, name, real)
        yield


def stage_seconds(job: dict[str, Any]) -> float:
    """From the beginning of each stage to its end."""
    stages = [stage for stage in job["stages"].values() if stage["startedAt"]]
    return sum(
        (datetime.fromisoformat(stage["endedAt"]) - datetime.fromisoformat(stage["startedAt"])).total_seconds()
        for stage in stages
    )


def serving(place: EmbeddedPlace) -> TestClient:
    from functions.api.app import create_app

    app = create_app()
    app.mount("/storage", place.storage_app())
    return TestClient(app, base_url=URL)


def by_form(place: EmbeddedPlace, ledger: Ledger, kind: str, video: Path) -> dict[str, Any]:
    """As tests.server.Api sends and follows a job: a form with the bytes, the events, the job."""
    client = serving(place)
    with measured(ledger, "api"), video.open("rb") as file:
        sent = client.post("/v1/jobs", data={"kind": kind}, files={"file": (video.name, file, "video/mp4")})
    work(place, ledger)
    path = f"/v1/jobs/{sent.raise_for_status().json()['id']}"
    with measured(ledger, "api"):
        client.get(f"{path}/events").raise_for_status()
        job: dict[str, Any] = client.get(path).raise_for_status().json()
    return job


def by_link(place: EmbeddedPlace, ledger: Ledger, kind: str, video: Path) -> dict[str, Any]:
    """As an app does: a link to send the bytes to, the job's events while it is at work, a look at its thumbnail."""
    client = serving(place)
    wish = {"filename": video.name, "content_type": "video/mp4", "size": video.stat().st_size, "kind": kind}
    with measured(ledger, "api"):
        ticket = client.post("/v1/uploads", json=wish).raise_for_status().json()
    client.put(ticket["upload_url"], content=video.read_bytes(), headers=ticket["headers"]).raise_for_status()
    work(place, ledger)
    with measured(ledger, "api"):
        job: dict[str, Any] = client.get(f"/v1/jobs/{ticket['job']['id']}").raise_for_status().json()
    with measured(ledger, "api"):
        client.get(f"/v1/jobs/{job['id']}/media/{job['video']['thumbnail']['name']}", follow_redirects=False)
    # Whoever follows the job is sent each change, and each is a read, as is one more look.
    written = ledger.total()
    ledger.add(reads=2 + written["writes jobs"], **{"progress reads": written["progress writes jobs"]})
    return job


def work(place: EmbeddedPlace, ledger: Ledger) -> None:
    while delivery := place.queue.claim(lease_sec=600):
        with measured(ledger, delivery.function):
            try:
                load_function(delivery.function)(to_cloud_event(delivery))
            except RetryLater:
                place.queue.refuse(delivery, 0)
            else:
                place.queue.acknowledge(delivery)


@contextmanager
def measured(ledger: Ledger, function: str) -> Iterator[None]:
    """Book what happens meanwhile to `function`, and the time that processors were busy."""
    ledger.now, start = function, time.process_time()
    try:
        yield
    finally:
        ledger.add(runs=1, cpu=time.process_time() - start)
        ledger.now = "api"


def idle_minute() -> Counter[str]:
    """What the scheduler's tick costs where nothing happens."""
    with (
        tempfile.TemporaryDirectory() as folder,
        environment(CLIPWISE_DATA=folder, CLIPWISE_PLACE="embedded") as chosen,
    ):
        place, ledger = open_embedded_place(chosen), Ledger()
        platform = counted(place.place, ledger)
        with use_place(platform):
            platform.bus.publish("sweep-tick", {})
            work(place, ledger)
        return ledger.total()


def talk_of(
    asked: list[RecordedRequest], chosen: Settings, job: dict[str, Any], provider: str, seconds: float
) -> Talk | None:
    """What went to the service, by the requests it got; what came back, by the job's result."""
    if provider not in ("openai", "gemini") or not asked:
        return None
    seen: Counter[str] = Counter()
    for request in asked:
        if "mbed" in request.path:
            seen["embeddings"] += 1
            seen["embedding_chars"] += look(json.loads(request.body), Counter())["chars"]
        elif "transcriptions" in request.path:
            seen["requests"] += 1
        elif request.method == "POST" and "upload" not in request.path:
            seen["requests"] += 1
            look(json.loads(request.body), seen)
    gemini = provider == "gemini"
    heard = float(job["usage"]["audioSeconds"])
    return Talk(
        model=chosen.gemini_model if gemini else chosen.openai_model,
        requests=seen["requests"] + seen["embeddings"],
        chars_in=seen["chars"],
        chars_out=len(json.dumps(job["result"] or {}, ensure_ascii=False)),
        images=seen["images"],
        video_sec=seconds * seen["videos"],
        audio_sec=heard,
        embeddings=seen["embeddings"],
        embedding_model=(chosen.gemini_embed_model if gemini else chosen.openai_embed_model) * bool(seen["embeddings"]),
        embedding_chars=seen["embedding_chars"],
        heard_by=(chosen.gemini_model if gemini else endpoint.endpoint_for("transcribe", chosen).model)
        if heard
        else "",
        sent_bytes=sum(len(request.body) for request in asked),
    )


def look(value: Any, seen: Counter[str]) -> Counter[str]:
    """Characters, images and videos of a request to either service."""
    if isinstance(value, dict):
        kind = str(value.get("mimeType") or value.get("mime_type") or "")
        if kind:
            seen["videos"] += kind.startswith("video/")
            seen["images"] += kind.startswith("image/")
            return seen
        for part in value.values():
            look(part, seen)
    elif isinstance(value, list):
        for part in value:
            look(part, seen)
    elif isinstance(value, str):
        if value.startswith("data:image/"):
            seen["images"] += 1
        else:
            seen["chars"] += len(value)
    return seen
