"""The documents of batches: created, read, counted, and extended by the videos of their lists.

A batch and its items are two documents, written in this order: items, batch. The batch is what exists for clients; all
that changes in it is derived from the jobs of the batch or only grows, so that repeated events change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from shared import clock
from shared.errors import AlreadyExists, NotFound, TransientError
from shared.models.batch import Batch, BatchCounts, BatchItem, BatchItems, BatchList, BatchStatus, ListStatus
from shared.models.job import JobError, JobStatus
from shared.pipeline.idempotency import digest_id, find_reusable_job
from shared.pipeline.job_storage import JOBS
from shared.pipeline.jobs import QUIET_GRACE
from shared.platform.documents import change_model
from shared.platform.ports import Documents, Filter, Place
from shared.security.urls import normalise_url
from shared.settings import settings
from shared.wiring import DOWNLOAD, RELEASE, wiring

log = logging.getLogger(__name__)
BATCHES = "batches"
BATCH_ITEMS = "batch_items"
MAX_ITEMS = 500
"""Items of a batch, those of lists included."""
KEEP = timedelta(days=30)
MAX_ACTIVE_BATCHES = 100
"""Of one user; more are not counted when room for jobs is shared among them."""


def read_batch(documents: Documents, id: str) -> Batch | None:
    stored = documents.get(BATCHES, id)
    return Batch.read(stored.data) if stored else None


def read_own_batch(documents: Documents, id: str, owner: str) -> Batch:
    """Return the owner's batch; raises NotFound for any other, so that ids cannot be probed."""
    batch = read_batch(documents, id)
    if batch is None or batch.owner != owner:
        raise NotFound(id)
    return batch


def read_items(documents: Documents, id: str) -> BatchItems:
    """Return the items of a batch; raises NotFound."""
    stored = documents.get(BATCH_ITEMS, id)
    if stored is None:
        raise NotFound(f"{BATCH_ITEMS}/{id}")
    return BatchItems.read(stored.data)


def create_batch(place: Place, batch: Batch, items: Sequence[BatchItem]) -> Batch:
    """Store a new batch with its items and send its first messages. Return the stored batch if it exists already."""
    documents = place.documents
    stored_items = BatchItems(id=batch.id, owner=batch.owner, items=list(items), expires_at=batch.expires_at)
    # Without its batch, which a crash may prevent, it expires like any other.
    try:
        documents.create(BATCH_ITEMS, batch.id, stored_items.to_document())
    except AlreadyExists:
        log.info("items of batch %s exist", batch.id)
    refresh_counts(documents, batch)
    try:
        documents.create(BATCHES, batch.id, batch.to_document())
    except AlreadyExists:
        return read_batch(documents, batch.id) or batch
    try:
        send_messages(place, batch)
    except (TransientError, NotFound) as error:
        log.warning("batch %s waits for sweep", batch.id, exc_info=error)
    return batch


def send_messages(place: Place, batch: Batch) -> None:
    """Have the pending lists of a batch read and its next jobs released. Repeated messages are harmless."""
    for number, batch_list in enumerate(batch.lists):
        if batch_list.status is ListStatus.PENDING:
            place.bus.publish(_topic_of(DOWNLOAD), {"batchId": batch.id, "list": number})
    request_release(place, batch.id)


def request_release(place: Place, batch_id: str) -> None:
    place.bus.publish(_topic_of(RELEASE), {"batchId": batch_id})


def _topic_of(function: str) -> str:
    topic = wiring().functions[function].trigger.topic
    assert topic is not None, f"{function} listens to no topic"  # noqa: S101  # a fault of the table
    return topic


def change_batch(documents: Documents, id: str, change: Callable[[Batch], bool]) -> Batch:
    """Apply `change`, which returns whether to go on, then count the jobs again and store the batch.

    Raises NotFound, Conflict.
    """

    def apply_change(batch: Batch) -> bool:
        if not change(batch):
            return False
        refresh_counts(documents, batch)
        return True

    return change_model(documents, BATCHES, id, Batch, apply_change)


def refresh_counts(documents: Documents, batch: Batch) -> None:
    """Count the batch's jobs by state, and end the batch when nothing is left to do."""
    now = clock.now()
    items = read_items(documents, batch.id)
    started = [index for index in batch.starting if documents.get(JOBS, item_job_id(batch.id, index))]
    batch.opened += started
    # A reservation whose request died takes room until its file comes, or can come no more.
    batch.starting = [index for index in batch.starting if index not in started and now <= upload_deadline(batch)]
    jobs = {
        status: documents.count(JOBS, [("batchId", "==", batch.id), ("status", "==", status.value)], MAX_ITEMS)
        for status in JobStatus
    }
    waiting_links = len(items.items) - batch.files - batch.released
    waiting_files = batch.files - len(batch.opened) - len(batch.starting)
    batch.counts = BatchCounts(
        total=len(items.items),
        waiting=waiting_links + waiting_files,
        active=jobs[JobStatus.QUEUED] + jobs[JobStatus.RUNNING] + len(batch.starting),
        done=jobs[JobStatus.DONE],
        failed=jobs[JobStatus.FAILED],
        cancelled=jobs[JobStatus.CANCELLED],
        known=len(items.known),
    )
    is_complete = (
        batch.counts.active == 0
        and waiting_links == 0
        and (waiting_files == 0 or now > upload_deadline(batch))
        and all(batch_list.status is not ListStatus.PENDING for batch_list in batch.lists)
    )
    if is_complete and batch.status is BatchStatus.RUNNING:
        batch.status = BatchStatus.DONE
    if batch.status.is_final and batch.ended_at is None:
        batch.ended_at = now
    batch.updated_at = max(now, batch.created_at)
    is_settled = batch.status.is_final and batch.counts.active == 0
    batch.wake_at = None if is_settled else now + max(QUIET_GRACE, now - batch.created_at)


