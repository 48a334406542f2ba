"""Records spans and metrics with OpenTelemetry's SDK and sends them by OTLP over HTTP.

The SDK reads the variables OTEL_* itself, such as samplers, headers and the sizes of batches. Google's endpoint,
https://telemetry.googleapis.com, gets the identity of the process; Google recommends it over the Cloud Trace exporter.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from shared.logs import parse_traceparent
from shared.once import once
from shared.settings import settings

if TYPE_CHECKING:
    import requests
    from opentelemetry.sdk.metrics import MeterProvider

SCOPE = "clipwise"
GOOGLE_ENDPOINT = "telemetry.googleapis.com"
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EXPORT_TIMEOUT_SEC = 3
"""How long a collector that does not answer can delay the end of a function."""
QUEUED_SPANS = 2048
METRICS_EVERY_SEC = 10.0
"""Cloud Monitoring refuses points of one series that follow each other within 5 s."""
_flush_lock = threading.Lock()
_metrics_sent_at = 0.0


def start_span(name: str, kind: str, attributes: Mapping[str, Any], parent: str | None) -> Span:
    """Start a span below a W3C `traceparent`; without one it begins a new trace."""
    context = None
    ids = parse_traceparent(parent or "")
    if ids and parent:
        flags = TraceFlags(int(parent[-2:], 16))
        remote = SpanContext(int(ids[0], 16), int(ids[1], 16), is_remote=True, trace_flags=flags)
        context = trace.set_span_in_context(NonRecordingSpan(remote))
    tracer = _tracer_provider().get_tracer(SCOPE)
    return tracer.start_span(name, context, SpanKind[kind.upper()], dict(attributes))


def traceparent_of(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & TraceFlags.SAMPLED:02x}"


def flush() -> None:
    """Send what is recorded now; a failure is logged by the exporter and delays by EXPORT_TIMEOUT_SEC at most."""
    global _metrics_sent_at
    _tracer_provider().force_flush()
    with _flush_lock:
        is_due = meter_provider.is_made and time.monotonic() - _metrics_sent_at >= METRICS_EVERY_SEC
        if is_due:
            _metrics_sent_at = time.monotonic()
    if is_due:
        meter_provider().force_flush(EXPORT_TIMEOUT_SEC * 1000)


@once
def _tracer_provider() -> TracerProvider:
    exporter = OTLPSpanExporter(session=_google_session(), timeout=_timeout())
    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUED_SPANS))
    return provider


@once
def meter_provider() -> MeterProvider:
    """Return the provider of the instruments, which are sent every minute."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(session=_google_session(), timeout=_timeout())
    return MeterProvider([PeriodicExportingMetricReader(exporter)], resource=_resource())


def _timeout() -> float | None:
    return None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else EXPORT_TIMEOUT_SEC


@once
def _resource() -> Resource:
    """Describe this process; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come first."""
    function = os.environ.get("FUNCTION_TARGET")
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    own = {
        "service.name": f"clipwise-{function}" if function else "clipwise",
        "service.namespace": "clipwise",
        "service.instance.id": uuid.uuid4().hex,
    }
    if version := _version():
        own["service.version"] = version
    if project:
        own["gcp.project_id"] = project
    return Resource(own).merge(Resource.create()) if _names_service() else Resource.create(own)


def _names_service() -> bool:
    return "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")


def _version() -> str | None:
    try:
        return metadata.version("clipwise")
    except metadata.PackageNotFoundError:
        # A function's package has no metadata.
        return None


@once
def _google_session() -> requests.Session | None:
    """Return a session with the identity of the process for Google's endpoint, and none for any other."""
    if urlsplit(settings().otel_exporter_otlp_endpoint).hostname != GOOGLE_ENDPOINT:
        return None
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[GOOGLE_SCOPE])
    return AuthorizedSession(credentials)
