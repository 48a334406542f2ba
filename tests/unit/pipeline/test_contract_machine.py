"""The stage contract under every disorder that at-least-once delivery and crashes can make."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.errors import NotFound
from shared.models.job import JobStatus, StageStatus
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import MEDIA, UPLOADS, source_name
from tests.unit.pipeline.fault_simulation import DIVIDED, PARTS, PROBLEMS, Event, Fate, World, temporary_documents

STAGES = ["download", "extract", "transcribe", "analyze", "persist"]
fates = st.builds(
    Fate,
    die_at=st.none() | st.integers(1, 16),
    die_after=st.booleans(),
    meanwhile_at=st.none() | st.integers(1, 12),
)
kinds_and_ways = st.tuples(st.sampled_from(["metadata", "recipe"]), st.booleans())


class Disorder(RuleBasedStateMachine):
    """Jobs go through all stages while deliveries are duplicated, reordered, late, lost, interleaved and cut off."""

    tolerant = False

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(temporary_documents(Path(self.folder.name)), self.patch, tolerant=self.tolerant)
        self.progress: dict[str, int] = {}
        self.final: dict[str, JobStatus] = {}

    @initialize(
        kinds=st.lists(st.tuples(st.sampled_from(["metadata", "recipe"]), st.booleans()), min_size=1, max_size=3)
    )
    def jobs(self, kinds: list[tuple[str, bool]]) -> None:
        for kind, by_url in kinds:
            self.new_job(kind, by_url)

    def new_job(self, kind: str, by_url: bool) -> None:
        url = "https://example.com/v.mp4" if by_url else None
        name = f"job{len(self.progress)}"
        job = lifecycle.plan_job(owner="a", kind=kind, language="en", url=url, upload_ttl_sec=3600, job_id=name)
        lifecycle.start_job(self.world.calm, job)
        self.progress[job.id] = 0
        if self.tolerant and len(self.progress) % 2:
            self.world.rounds.add(job.id)
            self.world.again[job.id, 1] = 2
        if not by_url:
            self.world.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")

    @rule(which=st.integers(0, 50), other=st.integers(0, 50), fate=fates)
    def deliver_badly(self, which: int, other: int, fate: Fate) -> None:
        """Out of order, cut off somewhere, with another delivery in the middle."""
        event, between = self.pick(which), self.pick(other)
        if event is None or between is None:
            return
        fate.meanwhile = lambda: self.world.deliver(between) and None
        if self.world.deliver(event, fate) and event in self.world.mailbox:
            self.world.mailbox.remove(event)

    @rule(count=st.integers(1, 3))
    def deliver_well(self, count: int) -> None:
        for _ in range(count):
            if self.world.mailbox and self.world.deliver(self.world.mailbox[0]):
                self.world.mailbox.pop(0)

    @rule(which=st.integers(0, 50))
    def duplicate(self, which: int) -> None:
        event = self.pick(which)
        if event:
            self.world.mailbox.append(event)

    @rule(which=st.integers(0, 50))
    def lose(self, which: int) -> None:
        event = self.pick(which)
        if event:
            self.world.mailbox.remove(event)

    @rule(which=st.integers(0, 50), stage=st.sampled_from(STAGES), part=st.none() | st.integers(0, PARTS - 1))
    def late_event(self, which: int, stage: str, part: int | None) -> None:
        """An event of a stage, or of a part of one, that may be long over, or not be reached yet."""
        self.world.deliver(Event(stage, self.job(which), part if stage == DIVIDED else None))

    @rule(seconds=st.sampled_from([1, 40, 400, 4000]))
    def wait(self, seconds: int) -> None:
        self.world.time += timedelta(seconds=seconds)

    @rule(fate=fates)
    def sweep(self, fate: Fate) -> None:
        self.world.sweep(fate)

    @rule(which=st.integers(0, 50), really=st.integers(0, 9))
    def cancel(self, which: int, really: int) -> None:
        if really:
            return
        try:
            lifecycle.cancel_job(self.world.calm, self.job(which))
        except (lifecycle.JobStateError, NotFound):
            return

    @rule(which=st.integers(0, 50))
    def retry(self, which: int) -> None:
        job_id = self.job(which)
        try:
            lifecycle.retry_job(self.world.calm, job_id)
        except (lifecycle.JobStateError, NotFound):
            return
        del self.final[job_id]

    @rule(
        which=st.integers(0, 50),
        stage=st.sampled_from(STAGES),
        problem=st.sampled_from(sorted(PROBLEMS)),
        times=st.integers(1, 6),
    )
    def trouble(self, which: int, stage: str, problem: str, times: int) -> None:
        self.world.trouble[self.job(which), stage] = [PROBLEMS[problem]() for _ in range(times)]

    @invariant()
    def progress_never_falls_and_ends_stay(self) -> None:
        for job in self.world.jobs():
            assert job.progress >= self.progress[job.id]
            self.progress[job.id] = job.progress
            if job.id in self.final:
                assert job.status is self.final[job.id]
            if job.status.is_final:
                self.final[job.id] = job.status

    def teardown(self) -> None:
        try:
            self.world.settle()
            self.progress_never_falls_and_ends_stay()
            for job in self.world.jobs():
                assert job.status.is_final, f"lost: {job.status} at {job.stage}"
                assert not any(state.lease for state in job.stages.values())
                if job.status is JobStatus.DONE and DIVIDED in job.stages:
                    assert job.options["shown"] == PARTS
                made = {name for bucket, name in self.world.objects.stored if bucket == MEDIA}
                if job.status is JobStatus.DONE:
                    assert job.progress == 100
                    assert job.error is None
                    for name, state in job.stages.items():
                        assert state.status is StageStatus.DONE
                        assert name == "download" or f"{job.id}/{name}" in made
                    assert self.world.documents.get("videos", job.id) is not None
                if job.status is JobStatus.FAILED:
                    assert job.error is not None
                    if job.error.code == "internal":
                        assert "(incident " in job.error.message
                        assert job.id in self.world.dead_letters
        finally:
            self.patch.undo()
            self.folder.cleanup()

    def pick(self, which: int) -> Event | None:
        return self.world.mailbox[which % len(self.world.mailbox)] if self.world.mailbox else None

    def job(self, which: int) -> str:
        return sorted(self.progress)[which % len(self.progress)]


class TolerantDisorder(Disorder):
    """The same where the divided stage goes on without parts that cannot be done, with breaks and in rounds."""

    tolerant = True


TestDisorder = Disorder.TestCase
TestDisorder.settings = settings(max_examples=80, stateful_step_count=25, suppress_health_check=list(HealthCheck))
TestTolerantDisorder = TolerantDisorder.TestCase
TestTolerantDisorder.settings = settings(TestDisorder.settings, max_examples=50)
