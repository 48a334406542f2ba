"""Statistics of ended jobs: every end counts once, for the operators and for its owner, and costs are never doubled."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.models.job import EmptyResult, Job, JobError, JobStatus, StageStatus, Usage
from shared.models.statistics import Statistics, add_duration, percentile_sec
from shared.pipeline import statistics
from shared.pipeline.deadline import Deadline
from shared.pipeline.job_storage import JOBS
from shared.pipeline.lifecycle import plan_job, retry_job
from shared.pipeline.statistics import count_ended_jobs, read_days
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Place
from shared.settings import Settings


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_embedded_place(Settings(clipwise_data=tmp_path)).place


def ended(place: Place, ago_sec: float = 600, owner: str = "ann", kind: str = "recipe", **fields: object) -> Job:
    """Store a job that ran for a minute, half of it in `extract`, and ended that long ago."""
    job = plan_job(owner=owner, kind=kind, language="en", url="https://example.com/a.mp4")
    job.ended_at = clock.now() - timedelta(seconds=ago_sec)
    job.created_at = job.ended_at - timedelta(minutes=1)
    job.status, job.usage = JobStatus.DONE, Usage(cost_usd=0.5)
    download, extract = job.stages["download"], job.stages["extract"]
    download.status = extract.status = StageStatus.DONE
    download.started_at = download.ended_at = job.created_at
    extract.started_at, extract.ended_at = (
        job.created_at + timedelta(seconds=10),
        job.created_at + timedelta(seconds=40),
    )
    for name, value in fields.items():
        setattr(job, name, value)
    place.documents.put(JOBS, job.id, job.to_document())
    return job


def counted(place: Place) -> int:
    return count_ended_jobs(place.documents, lambda job: job.owner, Deadline(0))


def of(place: Place, owner: str | None = None) -> Statistics:
    return Statistics.total(read_days(place.documents, owner, 3))


def failure(stage: str = "extract", code: str = "busy") -> dict[str, object]:
    error = JobError(code=code, message="No.", stage=stage, retryable=True)
    return {"status": JobStatus.FAILED, "error": error}


def test_each_end_counts_once(place: Place) -> None:
    """However often the sweep runs, an operator sees each job once, and its owner does, too."""
    ended(place)
    ended(place, owner="ben", kind="summary", **failure())
    ended(place, result_empty=EmptyResult(code="silent", message="", advice=""))
    ended(place, status=JobStatus.CANCELLED)
    for _ in range(3):
        counted(place)
    total = of(place)
    assert {name: (kind.done, kind.empty, kind.failed, kind.cancelled) for name, kind in total.kinds.items()} == {
        "recipe": (2, 1, 0, 1),
        "summary": (0, 0, 1, 0),
    }
    assert total.kinds["recipe"].cost_usd == 1.5
    assert total.stages["extract"].errors == {"busy": 1}
    assert set(of(place, "ben").kinds) == {"summary"}
    assert of(place, "eve").kinds == {}


def test_a_crash_between_the_writes_doubles_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that dies after one document of several goes on without counting that part again."""
    ended(place)
    ended(place, owner="ben")
    write, left = statistics.add_jobs, [2]

    def add_or_crash(*arguments: object) -> None:
        if not left[0]:
            raise RuntimeError("killed")
        left[0] -= 1
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(statistics, "add_jobs", add_or_crash)
    with pytest.raises(RuntimeError, match="killed"):
        counted(place)
    left[0] = 100
    counted(place)
    assert of(place).kinds["recipe"].done == 2
    assert [of(place, owner).kinds["recipe"].done for owner in ("ann", "ben")] == [1, 1]


def test_many_ends_are_counted_in_steps(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long pause, one sweep does not read everything at once, and the following ones miss nothing."""
    monkeypatch.setattr(statistics, "PAGE", 2)
    monkeypatch.setattr(statistics, "MAX_JOBS", 4)
    for number in range(7):
        ended(place, ago_sec=600 + number)
    steps = [counted(place) for _ in range(4)]
    assert sum(steps) == 7
    assert max(steps) <= 4
    assert of(place).kinds["recipe"].done == 7


def test_a_job_that_has_just_ended_waits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose document may not be visible everywhere yet is counted by a later sweep."""
    ended(place, ago_sec=0)
    assert counted(place) == 0
    monkeypatch.setattr(statistics, "LAG", timedelta())
    assert counted(place) == 1


def test_a_retried_job_costs_its_difference(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed job that was counted and then retried adds only what the retry cost and ran."""
    job = ended(place, **failure("transcribe"))
    counted(place)
    again = retry_job(place, job.id)
    again.status, again.ended_at = JobStatus.DONE, clock.now()
    again.usage = Usage(cost_usd=0.75)
    again.stages["transcribe"].status = StageStatus.DONE
    again.stages["transcribe"].started_at = again.stages["transcribe"].ended_at = again.ended_at
    place.documents.put(JOBS, again.id, again.to_document())
    monkeypatch.setattr(statistics, "LAG", timedelta())
    counted(place)
    kind = of(place).kinds["recipe"]
    assert (kind.done, kind.failed, kind.cost_usd) == (1, 1, 0.75)
    assert sum(of(place).stages["extract"].times.values()) == 1
    assert sum(of(place).stages["transcribe"].times.values()) == 1


def test_stages_have_times_and_waits(place: Place) -> None:
    """An operator sees how long a stage takes and how long work waits for it; an upload's wait is its user's."""
    ended(place)
    counted(place)
    extract = of(place).stages["extract"]
    assert percentile_sec(extract.times, 0.5) == pytest.approx(30, rel=0.125)
    assert percentile_sec(extract.waits, 0.5) == pytest.approx(10, rel=0.125)
    assert percentile_sec(of(place).kinds["recipe"].times, 0.95) == pytest.approx(60, rel=0.125)


@given(st.lists(st.floats(0.01, 10_000), min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1.0]))
def test_percentiles_are_near_the_exact_ones(seconds: list[float], share: float) -> None:
    """A percentile from the histogram is within 12 % of the one from all durations."""
    histogram: dict[str, int] = {}
    for each in seconds:
        add_duration(histogram, each)
    exact = sorted(seconds)[max(1, -int(-share * len(seconds) // 1)) - 1]
    assert percentile_sec(histogram, share) == pytest.approx(exact, rel=0.121, abs=0.001)


def test_an_empty_histogram_has_no_percentile() -> None:
    """What never ran has no duration, rather than one of 0."""
    assert percentile_sec({}, 0.5) is None


def test_old_ends_are_counted_by_their_day(place: Place) -> None:
    """An installation that is updated has statistics of its last month at once."""
    ended(place, ago_sec=86_400)
    counted(place)
    (day,) = read_days(place.documents, None, 3)
    assert datetime.fromisoformat(day.day).date() == (clock.now() - timedelta(days=1)).date()
