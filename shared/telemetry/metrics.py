"""The metrics: attempts at stages, their duration, the cost of AI, and the depth of the queue.

Each goes to OTLP where an endpoint is configured, and to files that `/metrics` of the embedded place reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.once import once
from shared.telemetry.spans import is_enabled

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable of prometheus-client: the folder where the processes of the embedded place count together."""
DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


_writer: list[str] = []


@dataclass(frozen=True)
class Metric:
    """A metric: its name in OpenTelemetry, and what `/metrics` calls it without the suffix of its type."""

    name: str
    prometheus_name: str
    unit: str
    description: str
    labels: tuple[str, ...]


ATTEMPTS = Metric(
    "clipwise.stage.attempts",
    "clipwise_stage_attempts",
    "{attempt}",
    "Attempts at stages and their parts, by outcome.",
    ("stage", "kind", "outcome"),
)
DURATION = Metric(
    "clipwise.stage.duration", "clipwise_stage_duration_seconds", "s", "Duration of attempts.", ("stage", "outcome")
)
COST = Metric(
    "clipwise.ai.cost",
    "clipwise_ai_cost_usd",
    "{USD}",
    "Estimated cost of AI calls in US dollars.",
    ("provider", "model"),
)
QUEUE_DEPTH = Metric(
    "clipwise.queue.depth",
    "clipwise_queue_depth",
    "{event}",
    "Events that wait for a function or are being processed.",
    ("function",),
)


def prepare_metrics_folder(temporary: Path) -> None:
    """Let this process and its workers count in an empty folder; the counts begin at zero with each start."""
    folder = temporary / "metrics"
    folder.mkdir()
    os.environ[MULTIPROCESS_FOLDER] = str(folder)


def count_as(writer: str) -> None:
    """Let this process go on with the counters of earlier processes of this name, of which one runs at a time.

    Otherwise each process would leave a file of its own behind.
    """
    _writer.append(writer)


def record_attempt(stage: str, kind: str, outcome: str, seconds: float) -> None:
    """Count an attempt at a stage or part, and its duration."""
    _add(ATTEMPTS, 1, {"stage": stage, "kind": kind, "outcome": outcome})
    labels = {"stage": stage, "outcome": outcome}
    if is_enabled():
        _otlp_instruments()[DURATION].record(seconds, labels)
    if MULTIPROCESS_FOLDER in os.environ:
        _prometheus_instruments()[DURATION].labels(**labels).observe(seconds)


def record_cost(provider: str, model: str, cost_usd: float) -> None:
    """Add the cost of a call to an AI service."""
    if cost_usd > 0:
        _add(COST, cost_usd, {"provider": provider, "model": model})


def observe_queue(depth: Callable[[], Mapping[str, int]]) -> None:
    """Report the depth of the queue by function by OTLP. Call it in one process of a place."""
    if not is_enabled():
        return
    from opentelemetry.metrics import Observation

    from shared.telemetry import otlp

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count, {"function": function}) for function, count in depth().items()]

    meter = otlp.meter_provider().get_meter(otlp.SCOPE)
    meter.create_observable_gauge(QUEUE_DEPTH.name, [observe], QUEUE_DEPTH.unit, QUEUE_DEPTH.description)


def _add(metric: Metric, amount: float, labels: dict[str, str]) -> None:
    if is_enabled():
        _otlp_instruments()[metric].add(amount, labels)
    if MULTIPROCESS_FOLDER in os.environ:
        _prometheus_instruments()[metric].labels(**labels).inc(amount)


@once
def _otlp_instruments() -> dict[Metric, Any]:
    from shared.telemetry import otlp

    meter = otlp.meter_provider().get_meter(otlp.SCOPE)
    counters = {
        metric: meter.create_counter(metric.name, metric.unit, metric.description) for metric in (ATTEMPTS, COST)
    }
    histogram = meter.create_histogram(
        DURATION.name, DURATION.unit, DURATION.description, explicit_bucket_boundaries_advisory=DURATION_BUCKETS
    )
    return {**counters, DURATION: histogram}


@once
def _prometheus_instruments() -> dict[Metric, Any]:
    from prometheus_client import CollectorRegistry, Counter, Histogram, values

    if _writer:
        values.ValueClass = values.MultiProcessValue(lambda: _writer[-1])
    registry = CollectorRegistry()
    counters = {
        metric: Counter(metric.prometheus_name, metric.description, metric.labels, registry=registry)
        for metric in (ATTEMPTS, COST)
    }
    histogram = Histogram(
        DURATION.prometheus_name,
        DURATION.description,
        DURATION.labels,
        buckets=DURATION_BUCKETS,
        registry=registry,
    )
    return {**counters, DURATION: histogram}
