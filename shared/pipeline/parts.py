"""The documents of a divided stage's parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from statistics import fmean
from typing import Any

from shared.errors import AlreadyExists
from shared.models.job import Job, Part, StageStatus
from shared.pipeline.job_storage import PARTS
from shared.pipeline.jobs import read_job
from shared.platform.documents import KnownDocument, change_model, iterate_query
from shared.platform.ports import Documents, Filter


def part_id(job_id: str, stage: str, number: int) -> str:
    return f"{job_id}-{stage}-{number:05}"


def new_part(job: Job, stage: str, number: int) -> Part:
    return Part(job_id=job.id, owner=job.owner, stage=stage, number=number)


def plan_part(documents: Documents, job: Job, stage: str, number: int, outcome: dict[str, Any]) -> None:
    """Store a part before its stage starts; a stored part stays as it is."""
    part = new_part(job, stage, number)
    part.outcome = outcome
    with suppress(AlreadyExists):
        documents.create(PARTS, part_id(job.id, stage, number), part.to_document())


def remaining_numbers(documents: Documents, job_id: str, stage: str, *, all: bool) -> list[int]:
    """Return the numbers of planned parts that are neither done nor failed; at most one unless `all`."""
    statuses = [StageStatus.PENDING.value, StageStatus.RUNNING.value]
    filters: list[Filter] = [("jobId", "==", job_id), ("stage", "==", stage), ("status", "in", statuses)]
    if not all:
        return [int(document.data["number"]) for document in documents.query(PARTS, filters, limit=1).documents]
    return sorted(int(document.data["number"]) for document in iterate_query(documents, PARTS, filters))


def parts_of(documents: Documents, job_id: str, stage: str | None = None) -> list[Part]:
    """Return the stored parts of one stage or of all, in order."""
    parts = (Part.read(document.data) for document in iterate_query(documents, PARTS, [("jobId", "==", job_id)]))
    return sorted((part for part in parts if stage in (None, part.stage)), key=lambda part: part.number)


def change_part(
    documents: Documents,
    id: str,
    change: Callable[[Part], bool],
    new: Callable[[], Part] | None = None,
    known: KnownDocument | None = None,
) -> Part:
    """Change a part as `change_job` does; a missing part starts as `new` returns it.

    Raises:
        NotFound: The part does not exist, and `new` is None.
        Conflict: Other writers were first every time.
    """
    return change_model(documents, PARTS, id, Part, change, new, known)


def delete_parts(documents: Documents, job_id: str, stage: str | None = None) -> None:
    for part in parts_of(documents, job_id, stage):
        documents.delete(PARTS, part_id(job_id, part.stage, part.number))


def clean_up_parts(documents: Documents, job_id: str, stage: str) -> None:
    """Delete the parts once the stage has their result, or the job was deleted."""
    job = read_job(documents, job_id)
    if job is None or stage not in job.stages or job.stages[stage].status is StageStatus.DONE:
        delete_parts(documents, job_id, stage)


def reset_parts(documents: Documents, job_id: str, stage: str) -> None:
    """Restore all attempts of the parts that are not done."""
    for part in parts_of(documents, job_id, stage):
        change_part(documents, part_id(job_id, stage, part.number), _reopen_unfinished)


def _reopen_unfinished(part: Part) -> bool:
    return part.status is not StageStatus.DONE and reopen_part(part)


def reopen_part(part: Part) -> bool:
    """Reset attempts, lease and error; the next attempt continues from the part's outcome."""
    part.status = StageStatus.PENDING
    part.attempts = part.interruptions = 0
    part.lease = part.error = part.message = None
    return True


def mean_progress(begun_parts: Sequence[Part], count: int) -> float:
    """Return the progress of all `count` parts, from 0 to 1. A failed part counts as done."""
    fractions = [1 if part.status is StageStatus.FAILED else part.progress for part in begun_parts]
    return fmean(fractions + [0.0] * (count - len(begun_parts)))


def progress_message(begun_parts: Sequence[Part], count: int) -> str | None:
    """Return why a part is tried again, else how many parts are done; the message of a single part."""
    retry_message = next((part.message for part in begun_parts if part.error and part.message), None)
    done = sum(part.status is StageStatus.DONE for part in begun_parts)
    return retry_message or (f"{done} of {count} parts are done" if count > 1 else begun_parts[0].message)
