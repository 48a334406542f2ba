"""The rights in terraform/rights.yaml, held against what the functions really do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api.app import create_app
from infra.deployment import rights
from infra.embedded.worker import load
from shared.errors import NotNow
from shared.pipeline.sweep import sweep
from shared.pipeline.wiring import wiring
from shared.platform.connect import use_platform
from shared.platform.embedded.events import as_cloud_event
from shared.platform.embedded.place import EmbeddedPlace, open_embedded
from shared.settings import settings
from tests.media_samples import with_sound
from tests.videos import plain_video

VERBS = {
    "copy": {"read", "create", "delete"},
    "delete": {"delete"},
    "delete_prefix": {"read", "delete"},
    "download": {"read"},
    "finalize_again": {"read", "create", "delete"},
    "list": {"read"},
    "open": {"read"},
    "put": {"create", "delete"},
    "signed_url": {"read"},
    "start_upload": {"create", "delete"},
    "stat": {"read"},
}


@dataclass
class Guard:
    """Who is at work, and what was done without the right to."""

    now: str = "api"
    trespasses: set[str] = field(default_factory=set)

    def objects(self, method: str, bucket: str) -> None:
        if missing := VERBS[method] - set(rights()[self.now].get("objects", {}).get(bucket, ())):
            self.trespasses.add(f"{self.now} may not {', '.join(sorted(missing))} in {bucket}")

    def publish(self, topic: str) -> None:
        table = wiring()
        stages = {row.trigger.topic for row in table.functions.values() if row.weight}
        allowed = {*table.functions[self.now].publishes, table.dead_letter_topic}
        if topic not in allowed | (stages if rights()[self.now].get("restarts") else set()):
            self.trespasses.add(f"{self.now} may not publish to {topic}")


class Guarded:
    """A port whose calls are seen by the guard."""

    def __init__(self, port: Any, guard: Guard) -> None:
        self._port, self._guard = port, guard

    def __getattr__(self, method: str) -> Any:
        def call(where: str, *args: Any, **kwargs: Any) -> Any:
            if method == "publish":
                self._guard.publish(where)
            else:
                self._guard.objects(method, where)
            return getattr(self._port, method)(where, *args, **kwargs)

        return call


@contextmanager
def guarded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[EmbeddedPlace, Guard]]:
    for name, value in {"CLIPWISE_DATA": str(folder), "AUTH_REQUIRED": "false", "AI_PROVIDER": "offline"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUBLIC_URL", "http://testserver")
    settings.cache_clear()
    place, guard = open_embedded(settings()), Guard()
    ports = {"objects": Guarded(place.platform.objects, guard), "bus": Guarded(place.platform.bus, guard)}
    with use_platform(replace(place.platform, **ports)):
        yield place, guard
    settings.cache_clear()


def work(place: EmbeddedPlace, guard: Guard) -> None:
    """Run the functions until nothing is left to do."""
    while delivery := place.queue.take(lease_sec=600):
        guard.now = delivery.function
        try:
            load(delivery.function)(as_cloud_event(delivery))
        except NotNow:
            place.queue.refuse(delivery, 0)
        else:
            place.queue.acknowledge(delivery)
    guard.now = "api"


def live(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What a job of this kind does without the right to, from its upload to its deletion."""
    with guarded(folder, monkeypatch) as (place, guard):
        client = TestClient(create_app())
        clip = with_sound(folder / "clip.mp4", plain_video(folder / "silent.mp4"))
        with clip.open("rb") as video:
            answer = client.post("/v1/jobs", data={"kind": kind}, files={"file": ("clip.mp4", video, "video/mp4")})
        job = f"/v1/jobs/{answer.raise_for_status().json()['id']}"
        work(place, guard)
        guard.now = "sweep"
        sweep(place.platform)
        guard.now = "api"
        client.get(f"{job}/export", params={"format": "json"})
        client.get(f"{job}/media/frames/01.jpg", follow_redirects=False)
        client.post(f"{job}/retry")
        work(place, guard)
        client.delete(job).raise_for_status()
        return guard.trespasses


@pytest.mark.parametrize("kind", ["metadata", "recipe", "reel", "summary", "transcript"])
def test_the_rights_are_enough(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job of every kind lives its whole life with the rights there are."""
    assert live(kind, tmp_path, monkeypatch) == set()


def test_a_right_less_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who takes a right away that is needed is told which."""
    fewer = {**rights(), "extract": {"documents": True, "objects": {"uploads": ["read"], "media": ["read"]}}}
    monkeypatch.setattr("tests.terraform.test_rights.rights", lambda: fewer)
    assert "extract may not create, delete in media" in live("metadata", tmp_path, monkeypatch)
