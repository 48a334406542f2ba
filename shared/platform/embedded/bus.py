"""Publishes messages and object events: one queued delivery per function that listens."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared import clock
from shared.errors import NotFound
from shared.platform.embedded.codec import encode_time
from shared.platform.embedded.database import Database
from shared.platform.embedded.turns import assign_turn
from shared.platform.ports import ObjectInfo
from shared.wiring import Function, wiring

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

PROJECT = "clipwise"


@dataclass(frozen=True)
class EventDelivery:
    """One event on its way to one function.

    Attributes:
        id: Of this delivery; the same at each redelivery.
        event_id: Of the event; the same for every function that listens to it.
        topic: Where it was published; None if it comes from a bucket.
        data: The message, or the object's resource as Cloud Storage describes it.
        count: Number of times it was delivered, this time included.
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
    """Return the event that functions-framework builds from the request of Eventarc or Pub/Sub."""
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
    """Return the object's resource in Cloud Storage's JSON API: 64-bit numbers are strings."""
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


@dataclass
class Handover:
    """What a worker reserves for itself of the messages that it is about to publish: at most one.

    Attributes:
        function: The function whose next delivery the worker takes.
        lease_sec: For how long that delivery is leased.
        delivery_id: Of the delivery; None as long as there is none.
    """

    function: str
    lease_sec: float
    delivery_id: int | None = None


class _ThreadState(threading.local):
    handover: Handover | None = None


class SqliteBus:
    """The port `Bus`. Called inside a transaction of the database, publishing is part of it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._local = _ThreadState()

    @contextmanager
    def handing_over(self, handover: Handover) -> Iterator[None]:
        """Lease to this process what this thread publishes to the function, unless others wait for the function."""
        self._local.handover = handover
        try:
            yield
        finally:
            self._local.handover = None

    def publish(self, topic: str, data: dict[str, Any], attributes: dict[str, str] | None = None) -> str:
        """Raises NotFound for a topic that is not in the wiring table, ValueError for data that is not JSON."""
        table = wiring()
        published_topics = {name for function in table.functions.values() for name in function.publishes}
        trigger_topics = {function.trigger.topic for function in table.functions.values()}
        if topic not in (published_topics - table.buckets.keys()) | trigger_topics | {table.dead_letter_topic}:
            raise NotFound(f"there is no topic {topic!r}")
        return self._enqueue(table.listeners(topic=topic), data, attributes or {}, topic=topic)

    def enqueue_object_event(self, info: ObjectInfo) -> None:
        """Queue an object-finalized event for the functions that listen to its bucket."""
        if functions := wiring().listeners(bucket=info.bucket):
            self._enqueue(functions, object_resource(info), {}, bucket=info.bucket)

    def _enqueue(
        self,
        functions: list[Function],
        data: dict[str, Any],
        attributes: dict[str, str],
        *,
        topic: str | None = None,
        bucket: str | None = None,
    ) -> str:
        event_id, now = uuid.uuid4().hex, encode_time(clock.now())
        visible = encode_time(clock.steady_now())
        event = (event_id, topic, bucket, json.dumps(data, allow_nan=False), json.dumps(attributes), now)
        with self._db.transaction() as connection:
            for function in functions:
                turn = assign_turn(connection, function, data, visible)
                lease = self._lease_of_handover(connection, function.name)
                # Nobody else has to wake up for what this worker keeps.
                with self._db.transaction("any" if lease else "deliveries"):
                    id = connection.execute(
                        "INSERT INTO deliveries (event_id, topic, bucket, data, attributes, published_at, function,"
                        " job, owner, long, turn, leased, count, visible_at)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            *event,
                            *(function.name, turn.job, turn.owner, turn.is_long, turn.number),
                            *(lease or (0, 0, visible)),
                        ),
                    ).lastrowid
                if lease and self._local.handover:
                    self._local.handover.delivery_id = id
        return event_id

    def _lease_of_handover(self, connection: sqlite3.Connection, function: str) -> tuple[int, int, str] | None:
        """Return the lease of a delivery that this thread keeps; None if it wants none, or others wait already."""
        handover = self._local.handover
        if handover is None or handover.function != function or handover.delivery_id is not None:
            return None
        now = clock.steady_now()
        others = connection.execute(
            "SELECT 1 FROM deliveries WHERE function = ? AND visible_at <= ? AND NOT leased",
            (function, encode_time(now)),
        )
        if others.fetchone():
            return None
        return os.getpid(), 1, encode_time(now + timedelta(seconds=handover.lease_sec))
