"""Structured logs: one JSON object a line in Cloud Logging's format, or plain lines on one machine.

Values of settings that are secret never reach a line, also where a service's error repeats them.
Fields set with `log_context` (job, stage, event, trace) are on every record written inside the `with` block.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

from shared.api_key_format import redact_api_keys
from shared.errors import RetryLater
from shared.settings import SECRET_VARIABLES

REPEAT_SEC = 1.0
MIN_SECRET_CHARS = 8
"""Shorter values occur in other words."""
KIND_CHARS, MAX_KINDS = 60, 256
_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default=MappingProxyType({}))

HEX = "[0-9a-f]"
TRACEPARENT = re.compile(
    f"(?!ff){HEX}{{2}}-(?P<trace>(?!0{{32}}){HEX}{{32}})-(?P<span>(?!0{{16}}){HEX}{{16}})-(?P<flags>{HEX}{{2}})"
)


@contextmanager
def log_context(**fields: str | None) -> Iterator[None]:
    """Add these fields to all records of this thread or task inside the `with` block; None is omitted."""
    token = _fields.set({**_fields.get()} | {name: value for name, value in fields.items() if value})
    try:
        yield
    finally:
        _fields.reset(token)


def current_trace() -> str | None:
    """Return the W3C trace context of the current work, if it has one."""
    return _fields.get().get("trace")


def new_traceparent() -> str:
    """Return a new W3C trace context, for requests without one."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def parse_traceparent(traceparent: str) -> tuple[str, str, bool] | None:
    """Return trace id, span id and whether the trace is sampled, of a W3C `traceparent`; None if it is invalid.

    https://www.w3.org/TR/trace-context/#traceparent-header; accepts later versions of the same form.
    """
    match = TRACEPARENT.fullmatch(traceparent)
    return (match["trace"], match["span"], bool(int(match["flags"], 16) & 1)) if match else None


class CloudFormatter(logging.Formatter):
    """https://cloud.google.com/logging/docs/structured-logging"""

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(_fields.get())
        entry: dict[str, object] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "message": redact_secrets(record.getMessage()),
            "logger": record.name,
        }
        trace = parse_traceparent(fields.pop("trace", ""))
        if trace:
            project = os.environ.get("GOOGLE_CLOUD_PROJECT", "local")
            entry["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace[0]}"
            entry["logging.googleapis.com/spanId"] = trace[1]
            entry["logging.googleapis.com/trace_sampled"] = trace[2]
        if fields:
            entry["logging.googleapis.com/labels"] = fields
        if request := getattr(record, "http_request", None):
            entry["httpRequest"] = request
        if record.exc_info:
            entry["stack_trace"] = redact_secrets(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """Lines such as `2026-02-03T04:05:06.789Z INFO shared.pipeline: text [job=…]`; the time is in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = " ".join(f"{name}={value}" for name, value in _fields.get().items() if name != "trace")
        line = f"{time} {record.levelname} {record.name}: {record.getMessage()}" + (f" [{fields}]" if fields else "")
        return redact_secrets(line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""))


def redact_secrets(text: str) -> str:
    """Replace the values of this process's secret settings by the names of their variables, and API keys by ids."""
    for name in SECRET_VARIABLES:
        secret = os.environ.get(name, "")
        if len(secret) >= MIN_SECRET_CHARS:
            text = text.replace(secret, f"({name})")
    return redact_api_keys(text)


def configure_logging(formatter: logging.Formatter, level: int) -> None:
    """Write all records of this process, and Python's warnings, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_is_reportable)
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)


def _is_reportable(record: logging.LogRecord) -> bool:
    """Drop the function host's error report of RetryLater, which `run_stage` has logged already."""
    return not (record.exc_info and isinstance(record.exc_info[1], RetryLater))


class RepeatFilter(logging.Filter):
    """Passes one warning or error of each kind a second, and says how many more there were.

    A kind is the message before its values are put in, with the type of the exception. Records with an incident pass:
    each is what an answer refers to.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or "incident" in _fields.get():
            return True
        error = record.exc_info[0] if record.exc_info else None
        kind = (record.name, str(record.msg)[:KIND_CHARS], error.__name__ if error else "")
        now = time.monotonic()
        with self._lock:
            if kind not in self._kinds and len(self._kinds) >= MAX_KINDS:
                self._kinds.clear()
            passed_at, skipped = self._kinds.get(kind, (-REPEAT_SEC, 0))
            if now - passed_at < REPEAT_SEC:
                self._kinds[kind] = (passed_at, skipped + 1)
                return False
            self._kinds[kind] = (now, 0)
        if skipped:
            record.msg, record.args = f"{record.getMessage()} ({skipped} more like this before)", None
        return True
