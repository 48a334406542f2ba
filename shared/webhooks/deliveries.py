"""The documents of deliveries: made once for each event and webhook, claimed, settled, kept as a log for a while."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.errors import AlreadyExists, NotFound, TransientError
from shared.models.job import Job, JobStatus
from shared.models.webhook import TEST, Attempt, DeliveryStatus, Webhook, WebhookDelivery, WebhookEvent
from shared.platform.cas import change_model
from shared.platform.ports import Documents, Filter, Order, Platform
from shared.platform.queries import iterate_query
from shared.webhooks.endpoints import NOTIFY, WEBHOOKS, webhooks_of
from shared.wiring import wiring

log = logging.getLogger(__name__)

DELIVERIES = "deliveries"
KEEP = timedelta(days=30)
# Longer than an attempt may take: after this, whoever made it has died.
CLAIM = timedelta(minutes=1)
# Until a message that was sent is taken for lost.
QUIET = timedelta(minutes=5)
MOST_TRIES = 10
MAX_MESSAGE = 500
EVENTS = {
    JobStatus.DONE: WebhookEvent.DONE,
    JobStatus.FAILED: WebhookEvent.FAILED,
    JobStatus.CANCELLED: WebhookEvent.CANCELLED,
}


def tell_of(platform: Platform, job: Job) -> None:
    """Make the deliveries of a job's end and set them off; doing it again makes no others.

    A paused webhook gets its delivery, too, as one that was skipped and can be replayed.
    """
    event = EVENTS.get(job.status)
    if event is None or job.ended_at is None:
        return
    for webhook in webhooks_of(platform.documents, job.owner):
        if event in webhook.events:
            # The same end is the same message, however often it is told.
            text = f"{webhook.id} {job.id} {job.ended_at.isoformat()}"
            id = hashlib.sha256(text.encode()).hexdigest()[:32]
            offer(platform, planned(webhook, event, job.ended_at, job_id=job.id, data=told(job), id=id), webhook)


def try_out(platform: Platform, webhook: Webhook) -> WebhookDelivery:
    """Make a delivery that stands for no event, and set it off. It is tried once, even while the webhook is paused."""
    data = {"webhook": webhook.id, "message": "This is a test."}
    delivery = planned(webhook, TEST, clock.now(), job_id=None, data=data, id=uuid.uuid4().hex)
    offer(platform, delivery, webhook)
    return delivery


def told(job: Job) -> dict[str, Any]:
    """What leaves the house: which job it is and how it ended. For the rest the receiver asks, with its own token."""
    error = None
    if job.error:
        error = job.error.to_json() | {"message": job.error.message[:MAX_MESSAGE]}
    return {"id": job.id, "kind": job.kind, "language": job.language, "status": job.status.value, "error": error}


def planned(
    webhook: Webhook, event: str, at: datetime, *, job_id: str | None, data: dict[str, Any], id: str
) -> WebhookDelivery:
    now = clock.now()
    return WebhookDelivery(
        id=f"msg_{id}",
        webhook_id=webhook.id,
        owner=webhook.owner,
        job_id=job_id,
        event=event,
        occurred_at=at,
        data=data,
        due_at=now,
        wake_at=now + QUIET,
        created_at=now,
        expires_at=now + KEEP,
    )


def offer(platform: Platform, delivery: WebhookDelivery, webhook: Webhook) -> None:
    if webhook.paused_reason and delivery.event != TEST:
        skip(delivery)
    with suppress(AlreadyExists):
        platform.documents.create(DELIVERIES, delivery.id, delivery.to_document())
    if not delivery.status.is_final:
        set_off(platform, delivery.id)


def set_off(platform: Platform, delivery_id: str) -> None:
    """Send the message that it is to be tried; `sweep` makes up for one that cannot be sent now."""
    topic = wiring().functions[NOTIFY].trigger.topic
    assert topic is not None, f"{NOTIFY} listens to no topic"  # noqa: S101  # a fault of the table
    try:
        platform.bus.publish(topic, {"delivery": delivery_id})
    except TransientError as error:
        log.warning("delivery %s waits for sweep", delivery_id, exc_info=error)


def read_delivery(documents: Documents, id: str) -> WebhookDelivery | None:
    stored = documents.get(DELIVERIES, id)
    return WebhookDelivery.read(stored.data) if stored else None


def change_delivery(documents: Documents, id: str, change: Callable[[WebhookDelivery], bool]) -> WebhookDelivery:
    """As `change_job`, for a delivery. Raises NotFound, Conflict."""
    return change_model(documents, DELIVERIES, id, WebhookDelivery, change)


def claim(documents: Documents, id: str) -> WebhookDelivery | None:
    """Begin an attempt; None when there is nothing to be done now.

    The attempt stands in the log as broken off until `settle` says otherwise, and is made again if nobody does.
    """
    taken = False

    def take(delivery: WebhookDelivery) -> bool:
        nonlocal taken
        now = clock.now()
        taken = not delivery.status.is_final and (delivery.due_at is None or delivery.due_at <= now)
        if taken:
            delivery.status = DeliveryStatus.SENDING
            delivery.tries += 1
            delivery.due_at = delivery.wake_at = now + CLAIM
            delivery.attempts = [*delivery.attempts, Attempt(at=now, error="The attempt was interrupted.")][
                -MOST_TRIES:
            ]
        return taken

    with suppress(NotFound):
        delivery = change_delivery(documents, id, take)
        return delivery if taken else None
    return None


def end(delivery: WebhookDelivery, status: DeliveryStatus) -> None:
    delivery.status = status
    delivery.due_at = delivery.wake_at = None


def skip(delivery: WebhookDelivery) -> None:
    """Leave it untried, to be replayed if wanted."""
    end(delivery, DeliveryStatus.SKIPPED)


def begin_again(delivery: WebhookDelivery) -> bool:
    """Let it be tried at once, with all its tries; one that is on its way stays there."""
    if delivery.status is DeliveryStatus.SENDING:
        return False
    now = clock.now()
    delivery.status = DeliveryStatus.PENDING
    delivery.tries = 0
    delivery.due_at, delivery.wake_at = now, now + QUIET
    return True


def wake_due(platform: Platform) -> Iterator[str]:
    """Set off each delivery whose time has come, and give its id."""
    for id in _all(platform.documents, ("wakeAt", "<=", clock.now()), [("wakeAt", "asc")]):
        with suppress(NotFound):
            change_delivery(platform.documents, id, _look_later)
            set_off(platform, id)
        yield id


def _look_later(delivery: WebhookDelivery) -> bool:
    delivery.wake_at = None if delivery.status.is_final else clock.now() + QUIET
    return True


def forget_job(documents: Documents, job_id: str) -> None:
    """Take what was, or was to be, told of a job out of the log, and tell it no more."""
    for id in _all(documents, ("jobId", "==", job_id)):
        with suppress(NotFound):
            change_delivery(documents, id, _empty)


def _empty(delivery: WebhookDelivery) -> bool:
    delivery.data = None
    if not delivery.status.is_final:
        skip(delivery)
    return True


def forget_webhook(documents: Documents, webhook_id: str) -> None:
    """Remove a webhook and its log."""
    documents.delete(WEBHOOKS, webhook_id)
    for id in _all(documents, ("webhookId", "==", webhook_id)):
        documents.delete(DELIVERIES, id)


def _all(documents: Documents, which: Filter, order: Sequence[Order] = ()) -> list[str]:
    return [document.id for document in iterate_query(documents, DELIVERIES, [which], order)]
