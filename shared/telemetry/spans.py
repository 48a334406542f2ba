"""Spans of traces, as W3C trace contexts that messages and logs carry on.

The current trace is a field of the log context, so that records and spans always agree. Without an OTLP endpoint no
span exists, nothing is imported, and the trace context of the caller is passed on unchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from shared.errors import ClipwiseError
from shared.logs import current_trace, log_context, parse_traceparent
from shared.settings import settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span as RecordedSpan

log = logging.getLogger(__name__)
SpanKind = Literal["server", "client", "producer", "consumer"]
Attribute = str | int | float | bool
_is_nested: ContextVar[bool] = ContextVar("is_nested_span", default=False)


class Span:
    """A span that is recorded, or nothing while telemetry is off.

    Attributes contain ids, names of the wiring and numbers: never secrets, addresses with a query, or words of users.
    """

    def __init__(self, recorded: RecordedSpan | None = None) -> None:
        self._recorded = recorded

    def set(self, attributes: Mapping[str, Attribute]) -> None:
        if self._recorded is not None:
            self._recorded.set_attributes(dict(attributes))

    def rename(self, name: str) -> None:
        if self._recorded is not None:
            self._recorded.update_name(name)

    def mark_failed(self, error_type: str) -> None:
        """Mark the operation as failed, with a code or the name of an exception, never its message."""
        if self._recorded is not None:
            from opentelemetry.trace import StatusCode as SpanStatus

            self._recorded.set_status(SpanStatus.ERROR)
            self._recorded.set_attribute("error.type", error_type)


def is_enabled() -> bool:
    """Return True if an OTLP endpoint is configured."""
    return bool(settings().otel_exporter_otlp_endpoint)


@contextmanager
def span(
    name: str, kind: SpanKind, attributes: Mapping[str, Attribute] | None = None, parent: str | None = None
) -> Iterator[Span]:
    """Record the time of the `with` block as a span, whose context is the current trace inside the block.

    The outermost span of a function in the cloud is sent when it ends, since the processor may be paused afterwards;
    that of a request is sent by its middleware, without blocking others.

    Args:
        parent: The W3C `traceparent` of the parent; by default the current trace, or a new trace without one.
    """
    parent = parent or current_trace()
    if not is_enabled():
        with log_context(trace=parent):
            yield Span()
        return
    from shared.telemetry import otlp

    recorded = otlp.start_span(name, kind, attributes or {}, parent)
    result = Span(recorded)
    outer = _is_nested.set(True)
    try:
        with log_context(trace=otlp.traceparent_of(recorded)):
            yield result
    except BaseException as error:
        result.mark_failed(error.code if isinstance(error, ClipwiseError) else type(error).__name__)
        raise
    finally:
        _is_nested.reset(outer)
        recorded.end()
        if kind != "server" and not _is_nested.get() and settings().clipwise_place == "gcp":
            otlp.flush()


def continued_trace(trace: str | None) -> str | None:
    """Return the current trace if it has the same trace id as `trace`, whose descendant it then is; else `trace`."""
    current, own = parse_traceparent(current_trace() or ""), parse_traceparent(trace or "")
    return current_trace() if current and own and current[0] == own[0] else trace