def upload_deadline(batch: Batch) -> datetime:
    """Return until when the files of a batch can be uploaded."""
    return batch.created_at + timedelta(seconds=settings().upload_ttl_sec)


def item_job_id(batch_id: str, index: int) -> str:
    """Return the id of the job that an item gets: the same one however often it is released."""
    return digest_id(batch_id, index)[:32]


def item_request(batch: Batch, item: BatchItem) -> dict[str, object]:
    """Return what identifies an item's analysis: for a link, the same as for a single job."""
    if item.url is not None:
        return batch.analysis | {"url": normalise_url(item.url)}
    return batch.analysis | {"sha256": item.sha256}


def record_known(documents: Documents, batch_id: str, known: dict[str, str]) -> None:
    """Record that items share jobs that do not belong to the batch."""

    def change(items: BatchItems) -> bool:
        items.known |= known
        return True

    change_model(documents, BATCH_ITEMS, batch_id, BatchItems, change)


def active_jobs_elsewhere(documents: Documents, batch: Batch) -> int:
    """Return the number of active jobs in other batches of the same user."""
    running: list[Filter] = [("owner", "==", batch.owner), ("status", "==", BatchStatus.RUNNING.value)]
    others = documents.query(BATCHES, running, limit=MAX_ACTIVE_BATCHES).documents
    return sum(Batch.read(other.data).counts.active for other in others if other.id != batch.id)


def add_listed(place: Place, batch_id: str, number: int, title: str | None, urls: Sequence[str]) -> None:
    """Add the videos of a list to its batch, except those that the batch or the owner has already."""
    documents = place.documents
    batch = read_batch(documents, batch_id)
    if batch is None or batch.status.is_final or batch.lists[number].status is not ListStatus.PENDING:
        return
    in_batch = {normalise_url(item.url) for item in read_items(documents, batch_id).items if item.url}
    new = [url for url in urls if normalise_url(url) not in in_batch]
    wanted = [
        url
        for url in new
        if not find_reusable_job(documents, batch.owner, item_request(batch, BatchItem(url=url)), fresh=batch.fresh)
    ]

    def append(items: BatchItems) -> bool:
        present = {normalise_url(item.url) for item in items.items if item.url}
        added = [BatchItem(url=url) for url in wanted if normalise_url(url) not in present]
        items.items += added[: MAX_ITEMS - len(items.items)]
        return True

    change_model(documents, BATCH_ITEMS, batch_id, BatchItems, append)

    def complete(batch_list: BatchList) -> None:
        batch_list.status = ListStatus.DONE
        batch_list.title = title
        batch_list.found = len(urls)
        batch_list.known = len(new) - len(wanted)

    _end_list(place, batch_id, number, complete)


def fail_list(place: Place, batch_id: str, number: int, code: str, message: str) -> None:
    """Record why a list could not be read; the rest of the batch continues."""

    def fail(batch_list: BatchList) -> None:
        batch_list.status = ListStatus.FAILED
        batch_list.error = JobError(code=code, message=message, stage=DOWNLOAD, retryable=False)

    _end_list(place, batch_id, number, fail)


def count_list_attempt(documents: Documents, batch_id: str, number: int) -> int | None:
    """Count an attempt to read a list; return how many there were. None if there is nothing to read."""

    def count(batch: Batch) -> bool:
        if not is_pending(batch):
            return False
        batch.lists[number].attempts += 1
        return True

    def is_pending(batch: Batch) -> bool:
        return not batch.status.is_final and batch.lists[number].status is ListStatus.PENDING

    try:
        batch = change_batch(documents, batch_id, count)
    except NotFound:
        return None
    return batch.lists[number].attempts if is_pending(batch) else None


def _end_list(place: Place, batch_id: str, number: int, change: Callable[[BatchList], None]) -> None:
    def apply_change(batch: Batch) -> bool:
        if batch.status.is_final or batch.lists[number].status is not ListStatus.PENDING:
            return False
        change(batch.lists[number])
        return True

    change_batch(place.documents, batch_id, apply_change)
    request_release(place, batch_id)
