"""Structured logs: one JSON object a line in Cloud Logging's format, or plain lines on one machine.

Fields set with `log_context` (job, stage, event, trace) are on every record written inside the `with` block.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

from shared.errors import RetryLater

_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default=MappingProxyType({}))

HEX = "[0-9a-f]"
TRACEPARENT = re.compile(
    f"(?!ff){HEX}{{2}}-(?P<trace>(?!0{{32}}){HEX}{{32}})-(?P<span>(?!0{{16}}){HEX}{{16}})-{HEX}{{2}}"
)


@contextmanager
def log_context(**fields: str | None) -> Iterator[None]:
    """Add these fields to all records of this thread or task inside the `with` block; None is omitted."""
    token = _fields.set({**_fields.get()} | {name: value for name, value in fields.items() if value})
    try:
        yield
    finally:
        _fields.reset(token)


def new_traceparent() -> str:
    """Return a new W3C trace context, for requests without one."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def parse_traceparent(traceparent: str) -> tuple[str, str] | None:
    """Return trace id and span id of a W3C `traceparent`; None if it is invalid.

    https://www.w3.org/TR/trace-context/#traceparent-header; accepts later versions of the same form.
    """
    match = TRACEPARENT.fullmatch(traceparent)
    return (match["trace"], match["span"]) if match else None


class CloudFormatter(logging.Formatter):
    """https://cloud.google.com/logging/docs/structured-logging"""

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(_fields.get())
        entry: dict[str, object] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        trace = parse_traceparent(fields.pop("trace", ""))
        if trace:
            project = os.environ.get("GOOGLE_CLOUD_PROJECT", "local")
            entry["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace[0]}"
            entry["logging.googleapis.com/spanId"] = trace[1]
        if fields:
            entry["logging.googleapis.com/labels"] = fields
        if record.exc_info:
            entry["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """Lines such as `2026-02-03T04:05:06.789Z INFO shared.pipeline: text [job=…]`; the time is in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = " ".join(f"{name}={value}" for name, value in _fields.get().items() if name != "trace")
        line = f"{time} {record.levelname} {record.name}: {record.getMessage()}" + (f" [{fields}]" if fields else "")
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


def configure_logging(formatter: logging.Formatter, level: int) -> None:
    """Write all records of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_is_reportable)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _is_reportable(record: logging.LogRecord) -> bool:
    """Drop the function host's error report of RetryLater, which `run_stage` has logged already."""
    return not (record.exc_info and isinstance(record.exc_info[1], RetryLater))
