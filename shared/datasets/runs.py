"""Runs of a dataset: crawls, validations and exports. A run is a job that belongs to the dataset and to no user.

The crawl is one job with the dataset's id; after a stop, a new start continues its chunks. A later validation and each
export are jobs of their own. The dataset mirrors the state of its crawl or validation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta

from shared import clock
from shared.datasets.chunks import chunk_counts, plan_chunks
from shared.datasets.store import change_dataset, dataset_id_of, iterate_downloaded, read_dataset, run_owner
from shared.errors import NotFound, PermanentError
from shared.logs import current_trace, new_traceparent
from shared.models.dataset import Chunk, Dataset, DatasetStatus, ExportOptions, Progress
from shared.models.image import Level
from shared.models.job import Job, JobStatus, Part, StageState, StageStatus
from shared.pipeline import jobs, lifecycle, parts
from shared.pipeline.job_storage import JOBS, media_name
from shared.pipeline.jobs import outgoing_message
from shared.pipeline.lifecycle import JobStateError, new_id
from shared.pipeline.statistics import counted_run
from shared.platform.ports import Documents, Filter, Place
from shared.wiring import CRAWL

VALIDATE, EXPORT = "validate", "export"
KIND = "dataset"
"""Kind of crawl and validation jobs; no kind of analysis has this name."""
START_TIMEOUT = timedelta(minutes=2)
STATUSES = {
    JobStatus.QUEUED: DatasetStatus.RUNNING,
    JobStatus.RUNNING: DatasetStatus.RUNNING,
    JobStatus.DONE: DatasetStatus.COMPLETED,
    JobStatus.FAILED: DatasetStatus.FAILED,
    JobStatus.CANCELLED: DatasetStatus.CANCELLED,
}


def plan_run(dataset: Dataset, job_id: str, *stages: str) -> Job:
    """Return a new job of the dataset that begins with the first of `stages`."""
    now = clock.now()
    return Job(
        id=job_id,
        owner=run_owner(dataset.id),
        kind=KIND,
        language="en",
        stages={name: StageState(number=number) for number, name in enumerate(stages, start=1)},
        outbox=[outgoing_message(stages[0])],
        source_deleted=True,
        of_video=dataset.id,
        created_at=now,
        updated_at=now,
        trace=current_trace() or new_traceparent(),
    )


def start_run(place: Place, dataset: Dataset) -> Dataset:
    """Start the crawl, or continue one that was stopped.

    Raises:
        PermanentError: `nothing_to_crawl`.
        JobStateError: `dataset_running`; `dataset_ended` if it is done, or has only failed chunks left.
    """
    _require_ended(dataset)
    job = jobs.read_job(place.documents, dataset.id)
    if job is None:
        return _begin_crawl(place, dataset)
    if job.status is not JobStatus.CANCELLED:
        raise JobStateError(
            "dataset_ended", f"The dataset is already {dataset.status}. Retry it to process failed chunks."
        )
    return _resume_run(place, dataset, job, lambda part: part.status is not StageStatus.FAILED)


def retry_failed_chunks(place: Place, dataset: Dataset) -> Dataset:
    """Run only the failed chunks of the last run again.

    Raises JobStateError `dataset_running`, `nothing_failed`.
    """
    _require_ended(dataset)
    job = jobs.read_job(place.documents, dataset.run or dataset.id)
    failed = job is not None and (
        job.status is JobStatus.FAILED
        or any(part.status is StageStatus.FAILED for part in parts.parts_of(place.documents, job.id))
    )
    if job is None or not failed:
        raise JobStateError("nothing_failed", "No chunk of this dataset has failed, so there is nothing to retry.")
    return _resume_run(place, dataset, job, lambda part: part.status is not StageStatus.DONE)


def stop_run(place: Place, dataset: Dataset) -> Dataset:
    """Stop the run at the next tick of its chunks, and keep all downloaded images. Stopping twice has no effect.

    Raises JobStateError `not_running`.
    """
    if dataset.run is None or dataset.status is DatasetStatus.PENDING:
        raise JobStateError("not_running", "The dataset is not running. Start it first.")
    try:
        job = lifecycle.cancel_job(place, dataset.run)
    except JobStateError:
        raise JobStateError(
            "not_running", f"The dataset is already {dataset.status}, so there is nothing to stop."
        ) from None
    return sync_dataset(place, job)


def start_validation(place: Place, dataset: Dataset, level: Level) -> tuple[Dataset, int]:
    """Validate all downloaded images again. Returns the dataset and the number of images.

    Raises JobStateError `dataset_running`, `no_images`.
    """
    _require_ended(dataset)
    job = plan_run(dataset, new_id(), VALIDATE)
    counts = Counter(image.chunk for image in iterate_downloaded(place.documents, dataset.id))
    if not counts:
        raise JobStateError("no_images", "The dataset has no images yet. Start it first.")
    job.stages[VALIDATE].parts = plan_validation(place.documents, job, counts)
    job.options = {"level": level}
    job.result = dataset.progress.model_copy(update={"validated": None}).to_document()
    _claim_dataset(place, dataset, job)
    if dataset.run not in (None, dataset.id):
        # The result of the previous validation is already in the dataset.
        parts.delete_parts(place.documents, dataset.run or "")
        place.documents.delete(JOBS, dataset.run or "")
    return sync_dataset(place, lifecycle.start_job(place, job)), counts.total()


def plan_validation(documents: Documents, job: Job, chunks: Iterable[int]) -> int:
    """Create the parts of stage `validate`, one per chunk of the crawl. Returns their number."""
    numbers = sorted(chunks)
    for chunk in numbers:
        parts.plan_part(documents, job, VALIDATE, chunk, {})
    return len(numbers)


class ChunksFailed(PermanentError):
    """All chunks failed. An immediate retry would not help; a later one may."""

    retryable = True


def raise_first_error(failed: list[Part]) -> None:
    """Raise ChunksFailed with the first error of the failed chunks."""
    error = next(part.error for part in failed if part.error)
    raise ChunksFailed(error.code, error.message)


def sync_dataset(place: Place, job: Job) -> Dataset:
    """Copy the state of a run to its dataset. Raises NotFound if the dataset was deleted."""

    def change(dataset: Dataset) -> bool:
        if dataset.run != job.id or (dataset.told_at and dataset.told_at >= job.updated_at):
            return False
        dataset.status, dataset.error, dataset.percent = STATUSES[job.status], job.error, job.progress
        dataset.ended_at = job.ended_at
        if job.result:
            dataset.progress = Progress.read(job.result)
        if job.status.is_final:
            dataset.progress.chunks.active = 0
            if dataset.progress.validated:
                dataset.progress.validated.chunks.active = 0
        dataset.told_at = job.updated_at
        return True

    return change_dataset(place.documents, dataset_id_of(job), change)


def sync_dataset_of_run(place: Place, job_id: str) -> None:
    """Copy the state of a run to its dataset at the end of a delivery, which may be the last one."""
    job = jobs.read_job(place.documents, job_id)
    if job is None:
        return
    with suppress(NotFound):
        if read_dataset(place.documents, dataset_id_of(job)).status is not STATUSES[job.status]:
            sync_dataset(place, job)


def _require_ended(dataset: Dataset) -> None:
    """Raise JobStateError `dataset_running`, unless a start was interrupted over two minutes ago."""
    cut_off = dataset.told_at is None and clock.now() - dataset.updated_at > START_TIMEOUT
    if dataset.status is DatasetStatus.RUNNING and not cut_off:
        raise JobStateError("dataset_running", "The dataset is running. Stop it first, or wait until it ends.")


def _begin_crawl(place: Place, dataset: Dataset) -> Dataset:
    chunks = plan_chunks(dataset)
    if not chunks:
        raise PermanentError(
            "nothing_to_crawl",
            "The dataset has neither keywords with sources nor a list. Add keywords and sources, or upload a list.",
        )
    job = plan_run(dataset, dataset.id, CRAWL, VALIDATE)
    job.options = {"level": dataset.level}
    _claim_dataset(place, dataset, job)
    # Parts of an earlier, interrupted start may belong to a different plan.
    parts.delete_parts(place.documents, job.id)
    for number, chunk in enumerate(chunks):
        parts.plan_part(place.documents, job, CRAWL, number, chunk.to_document())
    job.stages[CRAWL].parts = len(chunks)
    progress = Progress(stage=CRAWL)
    progress.chunks.total = len(chunks)
    job.result = progress.to_document()
    return sync_dataset(place, lifecycle.start_job(place, job))


def _claim_dataset(place: Place, dataset: Dataset, job: Job) -> None:
    """Assign the dataset to this run; of concurrent runs, only one succeeds."""

    def change(current: Dataset) -> bool:
        _require_ended(current)
        current.run, current.told_at, current.status = job.id, None, DatasetStatus.RUNNING
        current.started_at, current.ended_at, current.error = current.started_at or clock.now(), None, None
        current.level = job.options["level"]
        return True

    change_dataset(place.documents, dataset.id, change)


def _resume_run(place: Place, dataset: Dataset, job: Job, should_reopen: Callable[[Part], bool]) -> Dataset:
    """Reopen parts of an ended run, and start it from the first stage with open parts."""
    all_parts = parts.parts_of(place.documents, job.id)
    reopened_parts = [part for part in all_parts if should_reopen(part) and part.status is not StageStatus.DONE]
    names = list(job.stages)
    first_stage = next(
        (
            name
            for name in names
            if job.stages[name].status is not StageStatus.DONE or any(part.stage == name for part in reopened_parts)
        ),
        names[-1],
    )
    remaining_stages = names[names.index(first_stage) :]
    _reassign_quotas(dataset, [part for part in all_parts if part.stage == CRAWL], reopened_parts)

    def set_running(current: Dataset) -> bool:
        _require_ended(current)
        current.run, current.told_at, current.status = job.id, None, DatasetStatus.RUNNING
        return True

    change_dataset(place.documents, dataset.id, set_running)
    for part in reopened_parts:
        parts.change_part(place.documents, parts.part_id(job.id, part.stage, part.number), _reopen_part(part))
    if first_stage == CRAWL and VALIDATE in names:
        parts.delete_parts(place.documents, job.id, VALIDATE)

    def change(current: Job) -> bool:
        if not current.status.is_final:
            raise JobStateError("dataset_running", "The dataset is running. Stop it first, or wait until it ends.")
        for name in remaining_stages:
            old = current.stages[name]
            current.stages[name] = StageState(number=old.number, parts=old.parts)
        current.status, current.stage, current.progress = JobStatus.QUEUED, first_stage, 0
        current.counted = counted_run(place.documents, current)
        current.error, current.ended_at = None, None
        current.outbox = [outgoing_message(first_stage)]
        counts = Progress.read(current.result or {})
        counts.stage = first_stage
        if first_stage == CRAWL:
            counts.chunks = chunk_counts(parts.parts_of(place.documents, job.id, CRAWL))
            counts.validated = None
        current.result = counts.to_document()
        return True

    reopened_job = jobs.change_job(place.documents, job.id, change)
    lifecycle.send_outbox(place, reopened_job)
    return sync_dataset(place, reopened_job)


def _reopen_part(part: Part) -> Callable[[Part], bool]:
    outcome = part.outcome

    def change(current: Part) -> bool:
        current.outcome = outcome
        return parts.reopen_part(current)

    return change


def _reassign_quotas(dataset: Dataset, crawl_parts: list[Part], reopened_parts: list[Part]) -> None:
    """Limit reopened chunks to the images still missing: other chunks may have taken over their quotas."""
    chunks = {part.number: Chunk.read(part.outcome or {}) for part in crawl_parts}
    remaining = dataset.max_images - sum(chunk.tally.downloaded for chunk in chunks.values())
    for part in reopened_parts:
        if part.stage == CRAWL:
            chunk = chunks[part.number]
            share = max(0, min(chunk.remaining_images, remaining))
            chunk.quota = chunk.tally.downloaded + share
            remaining -= share
            part.outcome = chunk.to_document()


def export_object_name(dataset_id: str, job_id: str, name: str) -> str:
    """Return the object name of an export file in `media`."""
    return media_name(dataset_id, f"exports/{job_id}/{name}")


def start_export(place: Place, dataset: Dataset, options: ExportOptions, export_id: str) -> Job:
    """Start an export of the dataset's current images. Exports may run concurrently."""
    job = plan_run(dataset, export_id, EXPORT)
    job.kind, job.options = EXPORT, options.to_document()
    return lifecycle.start_job(place, job)


def read_own_export(documents: Documents, dataset: Dataset, export_id: str) -> Job:
    """Read an export of this dataset. Raises NotFound for any other id."""
    job = jobs.read_job(documents, export_id)
    if job is None or job.kind != EXPORT or job.owner != run_owner(dataset.id):
        raise NotFound(export_id)
    return job


def list_exports(
    documents: Documents, dataset: Dataset, limit: int, cursor: str | None
) -> tuple[list[Job], str | None]:
    """Return a page of exports, newest first, and the next cursor. Raises PermanentError `bad_cursor`."""
    filters: list[Filter] = [("owner", "==", run_owner(dataset.id)), ("kind", "==", EXPORT)]
    page = documents.query(JOBS, filters, [("createdAt", "desc")], limit, cursor)
    return [Job.read(document.data) for document in page.documents], page.cursor
