"""Events of finalized objects as Eventarc delivers them: Pub/Sub pushes a binary-mode CloudEvent to each function.

The store queues an event in the transaction that makes its object visible, and the relay publishes it. The push
subscription redelivers it and at last sends it to the dead-letter topic.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from urllib.parse import quote

from cloudevents.http import to_binary
from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient

from shared.platform.embedded.bus import EventDelivery, to_cloud_event
from shared.platform.embedded.lease_queue import LeaseQueue
from shared.wiring import wiring

log = logging.getLogger(__name__)

TIMEOUT_SEC = 10.0
PAUSE_SEC = 0.2
UNQUOTED_CHARACTERS = "".join(set(map(chr, range(0x21, 0x7F))) - {'"', "%"})


def event_topic(function: str) -> str:
    """Return the topic of a function's storage events; Eventarc creates one for each trigger too."""
    return f"eventarc-{function}"


class PubsubRelay:
    """Publishes the queue's events to Pub/Sub in order, until the process ends.

    Pub/Sub forgets what is published to a topic before its subscription exists, so a function's events wait for that.
    """

    def __init__(self, queue: LeaseQueue, publisher: PublisherClient, project: str, prefix: str) -> None:
        self._queue = queue
        self._publisher = publisher
        self._project = project
        self._prefix = prefix

    def start(self) -> None:
        threading.Thread(target=self._run, name="storage-events", daemon=True).start()

    def _run(self) -> None:
        functions = {function.name for function in wiring().functions.values() if function.trigger.bucket}
        subscribed: set[str] = set()
        while True:
            if not self._queue.wait_for_delivery(60):
                continue
            subscribed |= {name for name in functions - subscribed if self._has_subscription(name)}
            delivery = self._queue.claim([*subscribed], lease_sec=2 * TIMEOUT_SEC)
            if delivery is None:
                time.sleep(PAUSE_SEC)
            elif not self._publish_event(delivery):
                # Pub/Sub may have started again without any subscription.
                subscribed.clear()

    def _has_subscription(self, function: str) -> bool:
        request = {"topic": self._publisher.topic_path(self._project, event_topic(function))}
        try:
            return any(self._publisher.list_topic_subscriptions(request, retry=None, timeout=TIMEOUT_SEC))
        except exceptions.GoogleAPIError:
            return False

    def _publish_event(self, delivery: EventDelivery) -> bool:
        """Return False if the delivery went back to the queue."""
        assert delivery.bucket is not None  # noqa: S101 (this queue holds storage events only)
        bucket = self._prefix + delivery.bucket
        event = to_cloud_event(replace(delivery, bucket=bucket, data=delivery.data | {"bucket": bucket}))
        headers, body = to_binary(event)
        # Characters outside ASCII are encoded as in the HTTP binding of CloudEvents, 3.1.3.2.
        headers = {key: quote(value, safe=UNQUOTED_CHARACTERS) for key, value in headers.items()}
        topic = self._publisher.topic_path(self._project, event_topic(delivery.function))
        try:
            self._publisher.publish(topic, body, timeout=TIMEOUT_SEC, **headers).result(TIMEOUT_SEC)
        except (exceptions.GoogleAPIError, TimeoutError) as error:
            log.warning("event of %s waits for Pub/Sub: %s", delivery.data["name"], error)
            self._queue.refuse(delivery)
            return False
        self._queue.acknowledge(delivery)
        return True
