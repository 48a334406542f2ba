"""Deleting a job with everything that hangs on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from shared import clock
from shared.ai.usage import SPENDING
from shared.chat import history
from shared.chat.history import MESSAGES
from shared.datasets.store import DATASETS, delete_dataset
from shared.library.groups import GROUPS, remove_video_from_groups
from shared.library.numbers import NUMBERS
from shared.models.job import Job
from shared.pipeline import idempotency as once
from shared.pipeline import lifecycle
from shared.pipeline.idempotency import ANSWERS, IDEMPOTENCY
from shared.pipeline.job_storage import JOBS, SEGMENTS
from shared.platform.ports import Place
from shared.platform.rate_limits import RATES
from shared.webhooks.deliveries import DELIVERIES, WEBHOOKS


def delete_job(place: Place, job: Job) -> None:
    """Remove the job, its results and its media; with the job that brought a video, the video and all about it."""
    # First, so that no request for the same thing gets the id of a job that is going away.
    once.clear_keys(place.documents, job.id)
    lifecycle.delete_job_records(place, job.id)
    if job.of_video is None:
        remove_video_from_groups(place.documents, job.owner, job.id)
        history.delete_messages(place.documents, job.owner, history.subject_filter(None, job.id))


log = logging.getLogger(__name__)
DEPARTURES = "departures"
STEP = 50
USERS_AT_ONCE = 20
LINGER = timedelta(hours=2)
"""As long as requests that the user had sent, or tokens that other instances still take, can bring something new."""
Erase = Callable[[Place, str, int], int]
"""Removes at most so many things of a user; returns how many, 0 when none is left."""


def erase_jobs(place: Place, owner: str, limit: int) -> int:
    """With videos, results and media."""
    documents = place.documents.query(JOBS, [("owner", "==", owner)], limit=limit).documents
    for document in documents:
        delete_job(place, Job.read(document.data))
    return len(documents)


def erase_documents(collection: str, place: Place, owner: str, limit: int) -> int:
    """For a collection whose documents have a field `owner` and nothing else hanging on them."""
    stored = place.documents.query(collection, [("owner", "==", owner)], limit=limit).documents
    for document in stored:
        place.documents.delete(collection, document.id)
    return len(stored)


def erase_datasets(place: Place, owner: str, limit: int) -> int:
    """Their images follow, as those of every dataset that is deleted."""
    documents = place.documents.query(DATASETS, [("owner", "==", owner)], limit=limit).documents
    for document in documents:
        delete_dataset(place, document.id)
    return len(documents)


OWNER_COLLECTIONS = (GROUPS, MESSAGES, SEGMENTS, IDEMPOTENCY, ANSWERS, SPENDING, RATES, WEBHOOKS, DELIVERIES, NUMBERS)
ERASERS: tuple[Erase, ...] = (
    # Whatever is a user's own must be found by one of these.
    erase_jobs,
    erase_datasets,
    *(partial(erase_documents, collection) for collection in OWNER_COLLECTIONS),
)


def record_departure(place: Place, owner: str) -> None:
    """Note that all that is this user's is to go; to be called before the account is deleted."""
    now = clock.now()
    place.documents.put(DEPARTURES, owner, {"owner": owner, "lookAt": now, "until": now + LINGER})


def erase_user(place: Place, owner: str, limit: int = STEP) -> bool:
    """Remove at most `limit` things of a user who has left; whether nothing is left of them."""
    for eraser in ERASERS:
        limit -= eraser(place, owner, limit)
        if limit <= 0:
            return False
    return True


def erase_departed_users(place: Place) -> int:
    """A step for each of those who have left and whose time it is; returns how many there were.

    Raises ExceptionGroup when some could not be erased, after all the others were.
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
        if is_finished and departure.data["until"] <= clock.now():
            place.documents.delete(DEPARTURES, departure.id)
        elif is_finished:
            place.documents.put(DEPARTURES, departure.id, departure.data | {"lookAt": departure.data["until"]})
    if errors:
        raise ExceptionGroup("users who could not be erased", errors)
    return len(due.documents)
