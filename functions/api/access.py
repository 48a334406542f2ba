"""What routes depend on: the platform, and jobs that are the caller's own."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Path

from functions.api.identity import Caller
from shared.errors import NotFound
from shared.models.job import Job
from shared.pipeline import lifecycle
from shared.platform.connect import platform
from shared.platform.ports import Platform

_JOB_ID = re.compile(r"[0-9a-f]{32}")

Place = Annotated[Platform, Depends(platform)]


def own_job(job_id: Annotated[str, Path(description="The job's `id`.")], user: Caller, place: Place) -> Job:
    """Raises NotFound alike for what does not exist and for what is another's."""
    if not _JOB_ID.fullmatch(job_id):
        raise NotFound(job_id)
    return lifecycle.owned(place, job_id, user.id)


OwnJob = Annotated[Job, Depends(own_job)]
