"""Live progress of a job without Firestore."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Response

from functions.api.access import OwnJob, PlaceDep
from functions.api.events import EventStream, LastEventId, document_events
from functions.api.openapi import problem_responses
from shared.pipeline.paths import JOBS

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], responses=problem_responses(401, 403, 422))


@router.get(
    "/events",
    summary="Stream a job's events",
    description=(
        "Streams server-sent events. The data of each event is the job as GET /v1/jobs/{job_id} returns it; its id is "
        "the version of the job. The stream ends when the job has ended. With `Last-Event-ID`, only newer states are "
        "sent; 204 means that there will be none."
    ),
    response_class=EventStream,
    responses=problem_responses(404) | {204: {"description": "The job has ended and you have received its last state"}},
)
async def stream_job_events(job: OwnJob, place: PlaceDep, last_event_id: LastEventId = None) -> Response:
    if job.status.is_final and last_event_id:
        document = await to_thread.run_sync(place.documents.get, JOBS, job.id)
        if document and document.version == last_event_id:
            # This status stops an EventSource from reconnecting.
            return Response(status_code=204)
    # Keep proxies from buffering events.
    headers = {"X-Accel-Buffering": "no"}
    return EventStream(document_events(place.documents, job.id, last_event_id), headers=headers)
