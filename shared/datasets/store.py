"""Documents of datasets and of their images: reading, changing and deleting them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from shared import clock
from shared.errors import AlreadyExists, NotFound
from shared.models.dataset import Dataset, DatasetStatus
from shared.models.image import ImageRecord, ImageState
from shared.models.job import Job
from shared.pipeline.idempotency import clear_keys
from shared.pipeline.job_storage import JOBS, MEDIA, PARTS, media_name, media_prefix
from shared.pipeline.lifecycle import JobStateError, record_deletion
from shared.platform.documents import change_model, iterate_query, with_updated_at
from shared.platform.ports import Documents, Filter, Place

DATASETS = "datasets"
IMAGES = "images"
PAGE = 200
ERASURES = "erasures"
RUN_PREFIX = "run-"
IMAGES_PER_STEP = 500
ERASURES_AT_ONCE = 20
ERASURE_LINGER = timedelta(minutes=15)
"""How long a chunk that is still running can add images."""


def run_owner(dataset_id: str) -> str:
    """Return the owner of a dataset's jobs: the dataset itself, so that its owner's job list omits them."""
    return f"dataset:{dataset_id}"


def dataset_id_of(job: Job) -> str:
    """Return the id of a run's dataset."""
    return job.owner.removeprefix(run_owner(""))


def user_of(documents: Documents, job: Job) -> str | None:
    """Return the user to whom a job belongs, for a run through its dataset; None once that is deleted."""
    if not job.owner.startswith(run_owner("")):
        return job.owner
    stored = documents.get(DATASETS, dataset_id_of(job))
    return str(stored.data["owner"]) if stored else None


def read_dataset(documents: Documents, dataset_id: str) -> Dataset:
    """Read a dataset. Raises NotFound."""
    stored = documents.get(DATASETS, dataset_id)
    if stored is None:
        raise NotFound(dataset_id)
    return Dataset.read(stored.data)


def read_own_dataset(documents: Documents, dataset_id: str, owner: str) -> Dataset:
    """Read a dataset of `owner`. Raises NotFound if it does not exist or has another owner."""
    dataset = read_dataset(documents, dataset_id)
    if dataset.owner != owner:
        raise NotFound(dataset_id)
    return dataset


def create_dataset(documents: Documents, dataset: Dataset) -> Dataset:
    """Store a new dataset; returns the stored one if its id exists already."""
    try:
        documents.create(DATASETS, dataset.id, dataset.to_document())
    except AlreadyExists:
        return read_own_dataset(documents, dataset.id, dataset.owner)
    return dataset


def list_datasets(documents: Documents, owner: str, limit: int, cursor: str | None) -> tuple[list[Dataset], str | None]:
    """Return a page of datasets, newest first, and the next cursor. Raises PermanentError `bad_cursor`."""
    page = documents.query(DATASETS, [("owner", "==", owner)], [("createdAt", "desc")], limit, cursor)
    return [Dataset.read(document.data) for document in page.documents], page.cursor


def change_dataset(documents: Documents, dataset_id: str, change: Callable[[Dataset], bool]) -> Dataset:
    """Store the dataset if `change` returns True; `change` may be called again. Raises NotFound, Conflict."""
    return change_model(documents, DATASETS, dataset_id, Dataset, with_updated_at(change))


def image_id(dataset_id: str, url: str) -> str:
    """Return the id of the image at a canonical URL: the same for all chunks of a dataset."""
    return hashlib.sha256(f"{dataset_id} {url}".encode()).hexdigest()


def image_object_name(dataset_id: str, sha256: str, format: str) -> str:
    """Return the object name of an image, derived from its bytes, so that it is never stored twice."""
    return media_name(dataset_id, f"images/{sha256}.{'jpg' if format == 'jpeg' else format}")


def list_images(
    documents: Documents, dataset_id: str, limit: int = PAGE, cursor: str | None = None, **equal: Any
) -> tuple[list[ImageRecord], str | None]:
    """Return a page of images by id, an arbitrary order, and the next cursor. Raises PermanentError `bad_cursor`.

    Args:
        equal: Required values of document fields; `_` in a name stands for a dot.
    """
    page = documents.query(IMAGES, _filters(dataset_id, equal), limit=limit, cursor=cursor)
    return [ImageRecord.read(document.data) for document in page.documents], page.cursor


def _filters(dataset_id: str, equal: Mapping[str, Any]) -> list[Filter]:
    return [("datasetId", "==", dataset_id), *((name.replace("_", "."), "==", value) for name, value in equal.items())]


