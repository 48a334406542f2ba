"""The documents of webhooks and their deliveries.

A delivery is created once for each event and webhook, claimed, completed, and kept for 30 days as a log.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.errors import AlreadyExists, NotFound, TransientError
from shared.models.job import Job, JobStatus
from shared.models.webhook import TEST, Attempt, DeliveryStatus, Webhook, WebhookDelivery, WebhookEvent
from shared.platform.documents import change_model, iterate_query, with_updated_at
from shared.platform.ports import Documents, Filter, Place
from shared.wiring import NOTIFY, wiring

log = logging.getLogger(__name__)
WEBHOOKS = "webhooks"
MAX_WEBHOOKS = 10
"""Most webhooks of one user."""
PAUSE_AFTER = 10
"""Consecutive failed deliveries after which a webhook is paused."""
DELIVERIES = "deliveries"
KEEP = timedelta(days=30)
# Longer than an attempt may take: after this, its process has died.
CLAIM = timedelta(minutes=1)
# After this, a message counts as lost.
QUIET = timedelta(minutes=5)
MOST_TRIES = 10
MAX_MESSAGE = 500
EVENTS = {
    JobStatus.DONE: WebhookEvent.DONE,
    JobStatus.FAILED: WebhookEvent.FAILED,
    JobStatus.CANCELLED: WebhookEvent.CANCELLED,
}


def read_webhook(documents: Documents, id: str) -> Webhook | None:
    stored = documents.get(WEBHOOKS, id)
    return Webhook.read(stored.data) if stored else None


def webhooks_of(documents: Documents, owner: str) -> list[Webhook]:
    """Return the owner's webhooks, oldest first."""
    stored = documents.query(WEBHOOKS, [("owner", "==", owner)]).documents
    return sorted((Webhook.read(document.data) for document in stored), key=lambda webhook: webhook.created_at)


def has_webhooks(documents: Documents, owner: str) -> bool:
    return bool(documents.query(WEBHOOKS, [("owner", "==", owner)], limit=1).documents)


def change_webhook(documents: Documents, id: str, change: Callable[[Webhook], bool]) -> Webhook:
    """Change a webhook as `change_job` does; raises NotFound, Conflict."""
    return change_model(documents, WEBHOOKS, id, Webhook, with_updated_at(change))


def pause_webhook(webhook: Webhook, reason: str) -> None:
    webhook.paused_reason = reason


def resume_webhook(webhook: Webhook) -> None:
    webhook.paused_reason = None
    webhook.failures = 0


def create_job_deliveries(place: Place, job: Job) -> None:
    """Create and send the deliveries of a job's end; a repeated call creates no others.

    For a paused webhook the delivery is created as skipped, so that it can be replayed.
    """
    event = EVENTS.get(job.status)
    if event is None or job.ended_at is None:
        return
    for webhook in webhooks_of(place.documents, job.owner):
        if event in webhook.events:
            # The same end is the same message, however often this is called.
            text = f"{webhook.id} {job.id} {job.ended_at.isoformat()}"
            id = hashlib.sha256(text.encode()).hexdigest()[:32]
            submit_delivery(
                place,
                new_delivery(webhook, event, job.ended_at, job_id=job.id, data=delivery_payload(job), id=id),
                webhook,
            )


def send_test_delivery(place: Place, webhook: Webhook) -> WebhookDelivery:
    """Create and send a delivery without an event. It is tried once, even while the webhook is paused."""
    data = {"webhook": webhook.id, "message": "This is a test."}
    delivery = new_delivery(webhook, TEST, clock.now(), job_id=None, data=data, id=uuid.uuid4().hex)
    submit_delivery(place, delivery, webhook)
    return delivery


def delivery_payload(job: Job) -> dict[str, Any]:
    """Return the body's `data`: the job and how it ended. Receivers read results from the API with their own token."""
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
    """Send the message that triggers an attempt; `sweep` sends one that cannot be sent now."""
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
    """Change a delivery as `change_job` does; raises NotFound, Conflict."""
    return change_model(documents, DELIVERIES, id, WebhookDelivery, change)


def claim_delivery(documents: Documents, id: str) -> WebhookDelivery | None:
    """Start an attempt; return None if the delivery is not due.

    The log shows the attempt as interrupted until its outcome is recorded; without one it is repeated after CLAIM.
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
    """End a delivery without an attempt; it can be replayed."""
    end_delivery(delivery, DeliveryStatus.SKIPPED)


def reset_delivery(delivery: WebhookDelivery) -> bool:
    """Make the delivery due now, with all its tries; one that is being sent stays as it is."""
    if delivery.status is DeliveryStatus.SENDING:
        return False
    now = clock.now()
    delivery.status = DeliveryStatus.PENDING
    delivery.tries = 0
    delivery.due_at, delivery.wake_at = now, now + QUIET
    return True


def wake_delivery(place: Place, id: str) -> None:
    """Trigger a delivery that is due."""
    with suppress(NotFound):
        change_delivery(place.documents, id, _postpone_wake)
        publish_delivery(place, id)


def _postpone_wake(delivery: WebhookDelivery) -> bool:
    delivery.wake_at = None if delivery.status.is_final else clock.now() + QUIET
    return True


def clear_job_deliveries(documents: Documents, job_id: str) -> None:
    """Delete the job's data from its deliveries, and send no more of them."""
    for id in _delivery_ids(documents, ("jobId", "==", job_id)):
        with suppress(NotFound):
            change_delivery(documents, id, _clear_data)


def _clear_data(delivery: WebhookDelivery) -> bool:
    delivery.data = None
    if not delivery.status.is_final:
        skip_delivery(delivery)
    return True


def delete_webhook_documents(documents: Documents, webhook_id: str) -> None:
    """Delete a webhook and its deliveries."""
    documents.delete(WEBHOOKS, webhook_id)
    for id in _delivery_ids(documents, ("webhookId", "==", webhook_id)):
        documents.delete(DELIVERIES, id)


def _delivery_ids(documents: Documents, condition: Filter) -> list[str]:
    return [document.id for document in iterate_query(documents, DELIVERIES, [condition])]
