"""Deliveries in the form in which the cloud hands them to a function."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.platform.ports import ObjectInfo

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

PROJECT = "clipwise"


@dataclass(frozen=True)
class EventDelivery:
    """One event on its way to one function.

    Attributes:
        id: Of this delivery; the same at each redelivery.
        event_id: Of the event; the same for every function that listens to it.
        topic: Where it was published, or None when it comes from a bucket.
        data: The message, or the object's resource as Cloud Storage describes it.
        count: How often it has been delivered, this time included.
    """

    id: int
    event_id: str
    function: str
    topic: str | None
    bucket: str | None
    data: dict[str, Any]
    attributes: dict[str, str]
    published_at: datetime
    count: int


def to_cloud_event(delivery: EventDelivery) -> CloudEvent:
    """The event that functions-framework makes of the request Eventarc or Pub/Sub sends for it."""
    from cloudevents.http import CloudEvent

    time = format_rfc3339(delivery.published_at)
    attributes = {
        "specversion": "1.0",
        "id": delivery.event_id,
        "time": time,
        "datacontenttype": "application/json",
    }
    if delivery.bucket is not None:
        attributes |= {
            "type": "google.cloud.storage.object.v1.finalized",
            "source": f"//storage.googleapis.com/projects/_/buckets/{delivery.bucket}",
            "subject": f"objects/{delivery.data['name']}",
            "bucket": delivery.bucket,
        }
        return CloudEvent(attributes, delivery.data)
    attributes |= {
        "type": "google.cloud.pubsub.topic.v1.messagePublished",
        "source": f"//pubsub.googleapis.com/projects/{PROJECT}/topics/{delivery.topic}",
    }
    message = {
        "data": base64.b64encode(json.dumps(delivery.data).encode()).decode(),
        "messageId": delivery.event_id,
        "publishTime": time,
        "attributes": delivery.attributes,
    }
    subscription = f"projects/{PROJECT}/subscriptions/{delivery.function}"
    return CloudEvent(attributes, {"message": message, "subscription": subscription})


def object_resource(info: ObjectInfo) -> dict[str, Any]:
    """An object as Cloud Storage's JSON API describes it: 64-bit numbers are strings."""
    time = format_rfc3339(info.updated)
    return {
        "kind": "storage#object",
        "id": f"{info.bucket}/{info.name}/{info.generation}",
        "name": info.name,
        "bucket": info.bucket,
        "generation": str(info.generation),
        "metageneration": "1",
        "contentType": info.content_type,
        "size": str(info.size),
        "timeCreated": time,
        "updated": time,
        "metadata": info.metadata,
    }


def format_rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
