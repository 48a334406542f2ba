"""The documents of users' webhooks."""

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
from shared.platform.documents import change_model, iterate_query, with_updated_at
from shared.platform.ports import Documents, Filter, Order, Place
from shared.wiring import NOTIFY, wiring

WEBHOOKS = "webhooks"
MAX_WEBHOOKS = 10
"""Webhooks that one user may have."""
PAUSE_AFTER = 10
"""Deliveries in a row that were given up, until nothing more is sent."""


def read_webhook(documents: Documents, id: str) -> Webhook | None:
    stored = documents.get(WEBHOOKS, id)
    return Webhook.read(stored.data) if stored else None


def webhooks_of(documents: Documents, owner: str) -> list[Webhook]:
    """Oldest first."""
    documents_found = documents.query(WEBHOOKS, [("owner", "==", owner)]).documents
    return sorted((Webhook.read(document.data) for document in documents_found), key=lambda webhook: webhook.created_at)


def has_webhooks(documents: Documents, owner: str) -> bool:
    return bool(documents.query(WEBHOOKS, [("owner", "==", owner)], limit=1).documents)


def change_webhook(documents: Documents, id: str, change: Callable[[Webhook], bool]) -> Webhook:
    """As `change_job`, for a webhook. Raises NotFound, Conflict."""
    return change_model(documents, WEBHOOKS, id, Webhook, with_updated_at(change))


def pause_webhook(webhook: Webhook, reason: str) -> None:
    webhook.paused_reason = reason


def resume_webhook(webhook: Webhook) -> None:
    webhook.paused_reason = None
    webhook.failures = 0


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


def create_job_deliveries(place: Place, job: Job) -> None:
    """Make the deliveries of a job's end and set them off; doing it again makes no others.

    A paused webhook gets its delivery, too, as one that was skipped and can be replayed.
    """
    event = EVENTS.get(job.status)
    if event is None or job.ended_at is None:
        return
    for webhook in webhooks_of(place.documents, job.owner):
        if event in webhook.events:
            # The same end is the same message, however often it is told.
            text = f"{webhook.id} {job.id} {job.ended_at.isoformat()}"
            id = hashlib.sha256(text.encode()).hexdigest()[:32]
            submit_delivery(
                place,
                new_delivery(webhook, event, job.ended_at, job_id=job.id, data=delivery_payload(job), id=id),
                webhook,
            )


def send_test_delivery(place: Place, webhook: Webhook) -> WebhookDelivery:
    """Make a delivery that stands for no event, and set it off. It is tried once, even while the webhook is paused."""
    data = {"webhook": webhook.id, "message": "This is a test."}
    delivery = new_delivery(webhook, TEST, clock.now(), job_id=None, data=data, id=uuid.uuid4().hex)
    submit_delivery(place, delivery, webhook)
    return delivery


def delivery_payload(job: Job) -> dict[str, Any]:
    """What leaves the house: which job it is and how it ended. For the rest the receiver asks, with its own token."""
    error = None
    if job.error:
        error = job.error.to_json() | {"message": job.error.message[:MAX_MESSAGE]}
    return {"id": job.id, "kind": job.kind, "language": job.language, "status": job.status.value, "error": error}