def iterate_images(documents: Documents, dataset_id: str, **equal: Any) -> Iterator[ImageRecord]:
    pages = iterate_query(documents, IMAGES, _filters(dataset_id, equal))
    return (ImageRecord.read(document.data) for document in pages)


def iterate_downloaded(documents: Documents, dataset_id: str) -> Iterator[ImageRecord]:
    return iterate_images(documents, dataset_id, state=ImageState.DOWNLOADED.value)


def change_image(documents: Documents, id: str, change: Callable[[ImageRecord], None]) -> None:
    """Change an image's document; do nothing if it was deleted."""

    def apply_change(record: ImageRecord) -> bool:
        change(record)
        return True

    with suppress(NotFound):
        change_model(documents, IMAGES, id, ImageRecord, apply_change)


def override_verdict(documents: Documents, dataset: Dataset, image_id: str, accepted: bool | None) -> ImageRecord:
    """Let the owner accept or reject an image, or return to the verdict of validation (None).

    Raises:
        NotFound: The dataset has no such image.
        JobStateError: `not_validated` without a verdict; `dataset_running` while verdicts may change.
    """
    if dataset.status is DatasetStatus.RUNNING:
        raise JobStateError("dataset_running", "The dataset is running. Stop it first, or wait until it ends.")
    difference = 0

    def change(record: ImageRecord) -> bool:
        nonlocal difference
        if record.dataset_id != dataset.id:
            raise NotFound(image_id)
        if record.verdict is None:
            raise JobStateError("not_validated", "The image has no verdict yet. Validate the dataset first.")
        before = record.verdict.accepted
        record.override = accepted
        record.settle_verdict()
        difference = record.verdict.accepted - before
        return True

    record = change_model(documents, IMAGES, image_id, ImageRecord, change)
    if difference:
        change_dataset(documents, dataset.id, lambda current: add_accepted(current, difference))
    return record


def add_accepted(dataset: Dataset, difference: int) -> bool:
    if dataset.progress.validated is None:
        return False
    dataset.progress.validated.accepted += difference
    return True


def delete_dataset(place: Place, dataset_id: str) -> None:
    """Delete a dataset. Its chunks stop at their next tick; `sweep` removes the images beyond the first 500."""
    now = clock.now()
    place.documents.put(ERASURES, dataset_id, {"lookAt": now, "until": now + ERASURE_LINGER})
    clear_keys(place.documents, dataset_id)
    stored = place.documents.get(DATASETS, dataset_id)
    place.documents.delete(DATASETS, dataset_id)
    delete_runs(place.documents, dataset_id, stored.data["owner"] if stored else None)
    delete_images(place, dataset_id, IMAGES_PER_STEP)


def delete_runs(documents: Documents, dataset_id: str, owner: str | None) -> None:
    """Delete the jobs of a dataset and their parts, including parts without a job.

    `owner` is the user whose statistics count the jobs; None for nobody's.
    """
    for collection in (JOBS, PARTS):
        while stored := documents.query(collection, [("owner", "==", run_owner(dataset_id))], limit=100).documents:
            for document in stored:
                # Only to be counted: files are the dataset's, and `delete_images` deletes them.
                if collection == JOBS and (job := Job.read(document.data)).ended_at:
                    record_deletion(documents, job, owner, RUN_PREFIX)
                documents.delete(collection, document.id)


def delete_images(place: Place, dataset_id: str, limit: int) -> bool:
    """Delete at most `limit` images. Returns whether nothing of the dataset is left."""
    images, _ = list_images(place.documents, dataset_id, limit)
    for image in images:
        if image.media:
            place.objects.delete(MEDIA, image.media)
        place.documents.delete(IMAGES, image.id)
    if len(images) == limit:
        return False
    # A run that was being started, or a stage that planned parts, meanwhile.
    delete_runs(place.documents, dataset_id, None)
    # Pages of candidates, lists, exports, and images whose chunk ended before it recorded them.
    place.objects.delete_prefix(MEDIA, media_prefix(dataset_id))
    return True


def continue_erasures(place: Place) -> int:
    """Continue the deletion of up to 20 datasets by one step each. Returns their number."""
    due = place.documents.query(ERASURES, [("lookAt", "<=", clock.now())], [("lookAt", "asc")], ERASURES_AT_ONCE)
    for erasure in due.documents:
        if not delete_images(place, erasure.id, IMAGES_PER_STEP):
            continue
        if erasure.data["until"] <= clock.deletion_clock.now():
            place.documents.delete(ERASURES, erasure.id)
        else:
            place.documents.put(ERASURES, erasure.id, erasure.data | {"lookAt": erasure.data["until"]})
    return len(due.documents)
