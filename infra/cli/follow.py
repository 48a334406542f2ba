"""Follows a job until it ends, across broken connections and server restarts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from infra.client.api import ApiClient, ApiError, JobDocument, ServerUnreachable

MAX_FAILURES = 12
MAX_STREAM_FAILURES = 3
POLL_SEC = 1.0


def has_ended(job: JobDocument) -> bool:
    return job["status"] in ("done", "failed", "cancelled")


def follow_job(api: ApiClient, id: str, pause: Callable[[float], None] = time.sleep) -> Iterator[JobDocument]:
    """Yield the job document now and after each change; the last one is final.

    Reads server-sent events, and resumes them with Last-Event-ID. If they do not arrive (an old server, a buffering
    proxy), it polls instead. Raises Unreachable after about a minute without a response, and Refused, e.g. if the
    job was deleted.
    """
    last_event_id: str | None = None
    streaming = True
    failures = 0
    while True:
        try:
            if streaming:
                for event in api.stream_events(id, last_event_id):
                    last_event_id = event.id or last_event_id
                    failures = 0
                    job: JobDocument = json.loads(event.data)
                    yield job
                    if has_ended(job):
                        return
                failures += 1
            else:
                job = api.get_job(id)
                failures = 0
                yield job
                if has_ended(job):
                    return
        except ServerUnreachable:
            failures += 1
            if failures > MAX_FAILURES:
                raise
        except ApiError as refused:
            if not streaming and not refused.is_temporary:
                raise
            failures += 1
            if failures > MAX_FAILURES:
                raise
            streaming = streaming and refused.is_temporary
        streaming = streaming and failures < MAX_STREAM_FAILURES
        pause(min(8.0, POLL_SEC * 2 ** max(0, failures - 1)))
