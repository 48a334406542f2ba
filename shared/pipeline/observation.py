"""The span and the metrics of an attempt at a stage or a part."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.errors import Cancelled, ClipwiseError, LeaseLost
from shared.pipeline.stage_run import LeasedRun
from shared.telemetry.metrics import record_attempt
from shared.telemetry.spans import Attribute, continued_trace, span

DONE = "done"


@contextmanager
def observe_attempt(run: LeasedRun[Any], part: int | None = None) -> Iterator[None]:
    """Record the attempt inside the `with` block, below the message that triggered it or else the job's request."""
    attributes: dict[str, Attribute] = {
        "clipwise.job.id": run.job.id,
        "clipwise.job.kind": run.job.kind,
        "clipwise.attempt": run.attempts,
    }
    if part is not None:
        attributes["clipwise.part"] = part
    began = time.monotonic()
    with span(run.stage, "consumer", attributes, continued_trace(run.job.trace)) as current:
        try:
            yield
        finally:
            outcome = outcome_of(run.ended_by)
            current.set({"clipwise.outcome": outcome})
            if run.ended_by is not None and outcome == "failed":
                error = run.ended_by
                current.mark_failed(error.code if isinstance(error, ClipwiseError) else type(error).__name__)
            record_attempt(run.stage, run.job.kind, outcome, time.monotonic() - began)


def outcome_of(error: BaseException | None) -> str:
    """Return `done`, `failed`, `cancelled`, or `interrupted` where a shutdown or another delivery ended the attempt."""
    if error is None:
        return DONE
    if isinstance(error, Cancelled):
        return "cancelled"
    return "failed" if isinstance(error, Exception) and not isinstance(error, LeaseLost) else "interrupted"
