"""Dependencies and parameters shared by routes: the place, the caller's own jobs, paging, quotas."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from functions.api.identity import Caller, LoginThrottle
from functions.api.rate_limits import BATCH, RETRY, START, Quota
from shared.errors import NotFound
from shared.models.job import Job
from shared.pipeline import idempotency, lifecycle
from shared.platform.place import current_place, is_place_open
from shared.platform.ports import Documents, Place
from shared.settings import settings

_ID = re.compile(r"[0-9a-f]{32}")
Limit = Annotated[int, Query(ge=1, le=100, description="Maximum number of items on a page, from 1 to 100.")]
Cursor = Annotated[
    str | None,
    Query(max_length=2000, description="The `cursor` of the previous page. Omit it to get the first page."),
]


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description=(
            "A unique string of your choice. For 24 hours, the same request with the same key returns what the first "
            "one created; a different request with that key returns 409 `key_reused`."
        ),
    ),
]


# Dependencies that do not block are asynchronous: FastAPI runs each of the others in another thread, which takes longer
# than most of them.


async def request_place() -> Place:
    """Return the place; the first request opens it."""
    return current_place() if is_place_open() else await run_in_threadpool(current_place)


PlaceDep = Annotated[Place, Depends(request_place)]


def check_id(text: str) -> str:
    """Return `text`; raises NotFound when it does not have the form of an id."""
    if not _ID.fullmatch(text):
        raise NotFound(text)
    return text


def own_job(job_id: Annotated[str, Path(description="The `id` of the job.")], user: Caller, place: PlaceDep) -> Job:
    """Return the caller's job; raises NotFound if it does not exist or belongs to another user."""
    return lifecycle.read_own_job(place, check_id(job_id), user.id)


async def start_quota(request: Request, user: Caller, place: PlaceDep) -> Quota:
    """Return the quota for new jobs; consume it immediately before creating one."""
    return Quota(request.scope, place.documents, START, settings().rate_limit_start, user.id)


async def retry_quota(request: Request, user: Caller, place: PlaceDep) -> Quota:
    """Return the quota for retries of failed jobs and chunks."""
    return Quota(request.scope, place.documents, RETRY, settings().rate_limit_retry, user.id)


async def batch_quota(request: Request, user: Caller, place: PlaceDep) -> Quota:
    """Return the quota for new batches."""
    return Quota(request.scope, place.documents, BATCH, settings().rate_limit_batch, user.id)


class CreationKey:
    """The `Idempotency-Key` of a request that creates something, if it has one."""

    def __init__(self, documents: Documents, owner: str, path: str, key: str | None) -> None:
        self._documents, self._owner = documents, owner
        self._path, self._key = path, key

    @property
    def is_given(self) -> bool:
        """Whether the request has a key, so that what it creates may exist already."""
        return self._key is not None

    def reserve_id(self, body: BaseModel) -> str:
        """Return the id of what the request creates: a new one, or the one that the same key and body had before.

        Each path has keys of its own. Raises JobStateError `key_reused` if the key came with another body.
        """
        if self._key is None:
            return lifecycle.new_id()
        request = body.model_dump(mode="json", exclude_defaults=True)
        return idempotency.id_for_key(self._documents, self._owner, f"{self._path} {self._key}", request)


async def login_throttle(request: Request, place: PlaceDep) -> LoginThrottle:
    return LoginThrottle(request.scope, place.documents)


async def creation_key(
    request: Request, user: Caller, place: PlaceDep, idempotency_key: IdempotencyKey = None
) -> CreationKey:
    return CreationKey(place.documents, user.id, request.url.path, idempotency_key)


OwnJob = Annotated[Job, Depends(own_job)]
StartQuota = Annotated[Quota, Depends(start_quota)]
BatchQuota = Annotated[Quota, Depends(batch_quota)]
RetryQuota = Annotated[Quota, Depends(retry_quota)]
Idempotency = Annotated[CreationKey, Depends(creation_key)]
LoginThrottleDep = Annotated[LoginThrottle, Depends(login_throttle)]
