"""Submits many videos as batches: uploads files a few at a time and follows the batch until it ends.

Repeating a submission continues it. The same files and URLs have the same idempotency key, so they find the same batch,
and a file that has arrived is not uploaded again: the server knows it by its digest.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from infra.api_client import ApiClient, ApiError, JobDocument, ServerUnreachable
from infra.cli.progress import ProgressView, follow_batch, has_batch_ended
from infra.cli.sources import MediaFile
from infra.cli.upload import UploadTarget, upload_file
from shared.error_codes.jobs import JobCode

UPLOADS_AT_ONCE = 4
MAX_ITEMS = 500
MAX_BODY_BYTES = 250_000
MAX_RUNS = 100
FULL_PAUSE_SEC = 5.0
"""How long to wait for the end of a job, if no event reports one, before the next file is tried."""
P = ParamSpec("P")
T = TypeVar("T")


class SubmissionStopped(Exception):
    """The submission was interrupted."""


@dataclass(frozen=True)
class Analysis:
    """What is to be done with every video."""

    kind: str
    language: str | None = None
    options: Mapping[str, str | int] = field(default_factory=dict)
    fresh: bool = False
    max_videos: int | None = None

    def body(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "language": self.language,
            "options": dict(self.options) or None,
            "fresh": self.fresh or None,
            "maxVideos": self.max_videos,
        }


@dataclass(frozen=True)
class BatchOutcome:
    """A batch that has ended, with its items."""

    batch: JobDocument
    items: list[JobDocument]


def submit_batches(
    api: ApiClient, files: Sequence[MediaFile], urls: Sequence[str], analysis: Analysis, view: ProgressView
) -> Iterator[BatchOutcome]:
    """Submit everything, in as many batches as necessary, one after the other; yield each when it has ended.

    Raises ServerUnreachable, ApiError, and OSError if a file cannot be read.
    """
    for some_files, some_urls in divide(list({file.sha256: file for file in files}.values()), urls):
        yield BatchRun(api, some_files, some_urls, analysis, view).run()


def divide(files: Sequence[MediaFile], urls: Sequence[str]) -> Iterator[tuple[list[MediaFile], list[str]]]:
    """Divide files and URLs into parts that one request can hold."""
    some_files: list[MediaFile] = []
    some_urls: list[str] = []
    size = 0
    sources: list[MediaFile | str] = [*files, *urls]
    for item in sources:
        item_size = len(json.dumps(item if isinstance(item, str) else file_entry(item))) + 2
        if len(some_files) + len(some_urls) == MAX_ITEMS or size + item_size > MAX_BODY_BYTES:
            yield some_files, some_urls
            some_files, some_urls, size = [], [], 0
        if isinstance(item, str):
            some_urls.append(item)
        else:
            some_files.append(item)
        size += item_size
    if some_files or some_urls:
        yield some_files, some_urls


def file_entry(file: MediaFile) -> dict[str, Any]:
    return {
        "filename": file.path.name,
        "contentType": file.content_type,
        "size": file.size,
        "sha256": file.sha256,
    }


class BatchRun:
    """One batch from its request to its end."""

    def __init__(
        self, api: ApiClient, files: Sequence[MediaFile], urls: Sequence[str], analysis: Analysis, view: ProgressView
    ) -> None:
        self._api, self._files, self._view = api, files, view
        self._body = analysis.body() | {"urls": list(urls), "files": [file_entry(file) for file in files]}
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._changes = 0
        self._uploaded = 0

    def run(self) -> BatchOutcome:
        """Create or find the batch, upload its files and follow it. A batch with failures that ended before is redone.

        Raises ServerUnreachable, ApiError, OSError.
        """
        batch = self._create()
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as threads:
            futures = [threads.submit(self._upload, batch["id"], index) for index in range(len(self._files))]
            follower = threading.Thread(target=self._follow, args=(batch["id"],), daemon=True)
            follower.start()
            try:
                self._wait(futures)
                self._join(follower)
            finally:
                self._stop(futures)
        batch = self._retry(self._api.get_batch, batch["id"])
        return BatchOutcome(batch, self._retry(self._api.list_batch_items, batch["id"]))

    def _create(self) -> JobDocument:
        request = json.dumps(self._body, sort_keys=True)
        for number in range(MAX_RUNS):
            digest = hashlib.sha256(f"{number}\n{request}".encode()).hexdigest()
            batch = self._retry(self._api.create_batch, self._body, f"clipwise {digest}")
            # One with failures is of an earlier run. What succeeded in it is known to the next batch.
            if not has_batch_ended(batch) or is_complete(batch):
                return batch
        return batch

    def _upload(self, batch_id: str, index: int) -> None:
        while not self._stopped.is_set():
            changes = self._changes
            try:
                ticket = self._retry(self._api.start_batch_upload, batch_id, index)
            except ApiError as error:
                if error.code != JobCode.BATCH_FULL:
                    raise
                self._await_change(changes)
                continue
            if "uploadUrl" in ticket:
                target = UploadTarget(ticket["uploadUrl"], ticket["method"], ticket["headers"])
                upload_file(self._files[index].path, target, self._check_running, self._pause)
            with self._changed:
                self._uploaded += 1
                self._draw_progress(
                    "upload", self._uploaded, len(self._files), f"{self._uploaded} of {len(self._files)} files"
                )
            return

    def _await_change(self, known_changes: int) -> None:
        """Wait until the batch has changed, the submission has stopped, or FULL_PAUSE_SEC are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped.is_set() or self._changes > known_changes, FULL_PAUSE_SEC)

    def _follow(self, batch_id: str) -> None:
        # An error shows again when the main thread reads the batch.
        with suppress(SubmissionStopped, ServerUnreachable, ApiError):
            self._show_changes(batch_id)

    def _show_changes(self, batch_id: str) -> None:
        for batch in follow_batch(self._api, batch_id, self._pause):
            counts = batch["counts"]
            ended = counts["total"] - counts["waiting"] - counts["active"]
            with self._changed:
                self._changes += 1
                self._changed.notify_all()
                self._draw_progress("jobs", ended, counts["total"], describe_counts(counts))
            if self._stopped.is_set():
                return

    def _draw_progress(self, stage: str, done: int, total: int, note: str) -> None:
        self._view.update(stage, "done" if done == total else "running", done / total if total else 0, note)

    def _wait(self, futures: Sequence[Future[None]]) -> None:
        """Wait for all uploads, in steps, so that an interruption is noticed; raises the error of one that failed."""
        pending = set(futures)
        while pending:
            done, pending = wait(pending, 0.5, FIRST_EXCEPTION)
            for future in done:
                future.result()

    def _join(self, follower: threading.Thread) -> None:
        while follower.is_alive():
            follower.join(0.5)

    def _stop(self, futures: Sequence[Future[None]]) -> None:
        self._stopped.set()
        for future in futures:
            future.cancel()
        with self._changed:
            self._changed.notify_all()

    def _check_running(self, sent: int) -> None:
        if self._stopped.is_set():
            raise SubmissionStopped

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise SubmissionStopped

    def _retry(self, request: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Repeat a request that exceeds a rate limit, after the time that the server asks for."""
        while True:
            try:
                return request(*args, **options)
            except ApiError as error:
                if error.status != 429 or error.code == JobCode.BATCH_FULL:
                    raise
                self._pause(error.retry_after or 1.0)


def is_complete(batch: JobDocument) -> bool:
    """Return True if every item of a batch that has ended has a result, and every list was read."""
    counts = batch["counts"]
    has_all = counts["done"] + counts["known"] == counts["total"]
    return bool(has_all and all(batch_list["status"] != "failed" for batch_list in batch["lists"]))


def describe_counts(counts: Mapping[str, int]) -> str:
    """Describe the counts of a batch, e.g. `12 done, 1 failed, 3 active, 4 waiting`."""
    names = ("done", "known", "failed", "cancelled", "active", "waiting")
    return ", ".join(f"{counts[name]} {name}" for name in names if counts[name])
