"""Deletes a job with everything that depends on it, and all data of users who deleted their account.

A user's data is erased in steps of bounded size, which `sweep` continues until nothing is left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from shared import clock
from shared.ai.usage import SPENDING
from shared.chat import history
from shared.chat.history import MESSAGES
from shared.datasets.store import DATASETS, delete_dataset
from shared.errors import NotFound, TransientError
from shared.library.api_keys import KEYS
from shared.library.feeds import FEEDS
from shared.library.groups import GROUPS, remove_video_from_groups
from shared.library.numbers import NUMBERS
from shared.models.job import Job
from shared.pipeline.batches import BATCH_ITEMS, BATCHES, request_release
from shared.pipeline.idempotency import ANSWERS, IDEMPOTENCY, clear_keys
from shared.pipeline.job_storage import JOBS, SCREENS, SEGMENTS
from shared.pipeline.lifecycle import delete_job_records
from shared.pipeline.statistics import STATISTICS
from shared.platform.ports import Place
from shared.platform.rate_limits import RATES
from shared.webhooks.deliveries import DELIVERIES, WEBHOOKS

log = logging.getLogger(__name__)
DEPARTURES = "departures"
STEP = 50
USERS_AT_ONCE = 20
LINGER = timedelta(hours=2)
"""How long requests under way, and tokens that other instances still accept, can create data of the user."""
Erase = Callable[[Place, str, int], int]
"""Deletes at most a number of a user's documents; returns how many, 0 when none is left."""


def delete_job(place: Place, job: Job) -> None:
    """Delete the job, its results and its media; with the job that brought a video, everything about the video."""
    # First, so that no equal request gets the id of a job that is being deleted.
    clear_keys(place.documents, job.id)
    delete_job_records(place, job)
    if job.batch_id:
        # `sweep` sends a message that cannot be sent now.
        with suppress(TransientError, NotFound):
            request_release(place, job.batch_id)
    if job.of_video is None:
        remove_video_from_groups(place.documents, job.owner, job.id)
        history.delete_messages(place.documents, job.owner, history.subject_filters(None, job.id))


def erase_jobs(place: Place, owner: str, limit: int) -> int:
    """Delete jobs with their videos, results and media."""
    documents = place.documents.query(JOBS, [("owner", "==", owner)], limit=limit).documents
    for document in documents:
        delete_job(place, Job.read(document.data))
    return len(documents)


def erase_documents(collection: str, place: Place, owner: str, limit: int) -> int:
    """Delete documents of a collection with a field `owner` and nothing that depends on them."""
    stored = place.documents.query(collection, [("owner", "==", owner)], limit=limit).documents
    for document in stored:
        place.documents.delete(collection, document.id)
    return len(stored)


def erase_datasets(place: Place, owner: str, limit: int) -> int:
    """Delete datasets; their images follow as for every deleted dataset."""
    documents = place.documents.query(DATASETS, [("owner", "==", owner)], limit=limit).documents
    for document in documents:
        delete_dataset(place, document.id)
    return len(documents)


OWNER_COLLECTIONS = (
    GROUPS,
    MESSAGES,
    SEGMENTS,
    SCREENS,
    IDEMPOTENCY,
    ANSWERS,
    SPENDING,
    STATISTICS,
    RATES,
    WEBHOOKS,
    DELIVERIES,
    NUMBERS,
    FEEDS,
    BATCHES,
    BATCH_ITEMS,
)
ERASERS: tuple[Erase, ...] = (
    # One of these must find each document that belongs to a user. The keys go first, since they still open the rest.
    partial(erase_documents, KEYS),
    erase_jobs,
    erase_datasets,
    *(partial(erase_documents, collection) for collection in OWNER_COLLECTIONS),
)


def record_departure(place: Place, owner: str) -> None:
    """Schedule the erasure of all data of this user. Call this before the account is deleted."""
    now = clock.now()
    place.documents.put(DEPARTURES, owner, {"owner": owner, "lookAt": now, "until": now + LINGER})


def erase_user(place: Place, owner: str, limit: int = STEP) -> bool:
    """Delete at most `limit` documents of a departed user; return True if nothing is left."""
    for eraser in ERASERS:
        limit -= eraser(place, owner, limit)
        if limit <= 0:
            return False
    return True


def erase_departed_users(place: Place) -> int:
    """Do one step for each departed user who is due; return the number of users.

    Raises ExceptionGroup, after all other steps, if some failed.
    """
    due = place.documents.query(DEPARTURES, [("lookAt", "<=", clock.now())], [("lookAt", "asc")], USERS_AT_ONCE)
    errors = []
    for departure in due.documents:
        try:
            is_finished = erase_user(place, departure.data["owner"])
        except Exception as error:
            log.exception("a user who has left could not be erased")
            errors.append(error)
            continue
        if is_finished and departure.data["until"] <= clock.deletion_clock.now():
            place.documents.delete(DEPARTURES, departure.id)
        elif is_finished:
            place.documents.put(DEPARTURES, departure.id, departure.data | {"lookAt": departure.data["until"]})
    if errors:
        raise ExceptionGroup("users who could not be erased", errors)
    return len(due.documents)
