"""Operations: what waits and runs, failed jobs and dead letters; of all users for administrators.

Each answer reads a bounded number of documents, however many jobs there are. Administrators see what happened to the
jobs of others, and nothing of their content.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from functions.api.dependencies import Cursor, Limit, PlaceDep, RetryQuota, check_id
from functions.api.identity import Admin, Caller, is_admin
from functions.api.openapi import problem_responses
from functions.api.schemas import NEXT_PAGE
from shared.datasets import runs, store
from shared.errors import NotFound
from shared.models import Model
from shared.models.job import Job, JobError, JobStatus
from shared.models.shard import ALL_SHARDS
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import JOBS
from shared.pipeline.jobs import read_job, video_title
from shared.platform.accounts import User
from shared.platform.ports import DeadLetter, Filter, Place, Queue
from shared.wiring import wiring

router = APIRouter(prefix="/v1", tags=["operations"], responses=problem_responses(401, 403, 422))

COUNT_LIMIT = 1000
Scope = Annotated[
    Literal["all", "own"],
    Field(description="`all` for administrators: the jobs of all users. `own`: only those of the caller."),
]


class Operations(Model):
    """What waits and runs now."""

    scope: Scope
    jobs: dict[str, int] = Field(
        description=f"Number of jobs by status, `queued` and `running`; at most {COUNT_LIMIT}."
    )
    stages: dict[str, int] = Field(
        description=f"Number of running jobs by their current stage; at most {COUNT_LIMIT} each. Stages without any are"
        " omitted."
    )
    queue: dict[str, int] | None = Field(
        description="Number of events that wait for a function or are being processed, by function. Null in the cloud,"
        " where Cloud Monitoring shows it for each Pub/Sub subscription, and for users who are not administrators."
    )


class OperationsJob(Model):
    """What happened to a job."""

    id: str = Field(description="Identifier of the job.")
    owner: str = Field(description="The user to whom the job belongs; `dataset:` and an id for the run of a dataset.")
    own: bool = Field(description="Whether it belongs to the caller.")
    name: str | None = Field(description="Name of the video. Null for the job of another user.")
    kind: str = Field(description="Kind of analysis.")
    status: JobStatus = Field(description="Status of the job.")
    stage: str | None = Field(description="The stage that runs or ran last.")
    progress: int = Field(description="Progress in percent.")
    attempts: int = Field(description="Number of attempts of this stage so far.")
    error: JobError | None = Field(description="Why the job failed, if it did.")
    cost_usd: float = Field(description="Estimated cost in US dollars.")
    created_at: datetime = Field(description="When the job was created.")
    updated_at: datetime = Field(description="When the job last changed.")
    ended_at: datetime | None = Field(description="When the job ended.")


class OperationsJobPage(Model):
    scope: Scope
    jobs: list[OperationsJob] = Field(description="Jobs, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


class DeadLetterInfo(Model):
    """An event that a function failed to process too often."""

    id: str = Field(description="Identifier of the dead letter.")
    function: str = Field(description="The function that failed to process it.")
    topic: str | None = Field(description="Where it was published. Null if it comes from a bucket.")
    bucket: str | None = Field(description="The bucket that it comes from. Null if it was published.")
    data: dict[str, Any] = Field(description="The message, or the object's resource as Cloud Storage describes it.")
    deliveries: int = Field(description="Number of times it was delivered.")
    published_at: datetime = Field(description="When it was published.")
    died_at: datetime = Field(description="When it was given up.")


class DeadLetterList(Model):
    listed: bool = Field(
        description="Whether this server can list them. In the cloud, they are in the Pub/Sub subscription"
        f" `{wiring().dead_letter_topic}` (see docs/operations.md)."
    )
    dead_letters: list[DeadLetterInfo] = Field(description="Dead letters, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


class OperationsView:
    """Whose jobs the caller sees."""

    def __init__(self, request: Request, user: Caller) -> None:
        self.user: User = user
        self.is_admin = is_admin(request, user)

    @property
    def owner(self) -> str | None:
        """Return the only owner whose jobs are visible; None for all."""
        return None if self.is_admin else self.user.id

    @property
    def scope(self) -> Literal["all", "own"]:
        return "all" if self.is_admin else "own"

    @property
    def filters(self) -> list[Filter]:
        return [] if self.is_admin else [("owner", "==", self.user.id)]


View = Annotated[OperationsView, Depends(OperationsView)]


def visible_job(job_id: Annotated[str, Path(description="The `id` of the job.")], view: View, place: PlaceDep) -> Job:
    """Return the job; raises NotFound if it does not exist or the caller may not see it."""
    job = read_job(place.documents, check_id(job_id))
    if job is None or view.owner not in (None, job.owner):
        raise NotFound(job_id)
    return job


VisibleJob = Annotated[Job, Depends(visible_job)]


@router.get(
    "/operations",
    summary="Get the current load",
    description="Returns how many jobs are queued and running, by stage, and how many events wait for each function.",
)
def get_operations(view: View, place: PlaceDep) -> Operations:
    def count(*filters: Filter) -> int:
        return place.documents.count(JOBS, [*view.filters, *filters], COUNT_LIMIT)

    running: Filter = ("status", "==", JobStatus.RUNNING.value)
    stages = {name: count(running, ("stage", "==", name)) for name in stage_names()}
    return Operations(
        scope=view.scope,
        jobs={"queued": count(("status", "==", JobStatus.QUEUED.value)), "running": count(running)},
        stages={name: number for name, number in stages.items() if number},
        queue=dict(place.queue.depth()) if view.is_admin and place.queue else None,
    )


def stage_names() -> list[str]:
    """Return all stages of jobs, in the order of the pipeline."""
    return [row.name for row in wiring().functions.values() if row.weight]


@router.get(
    "/operations/jobs",
    summary="List jobs by status",
    description=(
        "Returns the jobs with a status, newest first: of all users for administrators, without the names of others' "
        "videos."
    ),
)
def list_jobs_by_status(
    view: View,
    place: PlaceDep,
    status: Annotated[JobStatus, Query(description="Return only jobs with this status.")] = JobStatus.FAILED,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> OperationsJobPage:
    filters: list[Filter] = [*(view.filters or [("shard", "in", ALL_SHARDS)]), ("status", "==", status.value)]
    page = place.documents.query(JOBS, filters, [("createdAt", "desc")], limit, cursor)
    jobs = [operations_job(Job.read(document.data), view.user) for document in page.documents]
    return OperationsJobPage(scope=view.scope, jobs=jobs, cursor=page.cursor)


def operations_job(job: Job, user: User) -> OperationsJob:
    fields = set(OperationsJob.model_fields) - {"own", "name", "attempts", "cost_usd"}
    own = job.owner == user.id
    return OperationsJob(
        **job.model_dump(include=fields),
        own=own,
        name=(video_title(job) or job.filename or job.url) if own else None,
        attempts=job.stages[job.stage].attempts if job.stage in job.stages else 0,
        cost_usd=job.usage.cost_usd,
    )


@router.post(
    "/operations/jobs/{job_id}/retry",
    summary="Retry any user's failed job",
    description=(
        "Runs a failed job again, starting at the stage that failed; administrators, also the job of another user. "
        "For a dataset, its failed chunks run again. Returns 409 if the job has not failed or a retry cannot help."
    ),
    status_code=202,
    responses=problem_responses(404, 409),
)
def retry_visible_job(job: VisibleJob, view: View, place: PlaceDep, quota: RetryQuota) -> OperationsJob:
    quota.consume()
    if job.kind == runs.KIND:
        runs.retry_failed_chunks(place, store.read_dataset(place.documents, store.dataset_id_of(job)))
        return current_operations_job(place, job, view.user)
    return operations_job(lifecycle.retry_job(place, job.id), view.user)


@router.post(
    "/operations/jobs/{job_id}/cancel",
    summary="Cancel any user's job",
    description=(
        "Cancels a job that is queued or running; administrators, also the job of another user. A dataset is stopped. "
        "Returns 409 if the job is done or failed."
    ),
    responses=problem_responses(404, 409),
)
def cancel_visible_job(job: VisibleJob, view: View, place: PlaceDep) -> OperationsJob:
    if job.kind == runs.KIND:
        runs.stop_run(place, store.read_dataset(place.documents, store.dataset_id_of(job)))
        return current_operations_job(place, job, view.user)
    return operations_job(lifecycle.cancel_job(place, job.id), view.user)


def current_operations_job(place: Place, job: Job, user: User) -> OperationsJob:
    return operations_job(read_job(place.documents, job.id) or job, user)


@router.get(
    "/operations/dead-letters",
    summary="List dead letters",
    description=(
        "Returns events that a function failed to process as often as the wiring table allows, newest first. Only for "
        "administrators. Jobs that failed for good are in GET /v1/operations/jobs."
    ),
)
def list_dead_letters(_: Admin, place: PlaceDep, limit: Limit = 20, cursor: Cursor = None) -> DeadLetterList:
    if place.queue is None:
        return DeadLetterList(listed=False, dead_letters=[], cursor=None)
    page = place.queue.dead_letters(limit, cursor)
    letters = [dead_letter_info(letter) for letter in page.letters]
    return DeadLetterList(listed=True, dead_letters=letters, cursor=page.cursor)


def dead_letter_info(letter: DeadLetter) -> DeadLetterInfo:
    return DeadLetterInfo(**{name: getattr(letter, name) for name in DeadLetterInfo.model_fields})


LetterId = Annotated[str, Path(pattern="^[0-9]{1,18}$", description="The `id` of the dead letter.")]


def dead_letter_queue(_: Admin, letter_id: LetterId, place: PlaceDep) -> Queue:
    """Return the queue that holds dead letters; raises NotFound where they cannot be listed."""
    if place.queue is None:
        raise NotFound(letter_id)
    return place.queue


DeadLetterQueue = Annotated[Queue, Depends(dead_letter_queue)]


@router.post(
    "/operations/dead-letters/{letter_id}/replay",
    summary="Replay a dead letter",
    description="Delivers the event again, with all its attempts. Only for administrators.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def replay_dead_letter(letter_id: LetterId, queue: DeadLetterQueue) -> None:
    queue.replay(letter_id)


@router.delete(
    "/operations/dead-letters/{letter_id}",
    summary="Delete a dead letter",
    description="Deletes the event, which is then never processed. Only for administrators.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def discard_dead_letter(letter_id: LetterId, queue: DeadLetterQueue) -> None:
    queue.discard(letter_id)
