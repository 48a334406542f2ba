"""Live progress without Firestore."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Response

from functions.api.access import OwnJob, Place
from functions.api.events import EventStream, follow
from functions.api.openapi import problems
from shared.pipeline.paths import JOBS

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], responses=problems(401, 403, 422))


@router.get(
    "/events",
    summary="Follow a job as server-sent events",
    description=(
        "Each event's data is the job as GET /v1/jobs/{job_id} shows it; its id is the document's version. "
        "The stream ends when the job has ended. With `Last-Event-ID` only what is newer is sent; "
        "204 says that nothing will be."
    ),
    response_class=EventStream,
    responses=problems(404) | {204: {"description": "The job has ended and you have seen its last state."}},
)
async def stream(
    job: OwnJob, place: Place, last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None
) -> Response:
    if job.status.final and last_event_id:
        document = await to_thread.run_sync(place.documents.get, JOBS, job.id)
        if document and document.version == last_event_id:
            # What tells an EventSource to stop connecting again.
            return Response(status_code=204)
    # Proxies are not to hold events back.
    headers = {"X-Accel-Buffering": "no"}
    return EventStream(follow(place.documents, job.id, last_event_id), headers=headers)
