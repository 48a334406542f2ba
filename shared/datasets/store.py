"""The documents of datasets and of their images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from shared import clock
from shared.errors import AlreadyExists, NotFound
from shared.models.dataset import Dataset
from shared.models.image import ImageRecord, ImageState
from shared.models.job import Job
from shared.pipeline.idempotency import clear_keys
from shared.pipeline.job_storage import JOBS, MEDIA, media_name, media_prefix
from shared.pipeline.parts import delete_parts
from shared.platform.documents import change_model, iterate_query, with_updated_at
from shared.platform.ports import Documents, Filter, Place

DATASETS = "datasets"
IMAGES = "images"
PAGE = 200


def run_owner(dataset_id: str) -> str:
    """Whose a dataset's jobs are: the dataset's, so that they never stand among its owner's."""
    return f"dataset:{dataset_id}"


def dataset_id_of(job: Job) -> str:
    """The id of the dataset that a run belongs to."""
    return job.owner.removeprefix(run_owner(""))


def read_dataset(documents: Documents, dataset_id: str) -> Dataset:
    """Raises NotFound."""
    stored = documents.get(DATASETS, dataset_id)
    if stored is None:
        raise NotFound(dataset_id)
    return Dataset.read(stored.data)


def read_own_dataset(documents: Documents, dataset_id: str, owner: str) -> Dataset:
    """Raises NotFound alike for what does not exist and for what is another's."""
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
    """A page, newest first, and where the next one starts. Raises ValueError on a wrong cursor."""
    page = documents.query(DATASETS, [("owner", "==", owner)], [("createdAt", "desc")], limit, cursor)
    return [Dataset.read(document.data) for document in page.documents], page.cursor


def change_dataset(documents: Documents, dataset_id: str, change: Callable[[Dataset], bool]) -> Dataset:
    """Store what `change` makes of the dataset if it says so; it may be asked again. Raises NotFound, Conflict."""
    return change_model(documents, DATASETS, dataset_id, Dataset, with_updated_at(change))


def image_id(dataset_id: str, url: str) -> str:
    """Of the image at an address, which is in its canonical form: the same for all who find it in this dataset."""
    return hashlib.sha256(f"{dataset_id} {url}".encode()).hexdigest()


def image_object_name(dataset_id: str, sha256: str, format: str) -> str:
    """Object of an image, named by its bytes: it cannot be stored twice."""
    return media_name(dataset_id, f"images/{sha256}.{'jpg' if format == 'jpeg' else format}")


def list_images(
    documents: Documents, dataset_id: str, limit: int = PAGE, cursor: str | None = None, **equal: Any
) -> tuple[list[ImageRecord], str | None]:
    """Images by their ids, which is in no order that means something. Raises ValueError on a wrong cursor.

    Args:
        equal: Fields of the document with the values they must have; `_` stands for a dot.
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
    """A document that is gone stays gone."""

    def apply_change(record: ImageRecord) -> bool:
        change(record)
        return True

    with suppress(NotFound):
        change_model(documents, IMAGES, id, ImageRecord, apply_change)


ERASURES = "erasures"
IMAGES_PER_STEP = 500
ERASURES_AT_ONCE = 20
ERASURE_LINGER = timedelta(minutes=15)
"""As long as a chunk that was at work can still bring an image."""


def delete_dataset(place: Place, dataset_id: str) -> None:
    """Its chunks stop at their next tick; `sweep` removes the images that this does not get to."""
    now = clock.now()
    place.documents.put(ERASURES, dataset_id, {"lookAt": now, "until": now + ERASURE_LINGER})
    clear_keys(place.documents, dataset_id)
    place.documents.delete(DATASETS, dataset_id)
    while runs := place.documents.query(JOBS, [("owner", "==", run_owner(dataset_id))], limit=100).documents:
        for run in runs:
            place.documents.delete(JOBS, run.id)
            delete_parts(place.documents, run.id)
    delete_images(place, dataset_id, IMAGES_PER_STEP)


def delete_images(place: Place, dataset_id: str, limit: int) -> bool:
    """Remove at most `limit` images; whether nothing of the dataset is left."""
    images, _ = list_images(place.documents, dataset_id, limit)
    for image in images:
        if image.media:
            place.objects.delete(MEDIA, image.media)
        place.documents.delete(IMAGES, image.id)
    if len(images) == limit:
        return False
    # Pages of candidates, lists, exports, and images whose chunk died before it could say that it had them.
    place.objects.delete_prefix(MEDIA, media_prefix(dataset_id))
    return True


def continue_erasures(place: Place) -> int:
    """A step for each dataset that was deleted; returns how many there were."""
    due = place.documents.query(ERASURES, [("lookAt", "<=", clock.now())], [("lookAt", "asc")], ERASURES_AT_ONCE)
    for erasure in due.documents:
        if not delete_images(place, erasure.id, IMAGES_PER_STEP):
            continue
        if erasure.data["until"] <= clock.now():
            place.documents.delete(ERASURES, erasure.id)
        else:
            place.documents.put(ERASURES, erasure.id, erasure.data | {"lookAt": erasure.data["until"]})
    return len(due.documents)
