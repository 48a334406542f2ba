"""Delivers events of ended jobs to their owners' webhooks.

Triggered by: topic `job-ended`, when a job ends whose owner has webhooks, and by `sweep` when a delivery is due again.
Reads: the job, its owner's webhooks. Writes: deliveries, webhooks that it pauses. Triggers: itself, for each delivery.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.logs import log_context
from shared.models.events import job_of, message_of
from shared.pipeline.jobs import read_job
from shared.platform.place import current_place
from shared.webhooks.attempts import attempt_delivery
from shared.webhooks.deliveries import create_job_deliveries


@functions_framework.cloud_event
def notify(event: CloudEvent) -> None:
    """Attempt one delivery, or create the deliveries of a job that has ended."""
    delivery = message_of(event).get("delivery")
    if isinstance(delivery, str):
        with log_context(delivery=delivery, event=event["id"]):
            attempt_delivery(current_place(), delivery)
        return
    with log_context(job=job_of(event), event=event["id"]):
        job = read_job(current_place().documents, job_of(event))
        # A deleted job has no events to deliver.
        if job is not None:
            create_job_deliveries(current_place(), job)
