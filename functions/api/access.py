"""What routes depend on: the platform, and jobs that are the caller's own."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Path, Request

from functions.api.identity import Caller
from functions.api.throttle import RETRY, START, Quota
from shared.errors import NotFound, PermanentError
from shared.models.job import Job
from shared.pipeline import lifecycle
from shared.platform.connect import platform
from shared.platform.ports import Platform
from shared.settings import settings

_ID = re.compile(r"[0-9a-f]{32}")

Place = Annotated[Platform, Depends(platform)]


def check_id(text: str) -> str:
    """Raises NotFound for what cannot be an id of anything."""
    if not _ID.fullmatch(text):
        raise NotFound(text)
    return text


def own_job(job_id: Annotated[str, Path(description="The job's `id`.")], user: Caller, place: Place) -> Job:
    """Raises NotFound alike for what does not exist and for what is another's."""
    return lifecycle.owned(place, check_id(job_id), user.id)


def wrong_cursor() -> PermanentError:
    return PermanentError(
        "bad_cursor", "This cursor does not belong to this list. Request the first page, without a cursor."
    )


def starts(request: Request, user: Caller, place: Place) -> Quota:
    """Of jobs: to be taken from right before one is made."""
    return Quota(request.scope, place.documents, START, settings().rate_limit_start, user.id)


def retries(request: Request, user: Caller, place: Place) -> Quota:
    return Quota(request.scope, place.documents, RETRY, settings().rate_limit_retry, user.id)


OwnJob = Annotated[Job, Depends(own_job)]
Starts = Annotated[Quota, Depends(starts)]
Retries = Annotated[Quota, Depends(retries)]
