"""Deletes everything stored for a job except its document: one table of cleaners, by collection.

Stages import this module only when they meet a deleted job, since it loads all that it cleans.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shared.analyses.kinds import kinds
from shared.pipeline.job_storage import (
    MEDIA,
    PARTS,
    SCREENS,
    SEGMENTS,
    UPLOADS,
    VIDEOS,
    delete_passages,
    media_name,
    media_prefix,
    source_name,
)
from shared.pipeline.parts import delete_parts
from shared.pipeline.sample_archive import SAMPLES
from shared.platform.ports import Documents, Place
from shared.webhooks.deliveries import DELIVERIES, clear_job_deliveries

Cleaner = Callable[[Documents, str], None]
"""Deletes the documents of one job, by its id, from one collection, or clears what they say of it."""


def delete_job_data(place: Place, job_id: str) -> None:
    """Delete the job's files and clean every collection of `job_cleaners`."""
    place.objects.delete(UPLOADS, source_name(job_id))
    # First the archive, so that no sample of it is published behind the deletion's back.
    place.objects.delete(MEDIA, media_name(job_id, SAMPLES))
    place.objects.delete_prefix(MEDIA, media_prefix(job_id))
    for clean in job_cleaners().values():
        clean(place.documents, job_id)


def job_cleaners() -> dict[str, Cleaner]:
    """Return the cleaner of each collection whose documents belong to a job."""
    results = [VIDEOS, *(kind.collection for kind in kinds().values() if kind.collection)]
    return {
        PARTS: delete_parts,
        SEGMENTS: partial(delete_passages, SEGMENTS),
        SCREENS: partial(delete_passages, SCREENS),
        DELIVERIES: clear_job_deliveries,
        **{collection: partial(_delete_result, collection) for collection in results},
    }


def _delete_result(collection: str, documents: Documents, job_id: str) -> None:
    documents.delete(collection, job_id)
