"""The stage contract under every disorder that at-least-once delivery and crashes can make."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.errors import NotFound
from shared.models.job import JobStatus, StageStatus
from shared.pipeline import lifecycle
from shared.pipeline.paths import MEDIA, UPLOADS, source_name
from tests.unit.pipeline.world import Event, Fate, World, problem, temporary_documents

fates = st.builds(
    Fate,
    die_at=st.none() | st.integers(1, 16),
    die_after=st.booleans(),
    meanwhile_at=st.none() | st.integers(1, 12),
)


class Disorder(RuleBasedStateMachine):
    """Jobs go through all stages while deliveries are duplicated, reordered, late, lost, interleaved and cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(temporary_documents(Path(self.folder.name)), self.patch)
        self.progress: dict[str, int] = {}
        self.final: dict[str, JobStatus] = {}
        self.doomed: set[str] = set()

    @initialize()
    def first_job(self) -> None:
        self.new_job("recipe", True)

    @rule(kind=st.sampled_from(["metadata", "recipe"]), by_url=st.booleans())
    def new_job(self, kind: str, by_url: bool) -> None:
        if len(self.progress) >= 4:
            return
        url = "https://example.com/v.mp4" if by_url else None
        job = lifecycle.plan(owner="a", kind=kind, language="en", url=url, upload_ttl_sec=3600)
        lifecycle.start(self.world.calm, job)
        self.progress[job.id] = 0
        if not by_url:
            self.world.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")

    @precondition(lambda self: self.world.mailbox)
    @rule(which=st.integers(0, 50), other=st.integers(0, 50), fate=fates)
    def deliver(self, which: int, other: int, fate: Fate) -> None:
        event = self.pick(which)
        between = self.pick(other)
        fate.meanwhile = lambda: self.world.deliver(between) and None
        if self.world.deliver(event, fate) and event in self.world.mailbox:
            self.world.mailbox.remove(event)

    @precondition(lambda self: self.world.mailbox)
    @rule(which=st.integers(0, 50))
    def duplicate(self, which: int) -> None:
        self.world.mailbox.append(self.pick(which))

    @precondition(lambda self: self.world.mailbox)
    @rule(which=st.integers(0, 50))
    def lose(self, which: int) -> None:
        self.world.mailbox.remove(self.pick(which))

    @precondition(lambda self: self.progress)
    @rule(which=st.integers(0, 50), stage=st.sampled_from(["download", "extract", "analyze", "persist"]))
    def late_event(self, which: int, stage: str) -> None:
        """An event of a stage that may be long over, or not be reached yet."""
        self.world.deliver(Event(stage, self.job(which)))

    @rule(seconds=st.sampled_from([1, 40, 400, 4000]))
    def wait(self, seconds: int) -> None:
        from datetime import timedelta

        self.world.time += timedelta(seconds=seconds)

    @rule(fate=fates)
    def sweep(self, fate: Fate) -> None:
        self.world.sweep(fate)

    @precondition(lambda self: self.progress)
    @rule(which=st.integers(0, 50))
    def cancel(self, which: int) -> None:
        try:
            lifecycle.cancel(self.world.calm, self.job(which))
        except (lifecycle.JobProblem, NotFound):
            return

    @precondition(lambda self: self.progress)
    @rule(which=st.integers(0, 50))
    def retry(self, which: int) -> None:
        job_id = self.job(which)
        try:
            lifecycle.retry(self.world.calm, job_id)
        except (lifecycle.JobProblem, NotFound):
            return
        del self.final[job_id]

    @precondition(lambda self: self.progress)
    @rule(
        which=st.integers(0, 50),
        stage=st.sampled_from(["download", "extract", "analyze", "persist"]),
        permanent=st.booleans(),
        times=st.integers(1, 6),
    )
    def trouble(self, which: int, stage: str, permanent: bool, times: int) -> None:
        self.world.trouble[self.job(which), stage] = [problem(permanent) for _ in range(times)]

    @invariant()
    def progress_never_falls_and_ends_stay(self) -> None:
        for job in self.world.jobs():
            assert job.progress >= self.progress[job.id]
            self.progress[job.id] = job.progress
            if job.id in self.final:
                assert job.status is self.final[job.id]
            if job.status.final:
                self.final[job.id] = job.status

    def teardown(self) -> None:
        try:
            self.world.settle()
            self.progress_never_falls_and_ends_stay()
            for job in self.world.jobs():
                assert job.status.final, f"lost: {job.status} at {job.stage}"
                assert not any(state.lease for state in job.stages.values())
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
        finally:
            self.patch.undo()
            self.folder.cleanup()

    def pick(self, which: int) -> Event:
        return self.world.mailbox[which % len(self.world.mailbox)]

    def job(self, which: int) -> str:
        return sorted(self.progress)[which % len(self.progress)]


TestDisorder = Disorder.TestCase
TestDisorder.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
