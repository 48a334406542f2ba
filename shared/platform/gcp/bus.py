"""Publishes messages to Pub/Sub."""

from __future__ import annotations

import json
from typing import Any

from google.api_core import exceptions, retry
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings

from shared.errors import NotFound, TransientError

TIMEOUT_SEC = 30.0
RETRY = retry.Retry(
    predicate=retry.if_exception_type(exceptions.Aborted, exceptions.ServiceUnavailable),
    initial=0.05,
    maximum=2.0,
    timeout=TIMEOUT_SEC,
)
# Threads that publish at the same time share a request; a single one waits at most 2 ms.
BATCH = BatchSettings(max_messages=100, max_latency=0.002)


class PubsubBus:
    """The port `Bus` over the topics of one project."""

    def __init__(self, client: PublisherClient, project: str) -> None:
        self._client = client
        self._project = project

    def publish(self, topic: str, data: dict[str, Any], attributes: dict[str, str] | None = None) -> str:
        future = self._client.publish(
            self._client.topic_path(self._project, topic),
            json.dumps(data).encode(),
            retry=RETRY,
            timeout=TIMEOUT_SEC,
            **(attributes or {}),
        )
        try:
            # The message is durable once the service has responded.
            return str(future.result(timeout=2 * TIMEOUT_SEC))
        except exceptions.NotFound:
            raise NotFound(f"there is no topic {topic!r}") from None
        except (exceptions.GoogleAPIError, TimeoutError) as error:
            raise TransientError("not_sent", "A message could not be published. Try again later.") from error
