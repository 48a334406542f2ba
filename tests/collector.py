"""An OTLP/HTTP collector that parses what it gets with OpenTelemetry's own protocol definitions."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from infra.stand_ins.server import QuietHTTPServer


@dataclass(frozen=True)
class CollectedSpan:
    trace: str
    id: str
    parent: str
    name: str
    kind: str
    failed: bool
    attributes: dict[str, Any]
    service: str


class Collector:
    """Keeps the spans and metrics that it receives, and their bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[CollectedSpan] = []
        self._metrics: list[Any] = []
        self.bodies: list[bytes] = []
        self.url = ""

    def environ(self) -> dict[str, str]:
        """The settings of a server that sends to this collector, soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
        }

    def spans(self) -> list[CollectedSpan]:
        with self._lock:
            return list(self._spans)

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """The attributes and values of all points of a metric; of a histogram, its counts."""
        with self._lock:
            found = [metric for metric in self._metrics if metric.name == name]
        points = []
        for metric in found:
            data = getattr(metric, metric.WhichOneof("data"))
            for point in data.data_points:
                labels = {pair.key: pair.value.string_value for pair in point.attributes}
                value = point.count if metric.HasField("histogram") else point.as_double or point.as_int
                points.append((labels, float(value)))
        return points

    def receive(self, path: str, body: bytes) -> bool:
        if path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            spans = [
                _collected(span, {pair.key: pair.value.string_value for pair in resource.resource.attributes})
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            with self._lock:
                self._spans += spans
        elif path == "/v1/metrics":
            metrics = ExportMetricsServiceRequest.FromString(body)
            with self._lock:
                self._metrics += [
                    metric
                    for resource in metrics.resource_metrics
                    for scope in resource.scope_metrics
                    for metric in scope.metrics
                ]
        else:
            return False
        with self._lock:
            self.bodies.append(body)
        return True


def _collected(span: Span, resource: dict[str, Any]) -> CollectedSpan:
    values = {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}
    kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
    parts = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, kind)
    return CollectedSpan(*parts, span.status.code == 2, values, resource["service.name"])


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            self.send_response(200 if collector.receive(self.path, body) else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = QuietHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
