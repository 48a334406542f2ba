"""A function that keeps the events it is called with; functions-framework loads it."""

from __future__ import annotations

import queue
from collections import defaultdict

import functions_framework
from cloudevents.http import CloudEvent

from shared.wiring import wiring

received: defaultdict[str, queue.Queue[CloudEvent]] = defaultdict(queue.Queue)
"""By the name of the function that listens."""


@functions_framework.cloud_event
def sink(event: CloudEvent) -> None:
    topic = event["source"].rpartition("/topics/")[2]
    stored = event["type"].startswith("google.cloud.storage.")
    # The framework keeps a message's topic but not its subscription: with two listeners they could not be told apart.
    bucket = event.data["bucket"].rpartition("-")[2] if stored else None
    (function,) = wiring().listeners(bucket=bucket) if stored else wiring().listeners(topic=topic)
    received[function.name].put(event)
