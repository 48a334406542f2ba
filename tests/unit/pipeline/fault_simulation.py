"""A world that misbehaves: ports that crash between any two calls, deliveries that repeat, overtake and get lost."""

from __future__ import annotations

import base64
import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from shared import clock
from shared.errors import NotFound, PermanentError, TransientError
from shared.models.job import Job, Part, StageStatus
from shared.pipeline.contract import run_stage
from shared.pipeline.divided_stage import DividedStage
from shared.pipeline.division import PartRun, run_divided_stage
from shared.pipeline.job_storage import MEDIA, UPLOADS, job_of_source, media_name, source_name
from shared.pipeline.parts import change_part, part_id, plan_part, reopen_part
from shared.pipeline.stage_run import LeasedRun, StageRun
from shared.pipeline.sweep import sweep
from shared.platform.place import use_place
from shared.platform.ports import Documents, ObjectInfo, Place
from shared.wiring import wiring

START = datetime(2026, 1, 1, tzinfo=UTC)
DIVIDED, PARTS = "transcribe", 3


class Killed(BaseException):
    """The process died: nothing after this point happens."""


@dataclass
class Fate:
    """What befalls one delivery: death just before or after its n-th port call, or another delivery in between."""

    die_at: int | None = None
    die_after: bool = False
    meanwhile_at: int | None = None
    meanwhile: Callable[[], None] | None = None
    calls: int = 0
    dead: bool = False


class Faulty:
    """Passes calls through to a port and lets the current fate strike around each."""

    def __init__(self, port: Any, world: World) -> None:
        self._port = port
        self._world = world

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._world.call(method, *args, **kwargs)

        return call


@dataclass
class MemoryObjects:
    """Objects in a dict that post finalized events to the mailbox."""

    mailbox: list[Event]
    stored: dict[tuple[str, str], bytes] = field(default_factory=dict)
    generations: int = 0

    def put(self, bucket: str, name: str, data: bytes, content_type: str, **_: Any) -> ObjectInfo:
        self.stored[bucket, name] = data
        self.generations += 1
        for function in wiring().listeners(bucket=bucket):
            self.mailbox.append(Event(function.name, job_of_source(name)))
        return ObjectInfo(bucket, name, len(data), content_type, self.generations, clock.now())

    def stat(self, bucket: str, name: str) -> ObjectInfo | None:
        data = self.stored.get((bucket, name))
        return None if data is None else ObjectInfo(bucket, name, len(data), "", self.generations, clock.now())

    def read(self, bucket: str, name: str) -> bytes:
        try:
            return self.stored[bucket, name]
        except KeyError:
            raise NotFound(name) from None

    def delete(self, bucket: str, name: str) -> None:
        self.stored.pop((bucket, name), None)

    def delete_many(self, bucket: str, names: Sequence[str]) -> None:
        for name in names:
            self.delete(bucket, name)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        gone = [key for key in self.stored if key[0] == bucket and key[1].startswith(prefix)]
        for key in gone:
            del self.stored[key]
        return len(gone)

    def finalize_again(self, bucket: str, name: str) -> bool:
        if (bucket, name) not in self.stored:
            return False
        self.put(bucket, name, self.stored[bucket, name], "")
        return True


@dataclass
class MailboxBus:
    mailbox: list[Event]
    dead_letters: list[str]
    at_work: str | None = None
    trespasses: set[str] = field(default_factory=set)
    """Who published what the wiring table does not have them publish; in the cloud they may not."""

    def publish(self, topic: str, data: dict[str, Any], attributes: dict[str, str] | None = None) -> str:
        table = wiring()
        if self.at_work and topic not in (*table.functions[self.at_work].publishes, table.dead_letter_topic):
            self.trespasses.add(f"{self.at_work}: {topic}")
        if topic == wiring().dead_letter_topic:
            self.dead_letters.append(data["jobId"])
        for function in wiring().listeners(topic=topic):
            self.mailbox.append(Event(function.name, data["jobId"], data.get("part")))
        return "id"


@dataclass(frozen=True)
class Event:
    stage: str
    job_id: str
    part: int | None = None

    @property
    def name(self) -> str:
        return self.stage if self.part is None else f"{self.stage}/{self.part}"


def cloud_event(event: Event) -> CloudEvent:
    data = {"jobId": event.job_id, "stage": event.stage, "part": event.part}
    message = {"message": {"data": base64.b64encode(json.dumps(data).encode()).decode()}}
    return CloudEvent({"type": "test", "source": "//test"}, message)


