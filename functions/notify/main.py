"""Delivers events of ended jobs to their owners' webhooks.

Triggered by: topic `job-ended`, when a job ends whose owner has webhooks, and by `sweep` when a delivery is due again.
Reads: the job, its owner's webhooks. Writes: deliveries, webhooks that it pauses. Triggers: itself, for each delivery.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.logs import bound
from shared.models.events import job_of, message_of
from shared.pipeline.jobs import read_job
from shared.platform.connect import platform
from shared.webhooks.deliveries import tell_of
from shared.webhooks.sending import attempt


@functions_framework.cloud_event
def notify(event: CloudEvent) -> None:
    delivery = message_of(event).get("delivery")
    if isinstance(delivery, str):
        with bound(delivery=delivery, event=event["id"]):
            attempt(platform(), delivery)
        return
    with bound(job=job_of(event), event=event["id"]):
        job = read_job(platform().documents, job_of(event))
        # One that was deleted, or runs again, has nothing to be told of.
        if job is not None:
            tell_of(platform(), job)
