"""Publishing: one queued delivery per function that listens."""

from __future__ import annotations

import json
import uuid
from typing import Any

from shared import clock
from shared.errors import NotFound
from shared.platform.embedded.codec import encode_time
from shared.platform.embedded.database import Database
from shared.platform.embedded.queue.deliveries import object_resource
from shared.platform.ports import ObjectInfo
from shared.wiring import Function, wiring


class SqliteBus:
    """The port `Bus`. Called inside a transaction of the database, publishing is part of it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def publish(self, topic: str, data: dict[str, Any], attributes: dict[str, str] | None = None) -> str:
        """Raises NotFound for a topic that is not in the wiring table, ValueError for data that is not JSON."""
        table = wiring()
        published_topics = {name for function in table.functions.values() for name in function.publishes}
        trigger_topics = {function.trigger.topic for function in table.functions.values()}
        if topic not in (published_topics - table.buckets.keys()) | trigger_topics | {table.dead_letter_topic}:
            raise NotFound(f"there is no topic {topic!r}")
        return self._enqueue(table.listeners(topic=topic), data, attributes or {}, topic=topic)

    def enqueue_object_event(self, info: ObjectInfo) -> str:
        """Tell the functions that listen to the object's bucket of it; return the event's id."""
        return self._enqueue(wiring().listeners(bucket=info.bucket), object_resource(info), {}, bucket=info.bucket)

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
        message = (json.dumps(data, allow_nan=False), json.dumps(attributes))
        with self._db.transaction() as connection:
            connection.executemany(
                "INSERT INTO deliveries (event_id, function, topic, bucket, data, attributes, published_at, visible_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(event_id, function.name, topic, bucket, *message, now, now) for function in functions],
            )
        return event_id