def new_delivery(
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


def submit_delivery(place: Place, delivery: WebhookDelivery, webhook: Webhook) -> None:
    if webhook.paused_reason and delivery.event != TEST:
        skip_delivery(delivery)
    with suppress(AlreadyExists):
        place.documents.create(DELIVERIES, delivery.id, delivery.to_document())
    if not delivery.status.is_final:
        publish_delivery(place, delivery.id)


def publish_delivery(place: Place, delivery_id: str) -> None:
    """Send the message that it is to be tried; `sweep` makes up for one that cannot be sent now."""
    topic = wiring().functions[NOTIFY].trigger.topic
    assert topic is not None, f"{NOTIFY} listens to no topic"  # noqa: S101  # a fault of the table
    try:
        place.bus.publish(topic, {"delivery": delivery_id})
    except TransientError as error:
        log.warning("delivery %s waits for sweep", delivery_id, exc_info=error)


def read_delivery(documents: Documents, id: str) -> WebhookDelivery | None:
    stored = documents.get(DELIVERIES, id)
    return WebhookDelivery.read(stored.data) if stored else None


def change_delivery(documents: Documents, id: str, change: Callable[[WebhookDelivery], bool]) -> WebhookDelivery:
    """As `change_job`, for a delivery. Raises NotFound, Conflict."""
    return change_model(documents, DELIVERIES, id, WebhookDelivery, change)


def claim_delivery(documents: Documents, id: str) -> WebhookDelivery | None:
    """Begin an attempt; None when there is nothing to be done now.

    The attempt stands in the log as broken off until `settle` says otherwise, and is made again if nobody does.
    """
    claimed = False

    def begin_attempt(delivery: WebhookDelivery) -> bool:
        nonlocal claimed
        now = clock.now()
        claimed = not delivery.status.is_final and (delivery.due_at is None or delivery.due_at <= now)
        if claimed:
            delivery.status = DeliveryStatus.SENDING
            delivery.tries += 1
            delivery.due_at = delivery.wake_at = now + CLAIM
            delivery.attempts = [*delivery.attempts, Attempt(at=now, error="The attempt was interrupted.")][
                -MOST_TRIES:
            ]
        return claimed

    with suppress(NotFound):
        delivery = change_delivery(documents, id, begin_attempt)
        return delivery if claimed else None
    return None


def end_delivery(delivery: WebhookDelivery, status: DeliveryStatus) -> None:
    delivery.status = status
    delivery.due_at = delivery.wake_at = None


def skip_delivery(delivery: WebhookDelivery) -> None:
    """Leave it untried, to be replayed if wanted."""
    end_delivery(delivery, DeliveryStatus.SKIPPED)


def reset_delivery(delivery: WebhookDelivery) -> bool:
    """Let it be tried at once, with all its tries; one that is on its way stays there."""
    if delivery.status is DeliveryStatus.SENDING:
        return False
    now = clock.now()
    delivery.status = DeliveryStatus.PENDING
    delivery.tries = 0
    delivery.due_at, delivery.wake_at = now, now + QUIET
    return True


def wake_due_deliveries(place: Place) -> Iterator[str]:
    """Set off each delivery whose time has come, and give its id."""
    for id in _delivery_ids(place.documents, ("wakeAt", "<=", clock.now()), [("wakeAt", "asc")]):
        with suppress(NotFound):
            change_delivery(place.documents, id, _postpone_wake)
            publish_delivery(place, id)
        yield id


def _postpone_wake(delivery: WebhookDelivery) -> bool:
    delivery.wake_at = None if delivery.status.is_final else clock.now() + QUIET
    return True


def clear_job_deliveries(documents: Documents, job_id: str) -> None:
    """Take what was, or was to be, told of a job out of the log, and tell it no more."""
    for id in _delivery_ids(documents, ("jobId", "==", job_id)):
        with suppress(NotFound):
            change_delivery(documents, id, _clear_data)


def _clear_data(delivery: WebhookDelivery) -> bool:
    delivery.data = None
    if not delivery.status.is_final:
        skip_delivery(delivery)
    return True


def delete_webhook_documents(documents: Documents, webhook_id: str) -> None:
    """Remove a webhook and its log."""
    documents.delete(WEBHOOKS, webhook_id)
    for id in _delivery_ids(documents, ("webhookId", "==", webhook_id)):
        documents.delete(DELIVERIES, id)


def _delivery_ids(documents: Documents, condition: Filter, order: Sequence[Order] = ()) -> list[str]:
    return [document.id for document in iterate_query(documents, DELIVERIES, [condition], order)]
