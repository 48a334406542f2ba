"""Batches over every place: what one user submits at once does not hold up another's job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.models.batch import Batch, BatchItem
from shared.models.job import JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.batch_release import cancel_batch, release_jobs
from shared.pipeline.batches import create_batch, read_batch, read_items
from shared.pipeline.job_storage import JOBS
from shared.platform.ports import Filter
from shared.settings import settings
from tests.contract.adapters import Adapter


def test_a_single_job_waits_for_a_few_jobs_of_a_batch_at_most(adapter: Adapter, fresh: str) -> None:
    """Of 25 links ten are in the queue, so another user's link is downloaded after ten others at the latest; each job
    that ends releases one more, twice the same message changes nothing, and a cancelled batch leaves the queue."""
    place, now, batch_id = adapter.platform, datetime.now(UTC), lifecycle.new_id()
    batch = Batch(
        id=batch_id,
        owner=f"ann-{fresh}",
        kind="metadata",
        language="en",
        analysis={"kind": "metadata"},
        created_at=now,
        updated_at=now,
        expires_at=now + timedelta(days=1),
    )
    create_batch(place, batch, [BatchItem(url=f"https://example.com/{fresh}/{number}") for number in range(25)])
    for _ in range(2):
        release_jobs(place, batch_id)
    few = settings().batch_active_jobs
    in_batch: list[Filter] = [("batchId", "==", batch_id)]
    assert place.documents.count(JOBS, in_batch, 100) == few

    single = lifecycle.start_job(
        place, lifecycle.plan_job(owner=f"bob-{fresh}", kind="metadata", language="en", url="https://example.com/bob")
    )
    documents = place.documents.query(JOBS, in_batch).documents
    lifecycle.cancel_job(place, documents[0].id)
    release_jobs(place, batch_id)
    stored = read_batch(place.documents, batch_id)
    assert stored is not None
    assert (stored.counts.active, stored.counts.cancelled, stored.counts.waiting) == (few, 1, 25 - few - 1)
    assert len(read_items(place.documents, batch_id).items) == 25

    cancel_batch(place, batch_id)
    release_jobs(place, batch_id)
    active: list[Filter] = [*in_batch, ("status", "==", JobStatus.QUEUED.value)]
    assert place.documents.count(JOBS, active, 100) == 0
    assert place.documents.count(JOBS, in_batch, 100) == few + 1
    assert place.documents.get(JOBS, single.id) is not None
