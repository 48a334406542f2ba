"""Follows jobs until they end, and displays progress: a bar per stage on a terminal, a line per change elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from infra.api_client import ApiClient, ApiError, JobDocument, ServerSentEvent, ServerUnreachable
from infra.cli.views import format_megabytes
from shared.exports.markup import clean_text

MAX_FAILURES = 12
MAX_STREAM_FAILURES = 3
POLL_SEC = 1.0


class ProgressView(AbstractContextManager["ProgressView"], Protocol):
    def update(self, stage: str, state: str, done: float, note: str) -> None:
        """Show a stage: `state` as in job documents, `done` from 0 to 1, `note` the current activity."""


def progress_view(console: Console) -> ProgressView:
    return ProgressBars(console) if console.is_terminal else ProgressLines(console)


def update_task(view: ProgressView, stage: str, done: float, note: str) -> None:
    """Show the progress of local work."""
    view.update(stage, "done" if done == 1 else "running", done, note)


def update_upload(view: ProgressView, sent: int, size: int) -> None:
    update_task(view, "upload", sent / size if size else 1, format_megabytes(size))


def update_job(view: ProgressView, job: JobDocument) -> None:
    """Show all stages of a job in order; a finished one has no note."""
    for name, stage in job["stages"].items():
        note = clean_text(stage["message"] or "") if stage["status"] != "done" else ""
        if stage["attempts"] > 1 and note:
            note = f"attempt {stage['attempts']}: {note}"
        view.update(name, stage["status"], 1 if stage["status"] == "done" else stage["progress"], note)


class ProgressBars:
    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<10}", markup=False),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}", markup=False, style="dim"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, stage: str, state: str, done: float, note: str) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=1, note="")
        self._progress.update(self._tasks[stage], completed=done, note=note)


class ProgressLines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, stage: str, state: str, done: float, note: str) -> None:
        line = f"{stage:<10} {state}" + (f": {note}" if note else "")
        if state != "pending" and self._last.get(stage) != line:
            self._last[stage] = line
            self._console.print(Text(line), soft_wrap=True)


def has_ended(job: JobDocument) -> bool:
    return job["status"] in ("done", "failed", "cancelled")


def follow_job(api: ApiClient, id: str, pause: Callable[[float], None] = time.sleep) -> Iterator[JobDocument]:
    """Yield the job document now and after each change, as `follow_document`; the last one is final."""
    return follow_document(partial(api.stream_events, id), partial(api.get_job, id), has_ended, pause)


def follow_batch(api: ApiClient, id: str, pause: Callable[[float], None] = time.sleep) -> Iterator[JobDocument]:
    """Yield the batch document now and after each change, as `follow_document`; the last one is final."""

    def stream(last_event_id: str | None) -> Iterator[ServerSentEvent]:
        return api.stream_events(id, last_event_id, "batches")

    return follow_document(stream, partial(api.get_batch, id), has_batch_ended, pause)


def has_batch_ended(batch: JobDocument) -> bool:
    return bool(batch["status"] != "running" and batch["counts"]["active"] == 0)


def follow_document(
    stream: Callable[[str | None], Iterator[ServerSentEvent]],
    get: Callable[[], JobDocument],
    has_ended: Callable[[JobDocument], bool],
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[JobDocument]:
    """Yield a document now and after each change; the last one has ended.

    Reads server-sent events, and resumes them with Last-Event-ID. If they do not arrive (an old server, a buffering
    proxy), it polls instead. Raises ServerUnreachable after about a minute without a response, and ApiError, e.g. if
    the document was deleted.
    """
    last_event_id: str | None = None
    streaming = True
    failures = 0
    while True:
        try:
            if streaming:
                for event in stream(last_event_id):
                    last_event_id = event.id or last_event_id
                    failures = 0
                    job: JobDocument = json.loads(event.data)
                    yield job
                    if has_ended(job):
                        return
                failures += 1
            else:
                job = get()
                failures = 0
                yield job
                if has_ended(job):
                    return
        except ServerUnreachable:
            failures += 1
            if failures > MAX_FAILURES:
                raise
        except ApiError as error:
            if not streaming and not error.is_temporary:
                raise
            failures += 1
            if failures > MAX_FAILURES:
                raise
            streaming = streaming and error.is_temporary
            if error.retry_after:
                pause(error.retry_after)
        streaming = streaming and failures < MAX_STREAM_FAILURES
        pause(min(8.0, POLL_SEC * 2 ** max(0, failures - 1)))
