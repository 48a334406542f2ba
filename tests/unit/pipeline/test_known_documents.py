"""A stage does not read again what it has read or written, and still notices what others write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared import clock
from shared.errors import Cancelled
from shared.models.job import Job, JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.contract import claim_stage, finish_stage
from shared.pipeline.jobs import read_job
from shared.pipeline.stage_run import StageRun
from shared.pipeline.sweep import sweep
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.place import use_place
from shared.platform.ports import Place
from shared.settings import Settings
from shared.wiring import ANALYZE, EXTRACT

START = datetime(2026, 1, 1, tzinfo=UTC)


class CountedCalls:
    """A port whose calls are counted by name."""

    def __init__(self, port: Any) -> None:
        self.port, self.calls = port, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return method(*args, **kwargs)

        return call


@pytest.fixture
def embedded(tmp_path: Path) -> EmbeddedPlace:
    return open_embedded_place(Settings(clipwise_data=tmp_path))


@pytest.fixture
def documents(embedded: EmbeddedPlace) -> CountedCalls:
    return CountedCalls(embedded.place.documents)


@pytest.fixture
def place(embedded: EmbeddedPlace, documents: CountedCalls) -> Place:
    return Place(documents, embedded.place.objects, embedded.place.bus)  # type: ignore[arg-type]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock."""
    time = START
    monkeypatch.setattr(clock, "now", lambda: time)

    def move(seconds: float) -> None:
        nonlocal time
        time += timedelta(seconds=seconds)

    return move


def claimed(place: Place, documents: CountedCalls) -> StageRun:
    """The first attempt at the first stage of a new job."""
    job = lifecycle.plan_job(owner="ann", kind="summary", language="en", upload_ttl_sec=60)
    lifecycle.start_job(place, job)
    claim = claim_stage(place, EXTRACT, job.id)
    assert claim is not None
    documents.calls.clear()
    return StageRun(place, claim.job, EXTRACT, claim.holder, claim.known)


def stored(place: Place, run: StageRun) -> Job:
    job = read_job(place.documents, run.job.id)
    assert job is not None
    return job


def test_a_stage_writes_without_reading(place: Place, documents: CountedCalls, wait: Callable[[float], None]) -> None:
    """Progress and the end of a stage are one write each, and none of them reads."""
    run = claimed(place, documents)
    wait(2)
    run.tick(0.5, "half way")
    finish_stage(run)
    assert documents.calls == {"replace": 2}
    assert stored(place, run).stages[EXTRACT].progress == 1


def test_progress_that_did_not_move_is_not_written(
    place: Place, documents: CountedCalls, wait: Callable[[float], None]
) -> None:
    """A client gets no event for what it knows; the job is read, so that a cancellation is noticed all the same."""
    run = claimed(place, documents)
    for fraction in (0.5, 0.5001, 0.5009):
        wait(2)
        run.tick(fraction, "half way")
    assert documents.calls == {"replace": 1, "get": 2}
    wait(2)
    run.tick(0.6, "half way")
    run.tick(0.7, "half way")
    assert documents.calls["replace"] == 2
    lifecycle.cancel_job(place, run.job.id)
    wait(2)
    with pytest.raises(Cancelled):
        run.tick(0.6, "half way")


def test_a_stage_keeps_what_others_wrote_meanwhile(
    place: Place, documents: CountedCalls, wait: Callable[[float], None]
) -> None:
    """A title that the owner sets while a stage runs stays, and a cancelled job is not finished."""
    run = claimed(place, documents)

    def change(**fields: Any) -> None:
        document = documents.port.get("jobs", run.job.id)
        documents.port.replace("jobs", run.job.id, document.data | fields, document.version)

    change(title="Soup")
    wait(2)
    run.tick(0.5, "half way")
    job = stored(place, run)
    assert (job.title, job.stages[EXTRACT].progress) == ("Soup", 0.5)
    change(status=JobStatus.CANCELLED)
    with pytest.raises(Cancelled):
        finish_stage(run)
    assert stored(place, run).stages[EXTRACT].progress == 0.5


def test_a_sent_message_waits_for_its_claim(
    place: Place, embedded: EmbeddedPlace, documents: CountedCalls, wait: Callable[[float], None]
) -> None:
    """The next stage's claim removes the message that set it off; a long queue makes `sweep` send it no more often."""
    run = claimed(place, documents)
    run.add_result(lambda job: job.stages.pop("transcribe"))
    finish_stage(run)
    job = stored(place, run)
    assert [message.target for message in job.outbox] == [ANALYZE]

    def messages() -> int:
        rows = embedded.database.connection.execute("SELECT 1 FROM deliveries WHERE function = ?", (ANALYZE,))
        return len(rows.fetchall())

    for seconds, sent in ((60, 1), (300, 2), (60, 2)):
        wait(seconds)
        with use_place(place):
            sweep(place)
        assert messages() == sent
    assert claim_stage(place, ANALYZE, job.id) is not None
    assert stored(place, run).outbox == []


def test_a_cancelled_job_sends_nothing(place: Place, documents: CountedCalls, wait: Callable[[float], None]) -> None:
    """A message that waits for its claim ends with its job."""
    run = claimed(place, documents)
    finish_stage(run)
    lifecycle.cancel_job(place, run.job.id)
    job = stored(place, run)
    assert (job.outbox, job.wake_at) == ([], None)
