"""Watches a folder: submits its videos and writes their results beside them, or into another folder.

A file is taken once its size and time have not changed for a while, so that none is submitted half-written. What was
submitted is remembered by content in a hidden file of the folder; a renamed or copied file is not submitted again.
"""

from __future__ import annotations

import json
import os
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from infra.api_client import ApiClient, ApiError, JobDocument, ServerUnreachable
from infra.cli.batch import Analysis, submit_batches
from infra.cli.progress import ProgressView
from infra.cli.result_files import ResultWriter
from infra.cli.sources import MediaFile, media_files_in, read_media_file
from shared.errors import PermanentError

STATE_FILE = ".clipwise-watch.json"
SETTLE_SEC = 2.0
"""How long a file must stay unchanged before it counts as complete."""
RESCAN_SEC = 300.0
"""Events can get lost, e.g. on network drives; after this time the folder is read again."""
UNREACHABLE_PAUSE_SEC = 5.0
Report = Callable[[str], None]


@dataclass(frozen=True)
class Stamp:
    """What changes while a file is being written."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns)


class WatchState:
    """The digests of files whose results were written, or that failed; a file that only its user can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, str] = {}
        with suppress(FileNotFoundError, ValueError):
            self._entries = dict(json.loads(path.read_bytes()))

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._entries

    def add(self, sha256: str, outcome: str) -> None:
        """Record the outcome of a file durably: its job, or why there is none."""
        self._entries[sha256] = outcome
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._entries, file)
        draft.replace(self._path)


class FolderWatch:
    """The media files of a folder, each as soon as it is complete.

    Args:
        excluded: A folder below it whose files are not taken, such as that of the results.
    """

    def __init__(self, folder: Path, excluded: Path | None, settle_sec: float = SETTLE_SEC) -> None:
        self._folder, self._settle_sec = folder.resolve(), settle_sec
        self._excluded = excluded.resolve() if excluded and excluded.resolve() != self._folder else None
        self._events: queue.Queue[None] = queue.Queue(maxsize=1)
        self._seen: dict[Path, tuple[Stamp, float]] = {}
        self._taken: dict[Path, Stamp] = {}

    def batches(self) -> Iterator[list[Path]]:
        """Yield the files that have become complete, again and again, until the caller stops."""
        observer = Observer()
        observer.schedule(_Signal(self._events), str(self._folder), recursive=True)
        observer.start()
        try:
            while True:
                if complete := self._complete_files():
                    yield complete
                with suppress(queue.Empty):
                    self._events.get(timeout=self._settle_sec / 2 if self._seen else RESCAN_SEC)
        finally:
            observer.stop()
            observer.join()

    def _complete_files(self) -> list[Path]:
        now = time.monotonic()
        complete, changing = [], {}
        for path in media_files_in(self._folder):
            with suppress(OSError):
                stamp = Stamp.of(path)
                if self._is_excluded(path) or self._taken.get(path) == stamp:
                    continue
                earlier, since = self._seen.get(path, (None, now))
                if earlier == stamp and now - since >= self._settle_sec:
                    self._taken[path] = stamp
                    complete.append(path)
                else:
                    changing[path] = (stamp, since if earlier == stamp else now)
        self._seen = changing
        return complete

    def _is_excluded(self, path: Path) -> bool:
        return self._excluded is not None and path.is_relative_to(self._excluded)


class _Signal(FileSystemEventHandler):
    """Wakes the watch; which file changed is read from the folder, since events come late and out of order."""

    def __init__(self, events: queue.Queue[None]) -> None:
        self._events = events

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in ("opened", "closed_no_write"):
            with suppress(queue.Full):
                self._events.put_nowait(None)


class Watcher:
    """Submits complete files and writes their results."""

    def __init__(
        self, api: ApiClient, folder: Path, analysis: Analysis, writer: ResultWriter, view: ProgressView, report: Report
    ) -> None:
        self._api, self._folder, self._analysis = api, folder.resolve(), analysis
        self._writer, self._view, self._report = writer, view, report
        self._state = WatchState(self._folder / STATE_FILE)

    def run(self, watch: FolderWatch) -> None:
        """Process files until interrupted; waits for a server that does not respond."""
        for paths in watch.batches():
            files = list(self._read_new(paths))
            while files:
                try:
                    self._submit(files)
                except ServerUnreachable as error:
                    self._report(f"{error} Waiting for the server.")
                    time.sleep(UNREACHABLE_PAUSE_SEC)
                except ApiError as error:
                    if not error.is_temporary:
                        raise
                    self._report(f"{error.detail} ({error.code}) Trying again.")
                    time.sleep(error.retry_after or UNREACHABLE_PAUSE_SEC)
                except FileNotFoundError:
                    # Renamed or deleted since: under its new name, it comes again.
                    files = [file for file in files if file.path.exists()]
                else:
                    break

    def _read_new(self, paths: Sequence[Path]) -> Iterator[MediaFile]:
        """Yield the files whose content is new, each content once."""
        digests: set[str] = set()
        for path in paths:
            with suppress(OSError, PermanentError):
                file = read_media_file(path)
                if file.sha256 not in self._state and file.sha256 not in digests:
                    digests.add(file.sha256)
                    yield file

    def _submit(self, files: Sequence[MediaFile]) -> None:
        remaining = [file for file in files if file.sha256 not in self._state]
        position = 0
        for outcome in submit_batches(self._api, remaining, [], self._analysis, self._view):
            for item in outcome.items:
                self._finish(remaining[position], item)
                position += 1

    def _finish(self, file: MediaFile, item: JobDocument) -> None:
        name = file.path.relative_to(self._folder).as_posix()
        if item["status"] != "done" or not item["job"]:
            reason = item["error"] or item["status"]
            self._state.add(file.sha256, f"failed: {reason}")
            self._report(f"{name}: {reason}")
            return
        job = self._api.get_job(item["job"]["id"])
        written = self._writer.write(self._api, job, file.path.relative_to(self._folder))
        self._state.add(file.sha256, job["id"])
        self._report(f"{name}: {', '.join(path.name for path in written)}")
