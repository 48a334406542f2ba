"""Log lines: whole, found again by job and trace, in the form in which Cloud Logging reads them."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.errors import RetryLater
from shared.logs import (
    CloudFormatter,
    PlainFormatter,
    RepeatFilter,
    configure_logging,
    log_context,
    new_traceparent,
    parse_traceparent,
)
from shared.settings import SECRET_VARIABLES

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def record(
    message: str, *args: Any, level: int = logging.INFO, error: BaseException | None = None
) -> logging.LogRecord:
    raised = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("shared.test", level, __file__, 1, message, args, raised)


def cloud_line(found: logging.LogRecord) -> dict[str, Any]:
    line = CloudFormatter().format(found)
    assert "\n" not in line
    entry: dict[str, Any] = json.loads(line)
    return entry


def failure() -> Exception:
    try:
        raise ValueError("first line\nsecond line")
    except ValueError as error:
        return error


def test_a_line_carries_its_job_and_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for a job or a trace in Cloud Logging finds each line that was written for it."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "kitchen")
    with log_context(job="j1", stage="extract", event="e1", trace=PARENT):
        entry = cloud_line(record("attempt %s begins", 2, level=logging.WARNING))
    assert entry["severity"] == "WARNING"
    assert entry["message"] == "attempt 2 begins"
    assert entry["logging.googleapis.com/labels"] == {"job": "j1", "stage": "extract", "event": "e1"}
    assert entry["logging.googleapis.com/trace"] == f"projects/kitchen/traces/{TRACE}"
    assert entry["logging.googleapis.com/spanId"] == SPAN
    assert entry["logging.googleapis.com/trace_sampled"] is True
    assert clock.now() - datetime.fromisoformat(entry["time"]) < timedelta(minutes=1)
    assert datetime.fromisoformat(entry["time"]).tzinfo == UTC


def test_fields_hold_as_long_as_they_are_bound() -> None:
    """A line about one job is never filed under the job before it."""
    with log_context(job="outer", stage=None):
        with log_context(job="inner", event="e"):
            assert cloud_line(record("x"))["logging.googleapis.com/labels"] == {"job": "inner", "event": "e"}
        assert cloud_line(record("x"))["logging.googleapis.com/labels"] == {"job": "outer"}
    assert not any(key.startswith("logging.googleapis.com") for key in cloud_line(record("x")))


def test_an_error_is_one_entry_with_its_stack() -> None:
    """A traceback is part of the entry that it belongs to, not twenty entries of their own."""
    entry = cloud_line(record("attempt failed", level=logging.ERROR, error=failure()))
    assert "second line" in entry["stack_trace"]
    assert "Traceback" in entry["stack_trace"]
    assert entry["message"] == "attempt failed"


@given(message=st.text(), job=st.text(min_size=1))
def test_any_text_makes_one_line(message: str, job: str) -> None:
    """What users send can neither break a line in two nor pass for a field of the entry."""
    with log_context(job=job):
        entry = cloud_line(record("%s", message))
    assert entry["message"] == message
    assert entry["logging.googleapis.com/labels"] == {"job": job}


def test_on_one_machine_a_line_is_plain_and_names_its_job() -> None:
    """`grep` finds a job in what `clipwise up` prints, and each line says when it was written, in UTC."""
    logged = record("stage is done")
    logged.created = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC).timestamp()
    with log_context(job="j1", stage="extract", trace=PARENT):
        line = PlainFormatter().format(logged)
    assert line == "2026-02-03T04:05:06.789Z INFO shared.test: stage is done [job=j1 stage=extract]"
    assert PlainFormatter().format(record("x", error=failure())).endswith("second line")


def test_the_trace_of_a_request_is_read() -> None:
    """The ids of a W3C trace context come out, and what we make ourselves is one."""
    assert parse_traceparent(PARENT) == (TRACE, SPAN, True)
    made = new_traceparent()
    assert parse_traceparent(made)
    assert made != new_traceparent()


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "hello",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "0",
        PARENT + "-" + "x" * 5000,
        PARENT + "\n",
        " " + PARENT,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{'٣' * 32}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
    ],
)
def test_a_malformed_trace_is_none(malformed: str) -> None:
    """A header that is no trace context (or hides something behind one) starts a fresh trace and goes nowhere else."""
    assert parse_traceparent(malformed) is None
    with log_context(job="j", trace=malformed):
        assert "logging.googleapis.com/trace" not in cloud_line(record("x"))


@given(st.text())
def test_any_header_is_borne(text: str) -> None:
    """No header makes reading the trace fail."""
    assert parse_traceparent(text) is None or len(text) == len(PARENT)


def test_a_delivery_refused_for_now_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    """The function host's complaint about a delivery that has to wait does not call anybody out at night."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure_logging(CloudFormatter(), logging.INFO)
        root.handlers[0].setStream(sys.__stderr__)  # type: ignore[attr-defined]  # where capfd looks
        for problem in (RetryLater("later"), failure()):
            logging.getLogger("host").error("Exception on / [POST]", exc_info=problem)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["severity"] == "ERROR"
    assert "ValueError" in json.loads(line)["stack_trace"]


