"""The expected contents of a project, from the same tables that Terraform and the emulators use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from infra.runtimes.emulated.provision import ACK_SEC, DELIVERY_ATTEMPTS, push_topic
from shared.wiring import Backoff, Function, wiring

INDEXES = Path(__file__).parents[1] / "firestore" / "firestore.indexes.json"
# The APIs of terraform/services.tf that every project needs; a test compares them.
APIS = (
    "apikeys", "artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler",
    "firebaserules", "firestore", "iam", "iamcredentials", "identitytoolkit", "logging", "monitoring", "pubsub", "run",
    "secretmanager", "securetoken", "storage",
)  # fmt: skip
DOCUMENT_PERMISSIONS = tuple(f"datastore.entities.{verb}" for verb in ("create", "delete", "get", "list", "update"))
OBJECT_PERMISSIONS = {
    "read": ("storage.objects.get", "storage.objects.list"),
    "create": ("storage.objects.create",),
    "delete": ("storage.objects.delete",),
}


@dataclass(frozen=True)
class PushSubscription:
    """The expected properties of a push subscription."""

    name: str
    topic: str
    ack_sec: int
    deliveries: int
    backoff: Backoff | None


def trigger_topic(function: Function, emulated: bool) -> str | None:
    """Return the topic whose messages are pushed to the function; None for one that is called over HTTP."""
    if function.trigger.bucket and not emulated:
        return f"{function.trigger.bucket}-finalized"
    return push_topic(function)


def subscriptions(emulated: bool) -> list[PushSubscription]:
    """Return the expected subscriptions, with values in the ranges that Pub/Sub permits."""
    rows = []
    for row in wiring().functions.values():
        if topic := trigger_topic(row, emulated):
            ack = max(ACK_SEC[0], min(ACK_SEC[1], row.timeout_sec))
            deliveries = max(DELIVERY_ATTEMPTS[0], min(DELIVERY_ATTEMPTS[1], row.deliveries))
            # Pub/Sub's emulator loses messages of subscriptions with a backoff (docs/decisions/no-backoff.md).
            rows.append(PushSubscription(row.name, topic, ack, deliveries, None if emulated else row.backoff_sec))
    return rows


def topics(emulated: bool) -> set[str]:
    table = wiring()
    pushed = {subscription.topic for subscription in subscriptions(emulated)}
    published = {target for row in table.functions.values() for target in row.publishes} - set(table.buckets)
    # On the emulators, only topics with a subscription are created.
    return pushed | (set() if emulated else published) | {table.dead_letter_topic}


@lru_cache(maxsize=1)
def firestore_config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(INDEXES.read_text(encoding="utf-8"))
    return config


def index_key(collection: str, fields: list[dict[str, Any]]) -> str:
    """Describe an index in one line that is equal for an expected and an existing index."""
    columns = [
        f"{field['fieldPath']} {field.get('order') or field.get('arrayConfig') or 'VECTOR'}"
        for field in fields
        if field["fieldPath"] != "__name__"
    ]
    return f"{collection}: {', '.join(columns)}"


def indexes() -> set[str]:
    return {index_key(index["collectionGroup"], index["fields"]) for index in firestore_config()["indexes"]}


def ttl_collections() -> set[str]:
    """Return the collections with a TTL policy."""
    return {field["collectionGroup"] for field in firestore_config()["fieldOverrides"] if field.get("ttl")}
