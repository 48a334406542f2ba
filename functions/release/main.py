"""Creates the next jobs of a batch, and counts its jobs by state.

Triggered by: topic `release-requested`: when a batch is created, when one of its lists was read, when one of its jobs
has ended, and by `sweep`. Reads: the batch, its items, its jobs. Writes: new jobs, the batch. Triggers: `download`, for
each new job.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.logs import log_context
from shared.models.events import job_of, message_of
from shared.pipeline.batch_release import release_jobs
from shared.pipeline.jobs import read_job
from shared.platform.place import current_place


@functions_framework.cloud_event
def release(event: CloudEvent) -> None:
    """Release jobs of the batch that the message names, or to which its job belongs."""
    place = current_place()
    batch_id = message_of(event).get("batchId")
    if not isinstance(batch_id, str):
        job = read_job(place.documents, job_of(event))
        # A job that was deleted after it ended: the deletion has sent a message about the batch itself.
        batch_id = job.batch_id if job else None
    if batch_id is None:
        return
    with log_context(batch=batch_id, event=event["id"]):
        release_jobs(place, batch_id)
