"""An installation in one process whose functions are watched: each call of a port is noted as the right it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from starlette.testclient import TestClient

from functions.api.app import create_app
from infra.reference import rights
from infra.runtimes.embedded.workers import load_function
from infra.stand_ins.identity_server import ADMINISTRATOR, API_KEY, IdentityServer
from shared import clock
from shared.errors import RetryLater, TransientError
from shared.platform.embedded.bus import to_cloud_event
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.gcp.firebase import FirebaseIdentity
from shared.platform.identity import use_identity
from shared.platform.place import use_place
from shared.settings import settings
from shared.wiring import wiring
from tests.server import UNLIMITED

VERBS = {
    "bucket_name": (),
    "copy": ("read", "create", "delete"),
    "copy_to_bucket": ("read",),
    "create_many": ("create",),
    "delete": ("delete",),
    "delete_many": ("delete",),
    "delete_prefix": ("read", "delete"),
    "download": ("read",),
    "finalize_again": ("read", "create", "delete"),
    "list": ("read",),
    "open": ("read",),
    "put": ("create", "delete"),
    "read": ("read",),
    "signed_url": ("read",),
    "google_uri": (),
    "start_upload": ("create", "delete"),
    "stat": ("read",),
}


def granted() -> set[str]:
    """All that `terraform/rights.yaml` grants, each as `function: right`."""
    found = set()
    for name, row in rights().items():
        buckets = row.get("objects", {})
        found |= {f"{name}: {verb} in {bucket}" for bucket, verbs in buckets.items() for verb in verbs}
        found |= {f"{name}: {right}" for right, given in row.items() if given is True}
    return found


def wired() -> set[str]:
    """What functions may publish by the wiring table."""
    table = wiring()
    return {
        f"{name}: publish to {topic}"
        for name, row in table.functions.items()
        for topic in (*row.publishes, table.dead_letter_topic)
    }


@dataclass
class Guard:
    """Who is at work, what was asked of the ports by whom, and what is out of order meanwhile."""

    now: str = "api"
    used: set[str] = field(default_factory=set)
    broken: set[tuple[str, str]] = field(default_factory=set)

    def note(self, right: str) -> None:
        self.used.add(f"{self.now}: {right}")

    def objects(self, method: str, bucket: str, *args: Any) -> Iterable[str]:
        yield from (f"{verb} in {bucket}" for verb in VERBS[method])
        if method == "copy_to_bucket":
            _, _, to_bucket, _ = args
            yield f"create in {to_bucket}"  # which never overwrites
        if method == "signed_url":
            yield "signs"

    def documents(self, method: str, collection: str, *_: Any) -> Iterable[str]:
        yield "documents"

    def bus(self, method: str, topic: str, *_: Any) -> Iterable[str]:
        right = f"{method} to {topic}"
        stage = any(row.weight for row in wiring().listeners(topic=topic))
        yield "restarts" if stage and f"{self.now}: {right}" not in wired() else right

    def administrator(self) -> str:
        """The token that accounts are looked up, changed and deleted with."""
        self.note("accounts")
        return ADMINISTRATOR


class Guarded:
    """A port whose calls are seen by the guard."""

    def __init__(self, port: Any, guard: Guard, needs: Callable[..., Iterable[str]]) -> None:
        self._port, self._guard, self._needs = port, guard, needs

    def __getattr__(self, method: str) -> Any:
        def call(where: str, *args: Any, **kwargs: Any) -> Any:
            for right in self._needs(method, where, *args):
                self._guard.note(right)
            if (self._guard.now, method) in self._guard.broken:
                raise TransientError("away", "This is out of order just now.")
            return getattr(self._port, method)(where, *args, **kwargs)

        return call


@dataclass
class Watched:
    """The installation.

    Attributes:
        folder: For a flow's own files.
        accounts: The identity service, with the mails that it sent.
        seen: Every event that was delivered, and to whom.
    """

    folder: Path
    place: EmbeddedPlace
    guard: Guard
    client: TestClient
    accounts: IdentityServer
    patch: pytest.MonkeyPatch
    seen: list[tuple[str, CloudEvent]] = field(default_factory=list)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The answer's content, if it has any."""
        answer = self.client.request(method, f"/v1{path}", follow_redirects=False, **more)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.headers.get("content-type") == "application/json" else answer.text

    def configure(self, **environ: str) -> None:
        for name, value in environ.items():
            self.patch.setenv(name, value)
        settings.cache_clear()

    def work(self) -> None:
        """Run the functions until nothing is left to do."""
        while delivery := self.place.queue.claim(lease_sec=600):
            event = to_cloud_event(delivery)
            self.seen.append((delivery.function, event))
            if self._deliver(delivery.function, event):
                self.place.queue.acknowledge(delivery)
            else:
                self.place.queue.refuse(delivery, 0)

    def once_more(self) -> None:
        """Every event there ever was comes again, as it may."""
        for function, event in list(self.seen):
            self._deliver(function, event)
        self.work()

    def later(self, passed: timedelta) -> None:
        """Time goes by, the scheduler ticks, and what follows is done."""
        then = clock.now
        self.patch.setattr(clock, "now", lambda: then() + passed)
        self.place.place.bus.publish("sweep-tick", {})
        self.work()

    @contextmanager
    def without(self, function: str, method: str) -> Iterator[None]:
        """What a function asks of a port by this method fails meanwhile."""
        self.guard.broken.add((function, method))
        try:
            yield
        finally:
            self.guard.broken.remove((function, method))

    def _deliver(self, function: str, event: CloudEvent) -> bool:
        self.guard.now = function
        try:
            load_function(function)(event)
        except (RetryLater, TransientError):
            return False
        finally:
            self.guard.now = "api"
        return True


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.callback(settings.cache_clear)
        stack.callback(patch.undo)
        environ = {"CLIPWISE_DATA": str(folder / "data"), "AUTH_REQUIRED": "false", "AI_PROVIDER": "offline"}
        for name, value in {**environ, **UNLIMITED, "PUBLIC_URL": "http://testserver"}.items():
            patch.setenv(name, value)
        settings.cache_clear()
        place, guard = open_embedded_place(settings()), Guard()
        stack.callback(place.database.close)
        ports = place.place
        chosen = replace(
            ports,
            documents=Guarded(ports.documents, guard, guard.documents),
            objects=Guarded(ports.objects, guard, guard.objects),
            bus=Guarded(ports.bus, guard, guard.bus),
        )
        accounts = stack.enter_context(IdentityServer())
        project = accounts.accounts.project
        identity = FirebaseIdentity(accounts.endpoints, project, API_KEY, guard.administrator, chosen.documents)
        stack.enter_context(use_place(chosen))
        stack.enter_context(use_identity(identity))
        yield Watched(folder, place, guard, TestClient(create_app()), accounts, patch)
