"""Releases the items of a batch to the queue, a few at a time, so that other users' jobs do not wait for all of them.

A user has at most BATCH_ACTIVE_JOBS jobs of batches under way. The end of each releases the next item.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from shared import clock
from shared.errors import NotFound, TransientError
from shared.models.batch import Batch, BatchItem, BatchItems, BatchStatus
from shared.models.job import Job, JobStatus
from shared.pipeline import lifecycle
from shared.pipeline.batches import (
    active_jobs_elsewhere,
    change_batch,
    item_job_id,
    item_request,
    read_batch,
    read_items,
    record_known,
    refresh_counts,
    upload_deadline,
)
from shared.pipeline.idempotency import find_or_reserve_job
from shared.pipeline.job_storage import JOBS
from shared.pipeline.jobs import read_job
from shared.pipeline.lifecycle import JobStateError
from shared.platform.documents import iterate_query
from shared.platform.ports import Documents, Place
from shared.settings import settings

log = logging.getLogger(__name__)


def release_jobs(place: Place, batch_id: str) -> None:
    """Create the jobs for which there is room, and bring the batch's counts up to date.

    Repeated and simultaneous calls create each job once, because an item's job always has the same id.
    """
    documents = place.documents
    while (batch := read_batch(documents, batch_id)) is not None:
        if batch.status is BatchStatus.CANCELLED:
            cancel_jobs(place, batch)
            change_batch(documents, batch_id, lambda _: True)
            return
        items = read_items(documents, batch_id)
        next_items = _next_links(batch, items, room_for_jobs(documents, batch))
        known = _start_jobs(place, batch, next_items)
        if known:
            record_known(documents, batch_id, known)
        end = next_items[-1][0] + 1 - batch.files if next_items else batch.released

        def advance(current: Batch, end: int = end) -> bool:
            current.released = max(current.released, end)
            return current.status is not BatchStatus.CANCELLED

        if change_batch(documents, batch_id, advance).status is BatchStatus.CANCELLED:
            # Cancelled meanwhile: the next round cancels the jobs that were created here.
            continue
        if not known:
            return


def room_for_jobs(documents: Documents, batch: Batch) -> int:
    """Return how many more jobs of this batch may be active now, with the batch's counts brought up to date."""
    refresh_counts(documents, batch)
    return settings().batch_active_jobs - batch.counts.active - active_jobs_elsewhere(documents, batch)


def _next_links(batch: Batch, items: BatchItems, room: int) -> list[tuple[int, BatchItem]]:
    start = batch.files + batch.released
    return list(enumerate(items.items))[start : start + max(0, room)]


def _start_jobs(place: Place, batch: Batch, next_items: list[tuple[int, BatchItem]]) -> dict[str, str]:
    """Create jobs for links; return the jobs of others by index, where an earlier request has the same analysis."""
    known = {}
    for index, item in next_items:
        own_id = item_job_id(batch.id, index)
        job_id, existing = find_or_reserve_job(
            place.documents, batch.owner, item_request(batch, item), own_id, fresh=batch.fresh
        )
        if job_id != own_id:
            known[str(index)] = job_id
        elif existing is None:
            lifecycle.start_job(place, plan_item(batch, index, item))
    return known


def plan_item(batch: Batch, index: int, item: BatchItem) -> Job:
    """Return the job of an item, not stored yet."""
    return lifecycle.plan_job(
        owner=batch.owner,
        kind=batch.kind,
        language=batch.language,
        requested_language=batch.requested_language,
        options=batch.options,
        keep_source=batch.keep_source,
        tags=batch.tags,
        url=item.url,
        filename=item.filename,
        content_type=item.content_type,
        size=item.size,
        # The upload session is opened together with the job.
        upload_ttl_sec=settings().upload_ttl_sec,
        job_id=item_job_id(batch.id, index),
        batch_id=batch.id,
        trace=batch.trace,
        link_allowed=batch.link_allowed and item.url is not None,
    )


def open_file_job(place: Place, batch: Batch, index: int) -> Job:
    """Return the job of a file of the batch, created now if there is none; or the job that already has the file.

    Raises:
        NotFound: The batch has no file with this index.
        JobStateError: `batch_ended`.
        TransientError: `batch_full`: too many jobs of the user's batches are active.
    """
    documents = place.documents
    if index >= batch.files:
        raise NotFound(f"file {index} of {batch.id}")
    own_id = item_job_id(batch.id, index)
    if job := read_job(documents, own_id):
        return job
    items = read_items(documents, batch.id)
    if (known_id := items.known.get(str(index))) and (job := read_job(documents, known_id)):
        return job
    _check_open(batch)
    item = items.items[index]
    if room_for_jobs(documents, batch) < 1:
        raise _batch_full()
    job_id, existing = own_id, None
    if item.sha256:
        job_id, existing = find_or_reserve_job(
            documents, batch.owner, item_request(batch, item), own_id, fresh=batch.fresh
        )
    if existing and job_id != own_id:
        record_known(documents, batch.id, {str(index): job_id})
        _mark_opened(documents, batch, index, takes_room=False)
        return existing
    _mark_opened(documents, batch, index, takes_room=True)
    return lifecycle.start_job(place, plan_item(batch, index, item))


def _check_open(batch: Batch) -> None:
    if batch.status.is_final or clock.now() > upload_deadline(batch):
        raise JobStateError("batch_ended", "The batch has ended, so it takes no more files. Create another batch.")


def _mark_opened(documents: Documents, batch: Batch, index: int, *, takes_room: bool) -> None:
    """Record that a file's upload is open; raises as `open_file_job`."""
    elsewhere = active_jobs_elsewhere(documents, batch)

    def open_item(current: Batch) -> bool:
        _check_open(current)
        if index in (*current.starting, *current.opened):
            return False
        # Uploads that others have opened since count as well, although their jobs may not exist yet.
        refresh_counts(documents, current)
        if takes_room and current.counts.active + elsewhere >= settings().batch_active_jobs:
            raise _batch_full()
        (current.starting if takes_room else current.opened).append(index)
        return True

    change_batch(documents, batch.id, open_item)


def _batch_full() -> TransientError:
    return TransientError(
        "batch_full",
        f"{settings().batch_active_jobs} jobs of your batches are active. Upload the next file when one has ended.",
    )


def cancel_batch(place: Place, batch_id: str) -> Batch:
    """Cancel a batch with all its active jobs. A cancelled batch stays as it is.

    Raises NotFound, or JobStateError `batch_ended` if the batch is done.
    """

    def change(batch: Batch) -> bool:
        if batch.status is BatchStatus.DONE:
            raise JobStateError("batch_ended", "The batch is already done, so there is nothing to cancel.")
        batch.status = BatchStatus.CANCELLED
        return True

    batch = change_batch(place.documents, batch_id, change)
    cancel_jobs(place, batch)
    return change_batch(place.documents, batch_id, lambda _: True)


def cancel_jobs(place: Place, batch: Batch) -> None:
    """Cancel the active jobs of a batch."""
    active = [JobStatus.QUEUED.value, JobStatus.RUNNING.value]
    for document in list(iterate_query(place.documents, JOBS, [("batchId", "==", batch.id), ("status", "in", active)])):
        with suppress(JobStateError, NotFound):
            lifecycle.cancel_job(place, document.id)
