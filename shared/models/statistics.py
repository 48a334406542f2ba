"""Statistics of ended jobs by day: counts, costs, errors, and histograms of durations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from shared.models import Model
from shared.models.job import Job, JobStatus, StageStatus

FIRST_STEP_SEC = 0.01
STEP_RATIO = 1.25
"""Each step of a histogram is this much longer than the one before, so that a percentile is wrong by 12 % at most."""
UPLOAD = "upload"
"""Stands for the stage of an error that came before the first one."""
Histogram = dict[str, int]
"""Number of durations by step, from 0; a step without durations is absent."""


def add_duration(histogram: Histogram, seconds: float) -> None:
    step = max(0, math.floor(math.log(max(seconds, FIRST_STEP_SEC) / FIRST_STEP_SEC, STEP_RATIO)))
    histogram[str(step)] = histogram.get(str(step), 0) + 1


def percentile_sec(histogram: Histogram, share: float) -> float | None:
    """Return the duration, in seconds, within which `share` (0 to 1) of all lie; None for an empty histogram."""
    rank, passed = max(1, math.ceil(share * sum(histogram.values()))), 0
    for step in sorted(map(int, histogram)):
        passed += histogram[str(step)]
        if passed >= rank:
            # The middle of the step, on its logarithmic scale.
            return round(FIRST_STEP_SEC * math.pow(STEP_RATIO, step + 0.5), 3)
    return None


class KindStatistics(Model):
    """Ended jobs of a kind; `times` is from their creation to their end, of those that are done."""

    done: int = 0
    empty: int = 0
    failed: int = 0
    cancelled: int = 0
    cost_usd: float = 0
    times: Histogram = {}

    @property
    def total(self) -> int:
        """Return the number of ended jobs; `empty` ones are among those that are done."""
        return self.done + self.failed + self.cancelled


class StageStatistics(Model):
    """Runs of a stage: how long they waited and took, and the codes of errors that ended jobs."""

    times: Histogram = {}
    waits: Histogram = {}
    errors: dict[str, int] = {}


class Statistics(Model):
    """The jobs that ended on some days."""

    kinds: dict[str, KindStatistics] = {}
    stages: dict[str, StageStatistics] = {}

    def add(self, job: Job) -> None:
        """Count an ended job, without what was counted before it was retried."""
        kind = self.kinds.setdefault(job.kind, KindStatistics())
        counted = job.counted
        kind.cost_usd = round(kind.cost_usd + job.usage.cost_usd - (counted.cost_usd if counted else 0), 9)
        match job.status:
            case JobStatus.DONE:
                kind.done += 1
                kind.empty += job.result_empty is not None
                if job.ended_at and counted is None:
                    add_duration(kind.times, (job.ended_at - job.created_at).total_seconds())
            case JobStatus.FAILED:
                kind.failed += 1
            case _:
                kind.cancelled += 1
        if job.error:
            errors = self.stages.setdefault(job.error.stage or UPLOAD, StageStatistics()).errors
            errors[job.error.code] = errors.get(job.error.code, 0) + 1
        # A job with an upload waits for its user first.
        ready_at = None if job.upload else job.created_at
        for name, state in job.stages.items():
            if state.status is StageStatus.DONE and state.started_at and state.ended_at:
                if counted is None or state.ended_at > counted.until:
                    stage = self.stages.setdefault(name, StageStatistics())
                    add_duration(stage.times, (state.ended_at - state.started_at).total_seconds())
                    if ready_at:
                        add_duration(stage.waits, (state.started_at - ready_at).total_seconds())
                ready_at = state.ended_at

    @classmethod
    def total(cls, parts: Iterable[Statistics]) -> Statistics:
        total = cls()
        for part in parts:
            for name, kind in part.kinds.items():
                sums = total.kinds.setdefault(name, KindStatistics())
                for field in ("done", "empty", "failed", "cancelled", "cost_usd"):
                    setattr(sums, field, getattr(sums, field) + getattr(kind, field))
                sums.times = sum_counts(sums.times, kind.times)
            for name, stage in part.stages.items():
                whole = total.stages.setdefault(name, StageStatistics())
                whole.times = sum_counts(whole.times, stage.times)
                whole.waits = sum_counts(whole.waits, stage.waits)
                whole.errors = sum_counts(whole.errors, stage.errors)
        return total


def sum_counts(counts: dict[str, int], others: dict[str, int]) -> dict[str, int]:
    return dict(Counter(counts) + Counter(others))


class DayStatistics(Statistics):
    """The jobs that ended on one day (UTC): those of one owner, or of all."""

    owner: str | None = Field(None, description="None for the jobs of all owners.")
    day: str = Field(description="`2026-11-30`.")
    until: datetime = Field(description="All jobs that ended before are counted.")
    expires_at: datetime
