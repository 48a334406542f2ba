"""Webhooks: where a user's programs are told of what happened, and what became of each telling."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.models.base import Model


class Event(StrEnum):
    """What can happen; named as the specification of Standard Webhooks has it."""

    DONE = "job.done"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"


TEST = "webhook.test"
"""The type of what is sent to try an endpoint out; nobody asks for it by name."""


class Webhook(Model):
    """An endpoint of a user's. Its secret is not stored: it follows from `salt` and the server's key."""

    id: str
    owner: str
    url: str
    events: list[Event]
    description: str | None = None
    salt: str
    paused_reason: str | None = Field(None, description="Why nothing is sent; null while it is.")
    failures: int = Field(0, description="Deliveries in a row that were given up.")
    created_at: datetime
    updated_at: datetime


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def final(self) -> bool:
        return self not in (DeliveryStatus.PENDING, DeliveryStatus.SENDING)


class Attempt(Model):
    at: datetime
    response_code: int | None = Field(None, description="Null when no answer came.")
    duration_ms: int = 0
    error: str | None = Field(None, description="What was wrong; null when it was taken.")


class Delivery(Model):
    """One telling of one event to one webhook. `id` is the same in all attempts: receivers know repeats by it."""

    id: str
    webhook_id: str
    owner: str
    job_id: str | None
    event: str
    occurred_at: datetime
    data: dict[str, Any] | None = Field(description="What is told; null once the job was deleted.")
    status: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = Field(0, description="Attempts since it was made or last asked for again.")
    attempts: list[Attempt] = Field([], description="The last ones, oldest first.")
    due_at: datetime | None = Field(None, description="When it is to be tried next; null = not any more.")
    wake_at: datetime | None = Field(None, description="When sweep is to look at it; null = never.")
    created_at: datetime
    expires_at: datetime
