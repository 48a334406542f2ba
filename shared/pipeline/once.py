"""Asking twice and getting one job: idempotency keys, and one active job per owner, URL and kind.

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
from shared.pipeline.jobs import read_job
from shared.pipeline.lifecycle import JobProblem, new_id
from shared.platform.ports import Documents

IDEMPOTENCY = "idempotency"
ACTIVE = "active"
REMEMBER = timedelta(days=1)
TRIES = 10


def digest(*parts: Any) -> str:
    """A document id for any JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def job_for_key(documents: Documents, owner: str, key: str, request: Any) -> str:
    """The id of the job that `key` stands for; a key unknown so far gets a new id.

    Raises JobProblem `key_reused` when the same key came with another request before.
    """
    id = digest(owner, key)
    wanted = digest(request)
    fresh = {"owner": owner, "jobId": new_id(), "request": wanted, "expiresAt": clock.now() + REMEMBER}
    try:
        documents.create(IDEMPOTENCY, id, fresh)
    except AlreadyExists:
        stored = documents.get(IDEMPOTENCY, id)
        if stored is not None:
            if stored.data["request"] != wanted:
                raise JobProblem(
                    "key_reused", "This Idempotency-Key came with a different request before; use a new key."
                ) from None
            return str(stored.data["jobId"])
        documents.put(IDEMPOTENCY, id, fresh)
    return str(fresh["jobId"])


def settle_key(documents: Documents, owner: str, key: str, request: Any, job_id: str) -> None:
    """Let `key` stand for `job_id` from now on."""
    documents.put(
        IDEMPOTENCY,
        digest(owner, key),
        {"owner": owner, "jobId": job_id, "request": digest(request), "expiresAt": clock.now() + REMEMBER},
    )


def active_job(documents: Documents, owner: str, kind: str, url: str, job_id: str) -> str:
    """The id of the active job of this owner for this kind and normalised URL; `job_id` if there is none yet."""
    id = digest(owner, kind, url)
    for _ in range(TRIES):
        mine = {"owner": owner, "jobId": job_id, "expiresAt": clock.now() + REMEMBER}
        try:
            documents.create(ACTIVE, id, mine)
            return job_id
        except AlreadyExists:
            stored = documents.get(ACTIVE, id)
        if stored is None:
            continue
        other = str(stored.data["jobId"])
        job = read_job(documents, other)
        if job is None or not job.status.final:
            return other
        try:
            documents.replace(ACTIVE, id, mine, stored.version)
            return job_id
        except Conflict:
            continue
    raise Conflict(f"many requests for one URL at once: {id}")


def forget(documents: Documents, job_id: str) -> None:
    """Let requests that stood for this job make a new one; to be called before the job is deleted."""
    for collection in (IDEMPOTENCY, ACTIVE):
        for stored in documents.query(collection, [("jobId", "==", job_id)]).documents:
            # Whoever changes it meanwhile has put another job there.
            with suppress(Conflict):
                documents.replace(collection, stored.id, stored.data | {"jobId": new_id()}, stored.version)
