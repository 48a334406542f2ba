"""Removing a dataset: out of sight at once, its images in steps of bounded size that anyone may take up again."""

from __future__ import annotations

from datetime import timedelta

from shared import clock
from shared.datasets.store import DATASETS, IMAGES, list_images, run_owner
from shared.pipeline.parts import delete_parts
from shared.pipeline.paths import JOBS, MEDIA, media_prefix
from shared.platform.ports import Platform

ERASURES = "erasures"
IMAGES_PER_STEP = 500
ERASURES_AT_ONCE = 20
ERASURE_LINGER = timedelta(minutes=15)
"""As long as a chunk that was at work can still bring an image."""


def delete_dataset(place: Platform, dataset_id: str) -> None:
    """Its chunks stop at their next tick; `sweep` removes the images that this does not get to."""
    now = clock.now()
    place.documents.put(ERASURES, dataset_id, {"lookAt": now, "until": now + ERASURE_LINGER})
    place.documents.delete(DATASETS, dataset_id)
    while runs := place.documents.query(JOBS, [("owner", "==", run_owner(dataset_id))], limit=100).documents:
        for run in runs:
            place.documents.delete(JOBS, run.id)
            delete_parts(place.documents, run.id)
    delete_images(place, dataset_id, IMAGES_PER_STEP)


def delete_images(place: Platform, dataset_id: str, limit: int) -> bool:
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


def continue_erasures(place: Platform) -> int:
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
