"""Idempotency: one job for repeated requests, by their Idempotency-Key or, for a link, by equal content.

Both kinds of document are written with `create`, which works as a mutex, and point to a job. The document comes first
and the job second; after a crash between the two, the next request creates that job.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

from shared import clock
from shared.errors import AlreadyExists, Conflict
from shared.models.job import Job, JobStatus
from shared.pipeline.jobs import read_job
from shared.pipeline.lifecycle import JobStateError, new_id
from shared.platform.ports import Documents

IDEMPOTENCY = "idempotency"
ANSWERS = "answers"
REMEMBER = timedelta(days=1)
TRIES = 10


def digest_id(*parts: Any) -> str:
    """A document id for any JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def id_for_key(documents: Documents, owner: str, key: str, request: Any) -> str:
    """Return the id of what `key` created or is going to create; a new key gets a new id.

    Raises JobStateError `key_reused` if the key was used with a different request before.
    """
    id = digest_id(owner, key)
    request_digest = digest_id(request)
    new_entry = {"owner": owner, "jobId": new_id(), "request": request_digest, "expiresAt": clock.now() + REMEMBER}
    try:
        documents.create(IDEMPOTENCY, id, new_entry)
    except AlreadyExists:
        stored = documents.get(IDEMPOTENCY, id)
        if stored is not None:
            if stored.data["request"] != request_digest:
                raise JobStateError(
                    "key_reused", "This Idempotency-Key was used before, with a different request. Use a new key."
                ) from None
            return str(stored.data["jobId"])
        documents.put(IDEMPOTENCY, id, new_entry)
    return str(new_entry["jobId"])


def assign_key(documents: Documents, owner: str, key: str, request: Any, job_id: str) -> None:
    """Point `key` to `job_id`, whatever it pointed to before."""
    documents.put(
        IDEMPOTENCY,
        digest_id(owner, key),
        {"owner": owner, "jobId": job_id, "request": digest_id(request), "expiresAt": clock.now() + REMEMBER},
    )


def find_or_reserve_job(
    documents: Documents, owner: str, request: Any, job_id: str, *, fresh: bool = False
) -> tuple[str, Job | None]:
    """Return the active or done job that answers this owner's request, with its id; else `job_id` and None.

    With None, the caller creates the job under the returned id. Equal requests find that job until it fails, is
    cancelled or is deleted.

    Args:
        request: JSON values that contain everything the result depends on.
        fresh: Accept no job that is done already.
    """
    id = digest_id(owner, request)
    # Kept as long as its job: see `clear_keys`.
    own_entry = {"owner": owner, "jobId": job_id, "expiresAt": None}
    for _ in range(TRIES):
        try:
            documents.create(ANSWERS, id, own_entry)
            return job_id, None
        except AlreadyExists:
            stored = documents.get(ANSWERS, id)
        if stored is None:
            continue
        other = str(stored.data["jobId"])
        job = read_job(documents, other)
        is_cleared = stored.data["expiresAt"] is not None
        if not is_cleared and (job is None or _is_reusable(job, fresh)):
            return other, job
        try:
            documents.replace(ANSWERS, id, own_entry, stored.version)
            return job_id, None
        except Conflict:
            continue
    raise Conflict(f"many requests for one link at once: {id}")


def find_reusable_job(documents: Documents, owner: str, request: Any, *, fresh: bool = False) -> Job | None:
    """Return the active or done job that answers this owner's request, if there is one. Args: as above."""
    stored = documents.get(ANSWERS, digest_id(owner, request))
    if stored is None or stored.data["expiresAt"] is not None:
        return None
    job = read_job(documents, str(stored.data["jobId"]))
    return job if job and _is_reusable(job, fresh) else None


def _is_reusable(job: Job, fresh: bool) -> bool:
    return not job.status.is_final or (job.status is JobStatus.DONE and not fresh)


def clear_keys(documents: Documents, id: str) -> None:
    """Let keys and requests that point to this id create anew. Call this before what they created is deleted."""
    for collection in (IDEMPOTENCY, ANSWERS):
        for stored in documents.query(collection, [("jobId", "==", id)]).documents:
            cleared_entry = {"jobId": new_id(), "expiresAt": clock.now() + REMEMBER}
            # A writer that was first has pointed it to another job.
            with suppress(Conflict):
                documents.replace(collection, stored.id, stored.data | cleared_entry, stored.version)
