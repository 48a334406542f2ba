"""`/metrics` of the embedded place: what its processes count together, in Prometheus' text format."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING

from functions.api.identity import is_local_connection, refuse_foreign_pages
from functions.api.problems import problem
from shared.platform.ports import Queue
from shared.settings import settings
from shared.telemetry.metrics import QUEUE_DEPTH

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from starlette.requests import Request
    from starlette.responses import Response

PATH = "/metrics"


class QueueDepth:
    """The depth of the queue, read when the metrics are."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def collect(self) -> Iterable[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        family = GaugeMetricFamily(QUEUE_DEPTH.prometheus_name, QUEUE_DEPTH.description, labels=QUEUE_DEPTH.labels)
        for function, count in self._queue.depth().items():
            family.add_metric([function], count)
        yield family


def render_metrics(queue: Queue) -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    registry.register(QueueDepth(queue))
    return generate_latest(registry)


def metrics_response(queue: Queue, request: Request) -> Response:
    """Answer a program on this machine, or one that sends METRICS_TOKEN."""
    from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
    from starlette.responses import Response

    if not is_permitted(request):
        return problem(
            "unauthenticated",
            "Only this machine may read the metrics. Set METRICS_TOKEN and send it as “Authorization: Bearer …”.",
        )
    return Response(render_metrics(queue), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def is_permitted(request: Request) -> bool:
    """Return True for the token, where there is one, and else for this machine, but not through a proxy.

    Raises PermanentError `foreign_page` for web pages.
    """
    if token := settings().metrics_token:
        sent = request.headers.get("authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
    refuse_foreign_pages(request)
    return is_local_connection(request.scope)
