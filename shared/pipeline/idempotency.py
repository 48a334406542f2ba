"""Asking twice and getting one job: idempotency keys, and one job that answers each request for a link.

Both are small documents made with `create`, which is a mutex, that point to the job they stand for. The document comes
first and the job second; a crash between the two leaves a pointer to nothing, and the next request makes that job.
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
    """The id of the job that `key` stands for; a key unknown so far gets a new id.

    Raises JobProblem `key_reused` when the same key came with another request before.
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
    """Let `key` stand for `job_id` from now on."""
    documents.put(
        IDEMPOTENCY,
        digest_id(owner, key),
        {"owner": owner, "jobId": job_id, "request": digest_id(request), "expiresAt": clock.now() + REMEMBER},
    )


def find_or_reserve_job(
    documents: Documents, owner: str, request: Any, job_id: str, *, fresh: bool = False
) -> tuple[str, Job | None]:
    """The job that answers this owner's request, an active or a done one; `job_id` and None if there is none yet.

    An id without a job is the caller's to make the job under. What is made is found by equal requests until it fails,
    is cancelled or deleted.

    Args:
        request: JSON values that hold all that makes a difference to the result.
        fresh: Whether a done job is not good enough.
    """
    id = digest_id(owner, request)
    # It lives as long as its job does, and goes with it: see `forget`.
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


def _is_reusable(job: Job, fresh: bool) -> bool:
    return not job.status.is_final or (job.status is JobStatus.DONE and not fresh)


def clear_keys(documents: Documents, job_id: str) -> None:
    """Let requests that stood for this job make a new one; to be called before the job is deleted."""
    for collection in (IDEMPOTENCY, ANSWERS):
        for stored in documents.query(collection, [("jobId", "==", job_id)]).documents:
            cleared_entry = {"jobId": new_id(), "expiresAt": clock.now() + REMEMBER}
            # Whoever changes it meanwhile has put another job there.
            with suppress(Conflict):
                documents.replace(collection, stored.id, stored.data | cleared_entry, stored.version)
