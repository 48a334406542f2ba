"""Counts ended jobs by day, for operators and for each owner: exactly once, from the job documents.

`sweep` counts the jobs that ended since its last run. Each document of a day knows up to when it counts, so that a
repeated run adds nothing twice. Reading some days takes one document each, however many jobs there were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

from shared import clock
from shared.models.job import CountedRun, Job
from shared.models.shard import ALL_SHARDS
from shared.models.statistics import DayStatistics
from shared.pipeline.deadline import Deadline
from shared.pipeline.job_storage import DELETED, JOBS
from shared.platform.documents import change_model
from shared.platform.ports import Documents

STATISTICS = "statistics"
MARK = "mark"
"""The document that says up to when all jobs are counted."""
LAG = timedelta(minutes=1)
"""How long after its end a job is visible for certain."""
KEEP = timedelta(days=92)
HISTORY = timedelta(days=30)
"""Ended jobs that the first run counts; later ones follow it."""
PAGE = 500
MAX_JOBS = 2000
"""Most jobs in memory: one step."""
WRITERS = 32
"""Days of different owners that are written at once."""
OwnerOf = Callable[[Job], str | None]
"""Returns the user whose statistics count a job; None for nobody's."""


def count_ended_jobs(documents: Documents, owner_of: OwnerOf, deadline: Deadline) -> int:
    """Count the jobs that ended since the last run, in steps until the deadline; return their number."""
    total = 0
    while True:
        start = counted_until(documents) or clock.now() - HISTORY
        end = clock.now() - LAG
        number, until = _count_step(documents, owner_of, start, end)
        total += number
        if until >= end or deadline.has_passed():
            return total


def _count_step(documents: Documents, owner_of: OwnerOf, start: datetime, end: datetime) -> tuple[int, datetime]:
    """Count at most MAX_JOBS jobs that ended since `start`; return their number, and until when all are counted."""
    jobs, until = ended_jobs(documents, start, end)
    shares: defaultdict[tuple[str | None, date], list[Job]] = defaultdict(list)
    for job in jobs:
        assert job.ended_at is not None  # noqa: S101  # it was searched by this field
        for owner in {None, owner_of(job) or None}:
            shares[owner, job.ended_at.date()].append(job)

    def add_share(share: tuple[tuple[str | None, date], list[Job]]) -> None:
        (owner, day), ended = share
        add_jobs(documents, owner, day, ended, until)

    with ThreadPoolExecutor(min(WRITERS, max(1, len(shares)))) as threads:
        list(threads.map(add_share, shares.items()))
    if until > start:
        documents.put(STATISTICS, MARK, {"until": until})
    return len(jobs), until


def ended_jobs(documents: Documents, start: datetime, end: datetime) -> tuple[list[Job], datetime]:
    """Return the jobs that ended from `start` until, but not at, the returned time: `end`, or earlier for many jobs.

    A job that is deleted meanwhile is found once: its record is written before its document is deleted.
    """
    jobs, end = _ended(documents, JOBS, start, end)
    deleted, until = _ended(documents, DELETED, start, end)
    by_id = {job.id: job for job in [*deleted, *jobs] if job.ended_at and job.ended_at < until}
    return list(by_id.values()), until


def _ended(documents: Documents, collection: str, start: datetime, end: datetime) -> tuple[list[Job], datetime]:
    jobs: list[Job] = []
    cursor = None
    while len(jobs) < MAX_JOBS:
        filters: Any = [("shard", "in", ALL_SHARDS), ("endedAt", ">=", start), ("endedAt", "<", end)]
        page = documents.query(collection, filters, [("endedAt", "asc")], PAGE, cursor)
        jobs += [
            Job.read(document.data["counts"] if collection == DELETED else document.data) for document in page.documents
        ]
        cursor = page.cursor
        if cursor is None:
            return jobs, end
    # Others may have ended at the time of the last one.
    return jobs, max(filter(None, (job.ended_at for job in jobs)))


def add_jobs(documents: Documents, owner: str | None, day: date, jobs: Iterable[Job], until: datetime) -> None:
    """Count the jobs in the document of an owner's day, except those it counts already."""

    def start_day() -> DayStatistics:
        first = datetime.min.replace(tzinfo=until.tzinfo)
        return DayStatistics(owner=owner, day=day.isoformat(), until=first, expires_at=until + KEEP)

    def add(statistics: DayStatistics) -> bool:
        if statistics.until >= until:
            return False
        for job in jobs:
            if job.ended_at and job.ended_at >= statistics.until:
                statistics.add(job)
        statistics.until = until
        return True

    change_model(documents, STATISTICS, day_id(owner, day), DayStatistics, add, start_day)


def counted_until(documents: Documents) -> datetime | None:
    """Return the time before which all ended jobs are counted; None before the first run."""
    mark = documents.get(STATISTICS, MARK)
    return mark.data["until"] if mark else None


def counted_run(documents: Documents, job: Job) -> CountedRun | None:
    """Return what is counted of an ended job that is about to run again."""
    until = counted_until(documents)
    if job.ended_at is None or until is None or job.ended_at >= until:
        return job.counted
    return CountedRun(until=job.ended_at, cost_usd=job.usage.cost_usd)


def read_days(documents: Documents, owner: str | None, days: int) -> list[DayStatistics]:
    """Return the statistics of the last days that have any, today first. `owner` None: those of all owners."""
    today = clock.now().date()
    stored = [documents.get(STATISTICS, day_id(owner, today - timedelta(days=back))) for back in range(days)]
    return [DayStatistics.read(document.data) for document in stored if document]


def day_id(owner: str | None, day: date) -> str:
    return day.isoformat() if owner is None else f"{day.isoformat()} {owner}"
