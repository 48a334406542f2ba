"""The documents of users' webhooks."""

from __future__ import annotations

from collections.abc import Callable

from shared.models.webhook import Webhook
from shared.platform.cas import change_model, with_updated_at
from shared.platform.ports import Documents

WEBHOOKS = "webhooks"
NOTIFY = "notify"
"""The function that delivers."""
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