def test_one_record_of_a_kind_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is met ten thousand times a second is one line a second, which says how many there were."""
    seconds = [0.0]
    monkeypatch.setattr("shared.logs.time.monotonic", lambda: seconds[0])
    repeats = RepeatFilter()

    def record(text: str, *values: object, level: int = logging.ERROR) -> logging.LogRecord:
        return logging.LogRecord("a", level, "", 0, text, values, None)

    assert [repeats.filter(record("no descriptor for %s", number)) for number in range(5)] == [True] + [False] * 4
    assert repeats.filter(record("another kind"))
    assert all(repeats.filter(record("progress", level=logging.INFO)) for _ in range(5))
    with log_context(incident="1234"):
        assert all(repeats.filter(record("failed")) for _ in range(5))
    seconds[0] = 1.5
    again = record("no descriptor for %s", 6)
    assert repeats.filter(again)
    assert again.getMessage() == "no descriptor for 6 (4 more like this before)"


SECRETS = {
    "OPENAI_API_KEY": "sk-test-0123456789abcdef",
    "OPENAI_ANALYZE_API_KEY": "sk-analyze-0123456789",
    "OPENAI_TRANSCRIBE_API_KEY": "sk-transcribe-0123456789",
    "OPENAI_EMBED_API_KEY": "sk-embed-0123456789",
    "OPENAI_CHAT_API_KEY": "sk-chat-0123456789",
    "GEMINI_API_KEY": "AIza0123456789",
    "APIFY_TOKEN": "apify_api_0123456789",
    "OPENVERSE_TOKEN": "openverse-0123456789",
    "SMTP_PASSWORD": "a password for mails",
    "SIGNING_KEY": "a key to sign with, long enough",
    "FIREBASE_API_KEY": "AIzaFirebase0123456789",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=otlp-0123456789",
    "METRICS_TOKEN": "metrics-0123456789",
}


@pytest.mark.parametrize("formatter", [PlainFormatter(), CloudFormatter()], ids=["plain", "cloud"])
def test_no_line_contains_a_secret(monkeypatch: pytest.MonkeyPatch, formatter: logging.Formatter) -> None:
    """A service that repeats the key in its error does not put it into the log, and the line says which key it was."""
    assert set(SECRET_VARIABLES) == set(SECRETS)
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    try:
        raise ValueError("wrong key: " + ", ".join(SECRETS.values()))
    except ValueError as error:
        line = formatter.format(record("%s failed", list(SECRETS.values()), level=logging.ERROR, error=error))
    for name, secret in SECRETS.items():
        assert secret not in line
        assert f"({name})" in line
    monkeypatch.setenv("SMTP_PASSWORD", "job")
    assert "the job" in formatter.format(record("the job"))