class World:
    """Jobs, a mailbox of undelivered events, a clock that is moved by hand.

    Args:
        tolerant: Whether the divided stage bears parts that cannot be done.
    """

    def __init__(self, documents: Documents, patch: pytest.MonkeyPatch, *, tolerant: bool = False) -> None:
        self.tolerant = tolerant
        self.time = START
        patch.setattr(clock, "now", lambda: self.time)
        self.documents = documents
        self.mailbox: list[Event] = []
        self.dead_letters: list[str] = []
        self.objects = MemoryObjects(self.mailbox)
        self.fate = Fate()
        self.again: dict[tuple[str, int], int] = {}
        self.rounds: set[str] = set()
        self.worked: Counter[tuple[str, str]] = Counter()
        self.trouble: dict[tuple[str, str], list[Exception]] = {}
        self.bus = MailboxBus(self.mailbox, self.dead_letters)
        self.calm = Place(documents, self.objects, self.bus)  # type: ignore[arg-type]
        self.platform = Place(Faulty(documents, self), Faulty(self.objects, self), Faulty(self.bus, self))  # type: ignore[arg-type]

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        fate = self.fate
        if fate.dead:
            raise Killed
        fate.calls += 1
        if fate.meanwhile and fate.calls == fate.meanwhile_at:
            other, fate.meanwhile = fate.meanwhile, None
            other()
            self.fate = fate
        dies = fate.calls == fate.die_at
        if dies and not fate.die_after:
            fate.dead = True
            raise Killed
        result = method(*args, **kwargs)
        if dies:
            fate.dead = True
            raise Killed
        return result

    def deliver(self, event: Event, fate: Fate | None = None) -> bool:
        """One delivery of an event; True when it was acknowledged."""
        self.fate = fate or Fate()
        self.bus.at_work = event.stage
        try:
            with use_place(self.platform):
                if event.stage == DIVIDED:
                    division = DividedStage(DIVIDED, self.work_part, self.show, self.join, self.tolerant)
                    run_divided_stage(cloud_event(event), division)
                else:
                    run_stage(cloud_event(event), event.stage, event.job_id, self.work)
        except (Exception, Killed):
            return False
        finally:
            self.fate = Fate()
            self.bus.at_work = None
        return True

    def work(self, run: StageRun) -> None:
        """What every stage does here: read what the one before made, write its own, move on half way."""
        self.half_way(run, run.stage)
        if run.stage == "download":
            run.place.objects.put(UPLOADS, source_name(run.job.id), b"video", "video/mp4")
            return
        if run.stage == "persist":
            run.place.documents.put("videos", run.job.id, {"owner": run.job.owner})
        run.place.objects.put(MEDIA, media_name(run.job.id, run.stage), run.stage.encode(), "text/plain")
        self.time += timedelta(seconds=2)
        run.add_result(lambda job: job.options.update({run.stage: True}), now=True)
        if run.stage == "extract" and DIVIDED in run.job.stages:
            if self.tolerant:
                for number in range(PARTS):
                    plan_part(run.place.documents, run.job, DIVIDED, number, {"planned": number})
            run.add_result(lambda job: setattr(job.stages[DIVIDED], "parts", PARTS))

    def half_way(self, run: LeasedRun[Any], name: str) -> None:
        self.worked[run.job.id, name] += 1
        problems = self.trouble.get((run.job.id, run.stage), [])
        if problems:
            raise problems.pop(0)
        self.time += timedelta(seconds=2)
        run.tick(0.5, "half way")

    def work_part(self, run: PartRun) -> None:
        self.half_way(run, f"{run.stage}/{run.number}")
        again = self.again.get((run.job.id, run.number), 0)
        self.again[run.job.id, run.number] = again - 1
        run.repeat = again > 0
        run.add_result(lambda part: setattr(part, "outcome", {"number": part.number}))

    def show(self, job: Job, parts: list[Part]) -> None:
        job.options["shown"] = sum(part.outcome is not None for part in parts)

    def join(self, run: StageRun, parts: list[Part]) -> None:
        if self.tolerant:
            self.join_tolerantly(run, parts)
            return
        assert [part.outcome for part in parts] == [{"number": number} for number in range(PARTS)]
        self.work(run)

    def join_tolerantly(self, run: StageRun, parts: list[Part]) -> None:
        """With one more round for a job that was promised it."""
        assert [part.number for part in parts] == list(range(PARTS))
        assert all(part.status in (StageStatus.DONE, StageStatus.FAILED) for part in parts)
        failed = [part.number for part in parts if part.status is StageStatus.FAILED]
        run.add_result(lambda job: job.options.update({"failed": failed}))
        if run.job.id in self.rounds:
            change_part(run.place.documents, part_id(run.job.id, DIVIDED, 0), reopen_part)
            run.repeat = True
            run.add_result(lambda _: self.rounds.discard(run.job.id))
            return
        self.work(run)

    def sweep(self, fate: Fate | None = None) -> None:
        self.fate = fate or Fate()
        with contextlib.suppress(Killed):
            sweep(self.platform)
        self.fate = Fate()

    def jobs(self) -> Iterator[Job]:
        for document in self.documents.query("jobs", limit=1000).documents:
            yield Job.read(document.data)

    def settle(self) -> None:
        """From here on nothing goes wrong: deliver and sweep until nothing is left to do."""
        for _ in range(40):
            while self.mailbox:
                self.redeliver_refused(self.mailbox.pop(0))
            if all(job.status.is_final and not job.outbox for job in self.jobs()):
                return
            self.time += timedelta(hours=30)
            self.sweep()

    def redeliver_refused(self, event: Event) -> None:
        """As the platform does: a refused event comes back later, and later is when leases have run out."""
        for _ in range(10):
            if self.deliver(event):
                return
            self.time += timedelta(minutes=2)


PROBLEMS: dict[str, Callable[[], Exception]] = {
    "permanent": lambda: PermanentError("bad_input", "The file is broken."),
    "transient": lambda: TransientError("unavailable", "Try again later."),
    "bug": lambda: TypeError("wrong"),
    "unexpected": lambda: ValueError("wrong"),
}


def temporary_documents(folder: Path) -> Documents:
    from shared.platform.embedded.database import Database
    from shared.platform.embedded.documents import SqliteDocuments

    folder.mkdir(exist_ok=True)
    return SqliteDocuments(Database(folder / "clipwise.db"))
