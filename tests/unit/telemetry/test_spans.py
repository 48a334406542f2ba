"""Spans: what is sent, when, and below which parent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.auth.transport.requests import AuthorizedSession

from functions.api.request_traces import RequestTraceMiddleware
from shared.errors import PermanentError, TransientError
from shared.logs import current_trace, log_context, new_traceparent, parse_traceparent
from shared.progress import Tick
from shared.settings import Settings, settings
from shared.sources.video import fetcher
from shared.sources.video.fetcher import fetch_video
from shared.sources.video.source import FetchedFile, FetchRequest, VideoSource
from shared.telemetry import metrics, otlp
from shared.telemetry.spans import continued_trace, span
from tests.collector import Collector, collecting

NEVER_MS = "3600000"
CACHES: tuple[Any, ...] = (
    settings,
    otlp._tracer_provider,
    otlp.meter_provider,
    otlp._resource,
    otlp._google_session,
    metrics._otlp_instruments,
)


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fresh providers, with the settings that a test sets."""
    for cache in CACHES:
        cache.cache_clear()
    yield
    for provider in (otlp._tracer_provider, otlp.meter_provider):
        if provider.is_made:
            provider().shutdown()
    monkeypatch.undo()
    for cache in CACHES:
        cache.cache_clear()


@pytest.fixture
def collector(telemetry: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector for this process, as a function in the cloud, which sends only when it is told to."""
    with collecting() as collector:
        environ = collector.environ() | {"OTEL_BSP_SCHEDULE_DELAY": NEVER_MS, "OTEL_METRIC_EXPORT_INTERVAL": NEVER_MS}
        for name, value in (environ | {"CLIPWISE_PLACE": "gcp"}).items():
            monkeypatch.setenv(name, value)
        yield collector


def test_the_spans_of_a_function_are_sent_when_it_ends(collector: Collector) -> None:
    """Google pauses an instance after its work: what it recorded has arrived by then, with its metrics."""
    caller = new_traceparent()
    with span("extract", "consumer", {"clipwise.attempt": 1}, caller):
        metrics.record_attempt("extract", "recipe", "done", 2.5)
        with span("analyze openai", "client"):
            assert collector.spans() == []
    inner, outer = collector.spans()
    trace = parse_traceparent(caller)
    assert trace is not None
    assert (outer.trace, outer.parent, inner.trace, inner.parent) == (trace[0], trace[1], trace[0], outer.id)
    assert collector.points("clipwise.stage.attempts") == [
        ({"stage": "extract", "kind": "recipe", "outcome": "done"}, 1.0)
    ]
    assert collector.points("clipwise.stage.duration") == [({"stage": "extract", "outcome": "done"}, 1.0)]


def test_each_source_of_a_video_has_a_span(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace says which source failed, with which code, and which one fetched the video instead."""

    def load_source(name: str) -> VideoSource:
        def fetch(request: FetchRequest, folder: Path, tick: Tick) -> FetchedFile:
            if name == "yt-dlp":
                raise TransientError("source_blocked", "The site wants proof.")
            return FetchedFile(folder / "a", 1, "video/mp4", request.page.url, None)

        return fetch

    monkeypatch.setattr(fetcher, "load_source", load_source)
    with span("download", "consumer"):
        fetch_video("https://www.tiktok.com/@a/video/741", tmp_path, Settings(), True, lambda done, message: None)
    failed, fetched, download = collector.spans()
    assert (failed.name, failed.failed, failed.attributes["error.type"]) == ("fetch yt-dlp", True, "source_blocked")
    assert (fetched.name, fetched.failed, fetched.kind) == ("fetch http", False, "client")
    assert {failed.parent, fetched.parent} == {download.id}


def test_a_response_ends_after_its_span_is_sent(collector: Collector) -> None:
    """The last piece of a response waits for the export, since the instance may be paused after it."""
    sent: list[tuple[bool, int]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    async def send(message: Any) -> None:
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        sent.append((is_last, len(collector.spans())))

    scope = {"type": "http", "method": "GET", "path": "/secret-path", "headers": []}
    asyncio.run(RequestTraceMiddleware(app)(scope, None, send))  # type: ignore[arg-type]  # nothing is received
    assert sent == [(False, 0), (False, 0), (True, 1)]
    assert collector.spans()[0].name == "GET"
    assert b"secret-path" not in b"".join(collector.bodies)


def test_an_error_is_a_code_and_never_its_words(collector: Collector) -> None:
    """The sentence of an error may repeat a user's words; the span has its code."""
    with pytest.raises(PermanentError), span("extract", "consumer"):
        raise PermanentError("not_a_video", "The file grandmother.mp4 is no video.")
    (failed,) = collector.spans()
    assert (failed.failed, failed.attributes["error.type"]) == (True, "not_a_video")
    assert b"grandmother" not in b"".join(collector.bodies)


def test_a_trace_that_its_caller_does_not_sample_is_passed_on_and_not_sent(collector: Collector) -> None:
    """One decision holds for the whole job: no half traces, and no cost for those that nobody wants."""
    with span("extract", "consumer", parent=f"{new_traceparent()[:-2]}00"):
        assert (current_trace() or "").endswith("-00")
    assert collector.spans() == []


def test_a_job_goes_on_without_its_collector(telemetry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that is down costs neither a job nor an error."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    monkeypatch.setenv("CLIPWISE_PLACE", "gcp")
    with span("extract", "consumer"):
        metrics.record_cost("openai", "gpt", 0.5)


def test_without_an_endpoint_the_callers_trace_is_passed_on_as_it_is(telemetry: None) -> None:
    """Whoever sends a trace finds it in logs and messages, also where no span is recorded."""
    caller = new_traceparent()
    with span("extract", "consumer", parent=caller) as current:
        current.set({"clipwise.attempt": 1})
        current.mark_failed("not_a_video")
        assert current_trace() == caller
    assert current_trace() is None


def test_a_message_of_another_trace_is_no_parent() -> None:
    """A retry, or a message that is sent again, continues the job's own trace."""
    job = new_traceparent()
    descendant = f"{job[:36]}{'1' * 16}-01"
    with log_context(trace=descendant):
        assert continued_trace(job) == descendant
        assert continued_trace(None) is None
    with log_context(trace=new_traceparent()):
        assert continued_trace(job) == job


def test_googles_endpoint_gets_the_identity_of_the_process_and_no_other_does(
    telemetry: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Cloud Trace accepts the spans of a function's account, whose token is sent nowhere else."""
    person = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
    (tmp_path / "account.json").write_text(json.dumps(person))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    for endpoint, expected in (
        ("https://telemetry.googleapis.com", AuthorizedSession),
        ("https://telemetry.googleapis.com.example.com", type(None)),
        ("http://127.0.0.1:4318", type(None)),
    ):
        settings.cache_clear()
        otlp._google_session.cache_clear()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        assert isinstance(otlp._google_session(), expected)
