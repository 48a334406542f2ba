"""Webhooks and their deliveries."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.models import Model
from shared.models.shard import default_shard


class WebhookEvent(StrEnum):
    """An event, named according to the Standard Webhooks specification."""

    DONE = "job.done"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"


TEST = "webhook.test"
"""The event of a test delivery; webhooks cannot subscribe to it."""


class Webhook(Model):
    """A user's webhook. Its secrets are not stored: they are derived from the salts and the server's key."""

    id: str
    owner: str
    url: str
    events: list[WebhookEvent]
    description: str | None = None
    salt: str
    previous_salts: dict[str, datetime] = Field({}, description="Replaced salts, and until when they sign as well.")
    paused_reason: str | None = Field(None, description="Why deliveries are paused; None if they are not.")
    failures: int = Field(0, description="Number of consecutive deliveries that failed in all attempts.")
    created_at: datetime
    updated_at: datetime


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        return self not in (DeliveryStatus.PENDING, DeliveryStatus.SENDING)


class Attempt(Model):
    """An attempt to deliver an event."""

    at: datetime = Field(description="When the attempt started.")
    response_code: int | None = Field(None, description="HTTP status of the response. Null if there was none.")
    duration_ms: int = Field(0, description="Duration of the attempt in milliseconds.")
    error: str | None = Field(None, description="Why the attempt failed. Null if it succeeded.")


class WebhookDelivery(Model):
    """The delivery of one event to one webhook. All attempts have the same `id`, so receivers can detect repeats."""

    id: str
    shard: int = Field(default_factory=default_shard, description="Range of the indexes by time.")
    webhook_id: str
    owner: str
    job_id: str | None
    event: str
    occurred_at: datetime
    data: dict[str, Any] | None = Field(description="Payload of the event; None once the job was deleted.")
    status: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = Field(0, description="Number of attempts since it was created or last replayed.")
    attempts: list[Attempt] = Field([], description="The last attempts, oldest first.")
    due_at: datetime | None = Field(None, description="When the next attempt is due; None: there is none.")
    wake_at: datetime | None = Field(None, description="When `sweep` checks the delivery next; None: never.")
    created_at: datetime
    expires_at: datetime
