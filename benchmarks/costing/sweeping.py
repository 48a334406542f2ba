"""What `sweep` does for a job that ended: measured on Google's emulators, with the adapters of the cloud."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.costing.reckoning import table
from benchmarks.sizes import IS_SMOKE
from infra.runtimes.emulated.emulators import run_emulators
from shared import clock
from shared.models.job import Job, JobStatus, StageStatus
from shared.pipeline.deadline import Deadline
from shared.pipeline.job_storage import JOBS, UPLOADS, source_name
from shared.pipeline.jobs import refresh_derived_fields
from shared.pipeline.lifecycle import plan_job
from shared.pipeline.statistics import WRITERS, count_ended_jobs
from shared.pipeline.sweep import sweep, sweep_shard
from shared.pipeline.sweep_scope import RUN_SEC
from shared.platform.embedded.place import open_embedded_place
from shared.platform.gcp.place import open_gcp_place
from shared.platform.ports import Document, Place
from shared.settings import Settings
from shared.wiring import SWEEP, wiring

JOBS_OF_USER = 3
SECONDS = {"query": "page_sec", "update_many": "page_sec", "delete_many": "object_batch_sec"}
"""Assumed duration of a call, in prices.yaml; of any other: `operation_sec`."""


@dataclass(frozen=True)
class Step:
    """Calls by method, and the time that this process computed, all clients and models included."""

    calls: Counter[str]
    cpu_sec: float

    def instance_sec(self, at_once: int) -> float:
        """Seconds of an instance: it computes on one processor, and waits for this many calls at once."""
        by = table()["assumed"]
        waits = sum(count * by[SECONDS.get(name, "operation_sec")] for name, count in self.calls.items())
        return max(self.cpu_sec, waits / at_once)


@dataclass(frozen=True)
class Swept:
    """What the sweep of many jobs took.

    Attributes:
        jobs: How many ended, each with a source to delete; every user has JOBS_OF_USER of them.
        sources: The deletion of the sources, which all instances share.
        counting: The statistics, which one run does.
    """

    jobs: int
    sources: Step
    counting: Step

    @property
    def instance_sec(self) -> float:
        """Seconds of an instance for one job."""
        shared = self.sources.instance_sec(wiring().functions[SWEEP].concurrency)
        return (shared + self.counting.instance_sec(WRITERS)) / self.jobs

    @property
    def jobs_per_min(self) -> float:
        """How many jobs may end in a minute; a run has RUN_SEC of it."""
        instances = wiring().functions[SWEEP].max_instances
        by_all = instances * RUN_SEC / self.instance_sec
        return min(by_all, RUN_SEC / self.counting.instance_sec(WRITERS) * self.jobs)


class CallCounter:
    """Passes calls on to a port and counts them."""

    def __init__(self, port: Any, calls: Counter[str]) -> None:
        self._port, self._calls = port, calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._calls[name] += 1
            return method(*arguments, **options)

        return call


@contextmanager
def open_place(folder: Path) -> Iterator[Place]:
    """Yield a place on Google's emulators; in a smoke run the embedded one, which needs no Java."""
    if IS_SMOKE:
        yield open_embedded_place(Settings(clipwise_data=folder)).place
        return
    with run_emulators(folder) as hosts, patch.dict(os.environ, hosts.environ()):
        yield open_gcp_place(Settings(google_cloud_project=hosts.project, bucket_prefix=hosts.bucket_prefix))


def measure_sweep(jobs: int, folder: Path) -> Swept:
    """End `jobs` jobs and sweep until nothing is left of their sources and all are counted."""
    with open_place(folder) as place:
        stored = [store_ended_job(place, number) for number in range(jobs)]
        calls: Counter[str] = Counter()
        shards: list[int] = []
        bus = CallCounter(place.bus, calls)
        counted: Any = Place(CallCounter(place.documents, calls), CallCounter(place.objects, calls), bus)  # type: ignore[arg-type]

        def delete_sources() -> None:
            sweep(counted, Deadline(3600))
            for shard in shards:
                sweep_shard(counted, shard, Deadline(3600))

        def count() -> None:
            number = count_ended_jobs(counted.documents, lambda job: job.owner, Deadline(3600))
            assert number == jobs, f"{number} of {jobs} are counted"

        with patch.object(place.bus, "publish", lambda _, data: shards.append(data["shard"])):
            steps = [measure(calls, step) for step in (delete_sources, count)]
        assert all(is_swept(place, id) for id in (stored[0], stored[-1]))
        return Swept(jobs, *steps)


def measure(calls: Counter[str], step: Callable[[], None]) -> Step:
    calls.clear()
    start = time.process_time()
    step()
    return Step(calls.copy(), time.process_time() - start)


def store_ended_job(place: Place, number: int) -> str:
    """Store a job as long as a recipe's, which ended two days ago, with its source."""
    job = plan_job(
        owner=f"user{number // JOBS_OF_USER}", kind="recipe", language="en", upload_ttl_sec=3600, filename="pasta.mp4"
    )
    at = clock.now() - timedelta(days=2)
    job.created_at, job.ended_at, job.status = at, at + timedelta(minutes=1), JobStatus.DONE
    for state in job.stages.values():
        state.status, state.started_at, state.ended_at = StageStatus.DONE, at, at
    job.result = {"title": "Pasta", "steps": [{"number": step, "text": "Boil the water. " * 8} for step in range(12)]}
    refresh_derived_fields(job)
    place.objects.put(UPLOADS, source_name(job.id), b"video", "video/mp4")
    place.documents.create(JOBS, job.id, job.to_document())
    return job.id


def is_swept(place: Place, id: str) -> bool:
    document: Document | None = place.documents.get(JOBS, id)
    has_source = place.objects.stat(UPLOADS, source_name(id)) is not None
    return document is not None and Job.read(document.data).source_deleted and not has_source


def sweep_rows(swept: Swept) -> Sequence[tuple[str, ...]]:
    rows = [("jobs that ended, each with a source to delete", f"{swept.jobs:,}")]
    for name, step in (("sources", swept.sources), ("statistics", swept.counting)):
        calls = ", ".join(f"{count} {call}" for call, count in step.calls.most_common())
        rows.append((f"{name}: calls", calls))
        rows.append((f"{name}: calls for one job", f"{sum(step.calls.values()) / swept.jobs:.2f}"))
        rows.append((f"{name}: processor for one job", f"{step.cpu_sec / swept.jobs * 1000:.1f} ms"))
    instances = wiring().functions[SWEEP].max_instances
    rows.append((f"jobs a minute with {instances} instances", f"{swept.jobs_per_min:,.0f}"))
    return rows
