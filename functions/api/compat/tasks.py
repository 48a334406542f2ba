"""Tasks of the earlier systems, which are jobs with the same id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Path

from functions.api.access import PlaceDep, own_job
from functions.api.identity import Caller
from shared.errors import NotFound
from shared.models.job import Job


def own_task(kind: str) -> Callable[..., Job]:
    """Return a dependency that loads the caller's job of this kind and raises NotFound for any other id."""

    def find(task_id: Annotated[str, Path(description="The `id` of the task.")], user: Caller, place: PlaceDep) -> Job:
        job = own_job(task_id, user, place)
        if job.kind != kind:
            raise NotFound(task_id)
        return job

    return find
