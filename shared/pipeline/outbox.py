"""Sending what a job's document says is to be sent."""

from __future__ import annotations

import uuid
from typing import Any

from shared.errors import NotFound
from shared.models.job import Job, OutboxMessage
from shared.pipeline.job_storage import source_name
from shared.pipeline.jobs import change_job
from shared.platform.ports import Place
from shared.wiring import wiring


def outgoing_message(target: str) -> OutboxMessage:
    return OutboxMessage(id=uuid.uuid4().hex, target=target)


def relay_outbox(place: Place, job: Job) -> None:
    """Publish the job's outbox, then mark it sent. A crash between the two sends twice, which the claim bears."""
    if not job.outbox:
        return
    sent = set()
    for message in job.outbox:
        send_message(place, job, message.target, message.id)
        sent.add(message.id)

    def mark(current: Job) -> bool:
        current.outbox = [message for message in current.outbox if message.id not in sent]
        return True

    try:
        job.outbox = change_job(place.documents, job.id, mark).outbox
    except NotFound:
        job.outbox = []


def send_message(place: Place, job: Job, target: str, event_id: str, part: int | None = None) -> None:
    """Set off a stage of the job, or one part of it, or tell the dead-letter topic of the job.

    A stage that listens to a bucket is set off by its object's event: there is no second way into it.
    """
    function = wiring().functions.get(target)
    if function and function.trigger.bucket:
        place.objects.finalize_again(function.trigger.bucket, source_name(job.id))
        return
    topic = function.trigger.topic if function else target
    assert topic is not None, f"{target} listens to nothing"  # noqa: S101  # a fault of the table, not of the input
    data: dict[str, Any] = {"jobId": job.id, "stage": target} | ({} if part is None else {"part": part})
    if function is None and job.error:
        data = {"jobId": job.id, "stage": job.error.stage, "code": job.error.code, "message": job.error.message}
    attributes = {"eventId": event_id} | ({"traceparent": job.trace} if job.trace else {})
    place.bus.publish(topic, data, attributes)
