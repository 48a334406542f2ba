"""The CloudEvents that trigger functions."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from cloudevents.http import CloudEvent

from shared.logs import parse_traceparent


@dataclass(frozen=True)
class StoredObject:
    """An object that was finalized.

    Attributes:
        bucket: Its full name, with the prefix.
        generation: 0 if the event does not say.
    """

    bucket: str
    name: str
    generation: int = 0


def message_of(event: CloudEvent) -> dict[str, Any]:
    """Return the JSON object of a Pub/Sub event; raises ValueError for anything else."""
    try:
        message = json.loads(base64.b64decode(event.data["message"]["data"], validate=True))
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"event {event['id']} carries no JSON message: {error}") from None
    if not isinstance(message, dict):
        raise ValueError(f"event {event['id']} carries no JSON object")
    return message


def job_of(event: CloudEvent) -> str:
    """Return the id of the job in a stage's message; raises ValueError."""
    job_id = message_of(event).get("jobId")
    if not isinstance(job_id, str) or not job_id:
        raise ValueError(f"event {event['id']} names no job")
    return job_id


def part_of(event: CloudEvent) -> int | None:
    """Return the part of a divided stage in a message; None for the stage as a whole. Raises ValueError."""
    number = message_of(event).get("part")
    if number is not None and not isinstance(number, int):
        raise ValueError(f"event {event['id']} names no part")
    return number


def trace_of(event: CloudEvent) -> str | None:
    """Return the W3C `traceparent` of a message; None for an object's event, which carries none."""
    message = event.data.get("message") if isinstance(event.data, dict) else None
    attributes = message.get("attributes") if isinstance(message, dict) else None
    traceparent = attributes.get("traceparent") if isinstance(attributes, dict) else None
    return traceparent if isinstance(traceparent, str) and parse_traceparent(traceparent) else None


def object_of(event: CloudEvent) -> StoredObject:
    """Return the object of a storage event or of a bucket notification pushed by Pub/Sub; raises ValueError."""
    stored = message_of(event) if isinstance(event.data, dict) and "message" in event.data else event.data
    try:
        generation = int(stored.get("generation", 0))
        return StoredObject(bucket=str(stored["bucket"]), name=str(stored["name"]), generation=generation)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"event {event['id']} names no object: {error}") from None
