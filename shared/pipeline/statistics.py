"""Counts ended jobs by day, for operators and for each owner: exactly once, from the job documents.

`sweep` counts the jobs that ended since its last run. Each document of a day knows up to when it counts, so that a
repeated run adds nothing twice. Reading some days takes one document each, however many jobs there were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from shared import clock
from shared.models.job import CountedRun, Job
from shared.models.statistics import DayStatistics
from shared.pipeline.job_storage import JOBS
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
PAGE = 100
MAX_JOBS = 2000
"""Most jobs that one run counts; the next one goes on."""
OwnerOf = Callable[[Job], str | None]
"""Returns the user whose statistics count a job; None for nobody's."""


def count_ended_jobs(documents: Documents, owner_of: OwnerOf) -> int:
    """Count the jobs that ended since the last run, at most MAX_JOBS; return their number."""
    start = counted_until(documents) or clock.now() - HISTORY
    jobs, until = ended_jobs(documents, start, clock.now() - LAG)
    shares: defaultdict[tuple[str | None, date], list[Job]] = defaultdict(list)
    for job in jobs:
        assert job.ended_at is not None  # noqa: S101  # it was searched by this field
        for owner in {None, owner_of(job)}:
            shares[owner, job.ended_at.date()].append(job)
    for (owner, day), share in shares.items():
        add_jobs(documents, owner, day, share, until)
    if until > start:
        documents.put(STATISTICS, MARK, {"until": until})
    return len(jobs)


def ended_jobs(documents: Documents, start: datetime, end: datetime) -> tuple[list[Job], datetime]:
    """Return the jobs that ended from `start` until, but not at, the returned time: `end`, or earlier for many jobs."""
    jobs: list[Job] = []
    cursor = None
    while len(jobs) < MAX_JOBS:
        filters: Any = [("endedAt", ">=", start), ("endedAt", "<", end)]
        page = documents.query(JOBS, filters, [("endedAt", "asc")], PAGE, cursor)
        jobs += [Job.read(document.data) for document in page.documents]
        cursor = page.cursor
        if cursor is None:
            return jobs, end
    # Others may have ended at the time of the last one.
    until = max(filter(None, (job.ended_at for job in jobs)))
    return [job for job in jobs if job.ended_at and job.ended_at < until], until


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
