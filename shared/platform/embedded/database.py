"""One SQLite file: a connection per thread, one writer at a time, ordered schema migrations.

Several processes may have the same file open. Every write goes through `transaction()`.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any, Self

from shared import clock
from shared.errors import STORAGE_FULL, StorageUnavailable, TransientError, is_disk_full
from shared.platform.embedded.change_pipes import ChangeNotifier, Topic
from shared.platform.embedded.codec import encode_time
from shared.platform.embedded.schema import MIGRATIONS, Migration

log = logging.getLogger(__name__)
BUSY_TIMEOUT_SEC = 10
"""How long a write waits for its turn among the threads of this process, and then for other processes."""
CHECK_SEC = 5.0
"""A wait looks for a change so often by itself: who committed may have been killed before it could notify."""
PIPES = "waiting"
"""Folder beside the database with a pipe for each thread that waits for a change."""
TRUNCATE_TIMEOUT_SEC = 1
"""How long emptying the log waits for readers; writers wait meanwhile."""
RECOVERY_ADVICE = (
    "Stop Clipwise and restore the data folder from a backup, or recover what is readable: see docs/data-folder.md."
)

ChangeMarker = tuple[int, int]


class DataFolderError(Exception):
    """The data folder cannot be used as it is. The message says why, and what to do."""


class DataFolderMoved(DataFolderError):
    """The data folder is no longer where it was opened."""


class SchemaError(DataFolderError):
    """The file was written by a version of Clipwise that this one cannot read."""


class StorageDamaged(TransientError):
    """A page of the database cannot be read. What other pages contain stays readable."""


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Raise StorageUnavailable for a locked database or a full disk of `folder`, StorageDamaged for a bad page."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise StorageUnavailable("storage_full", STORAGE_FULL) from error
        raise
    except sqlite3.DatabaseError as error:
        # Errors of the module itself, such as a closed connection, have no code.
        primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary_code in _DAMAGE_CODES:
            log.error("a database in %s is damaged: %s. %s", folder, error, RECOVERY_ADVICE)
            raise StorageDamaged("storage_damaged", STORAGE_DAMAGED) from error
        # With a full disk, SQLite often knows only that a file cannot be written or made.
        has_room = not folder.exists() or shutil.disk_usage(folder).free >= MIN_FREE_BYTES
        if primary_code == sqlite3.SQLITE_FULL or (primary_code in _DISK_CODES and not has_room):
            raise StorageUnavailable("storage_full", STORAGE_FULL) from error
        if primary_code in _BUSY_CODES:
            raise _busy_error() from error
        raise


MIN_FREE_BYTES = 1 << 20
STORAGE_DAMAGED = "A part of the server's database is damaged. Its operator must restore it; the log says how."
_DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DISK_CODES = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
# A process without free descriptors cannot open the file either.
_BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN)


def _busy_error() -> StorageUnavailable:
    return StorageUnavailable("storage_busy", "The database is locked by other work. Send the request again later.")


class _Connection(sqlite3.Connection):
    """A connection whose statements raise StorageUnavailable and StorageDamaged, when they start or at a later row."""

    folder: Path

    def execute(self, *args: Any) -> sqlite3.Cursor:
        return self.cursor(_Cursor).execute(*args)

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        return self.cursor(_Cursor).executemany(*args)


class _Cursor(sqlite3.Cursor):
    connection: _Connection

    def execute(self, *args: Any) -> Self:
        with storage_errors(self.connection.folder):
            return super().execute(*args)

    def executemany(self, *args: Any) -> Self:
        with storage_errors(self.connection.folder):
            return super().executemany(*args)

    def fetchone(self) -> Any:
        with storage_errors(self.connection.folder):
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with storage_errors(self.connection.folder):
            return super().fetchall()

    def __next__(self) -> Any:
        with storage_errors(self.connection.folder):
            return super().__next__()


class _ThreadState(threading.local):
    connection: sqlite3.Connection | None = None
    topics: set[Topic] | None = None
    """What the transaction under way changes; None without one."""


class Database:
    """A durable store that threads and processes share. It does not survive `fork`: open it again in a child.

    Every statement raises StorageUnavailable while the file is locked or its disk is full, and StorageDamaged if it
    meets a page that cannot be read.

    Raises:
        DataFolderError: The file is damaged, or its schema is newer than this code, or a different one.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self.path = path
        self._pid = os.getpid()
        self._local = _ThreadState()
        # SQLite's wait for the write lock is a poll without fairness: threads of one process queue here instead.
        self._writer = threading.Lock()
        self._notifier = ChangeNotifier(path.with_name(PIPES))
        self._make_private()
        self._identity = _file_identity(path)
        try:
            self._use_write_ahead_log()
            self._migrate(migrations)
        except StorageDamaged as error:
            raise DataFolderError(f"{path} is damaged ({error.__cause__}). {RECOVERY_ADVICE}") from None

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode. Write only inside `transaction()`."""
        if os.getpid() != self._pid:
            raise RuntimeError("a Database does not survive fork: open it again in the child process")
        if self._local.connection is None:
            self._local.connection = self._connect()
        return self._local.connection

    @contextmanager
    def transaction(self, topic: Topic = "any") -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, roll back on any exception. A nested call joins the outer one.

        `topic` is what changes: after the commit, threads of all processes that wait for it go on.
        """
        connection = self.connection
        if self._local.topics is not None:
            self._local.topics.add(topic)
            yield connection
            return
        topics: set[Topic] = {topic, "any"}
        with self._turn():
            connection.execute("BEGIN IMMEDIATE")
            self._local.topics = topics
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._local.topics = None
        self._notifier.notify(topics)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for this thread's turn to write; raises StorageUnavailable."""
        if not self._writer.acquire(timeout=BUSY_TIMEOUT_SEC):
            raise _busy_error()
        try:
            yield
        finally:
            self._writer.release()

    def change_marker(self) -> ChangeMarker:
        """Return a marker that changes when any connection, of any process, commits, and at `wake`."""
        version: int = self.connection.execute("PRAGMA data_version").fetchone()[0]
        return version, self._notifier.wakes

    def wait_for_change(self, marker: ChangeMarker, timeout_sec: float, topic: Topic = "any") -> None:
        """Sleep until this thread's `change_marker()` differs from `marker`, at most `timeout_sec` seconds.

        A commit of a transaction of this topic, by any thread of any process, ends the sleep at once; any other
        commit, such as by another program, within CHECK_SEC.
        """
        deadline = time.monotonic() + timeout_sec
        pipe = self._notifier.pipe(topic)
        while self.change_marker() == marker:
            remaining_sec = deadline - time.monotonic()
            if remaining_sec <= 0:
                return
            pipe.wait(min(remaining_sec, CHECK_SEC))

    def wake(self, topic: Topic) -> None:
        """End the sleep of this process's threads that wait for a topic."""
        self._notifier.wake(topic)

    def find_damage(self) -> str | None:
        """Read the whole file; return what is wrong with its pages in SQLite's words, None if they are sound."""
        try:
            outcome: str = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except StorageDamaged as error:
            return str(error.__cause__)
        return None if outcome == "ok" else " ".join(outcome.split())

    def empty_log(self) -> None:
        """Write the log's pages into the file and empty the log, so that deleted rows are gone from the disk.

        With readers that do not end for a second, the log stays as it is.
        """
        connection = self.connection
        connection.execute(f"PRAGMA busy_timeout = {TRUNCATE_TIMEOUT_SEC * 1000}")
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_SEC * 1000)}")

    def close(self) -> None:
        """Close this thread's connection and pipes; those of other threads close when their threads end."""
        self._notifier.close()
        if self._local.connection is not None:
            self._local.connection.close()
            self._local.connection = None

    def _connect(self) -> sqlite3.Connection:
        with storage_errors(self.path.parent):
            connection = sqlite3.connect(
                # A file that is gone is not created again: what other threads write would be elsewhere.
                f"{self.path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=BUSY_TIMEOUT_SEC,
                isolation_level=None,
                factory=_Connection,
            )
        if _file_identity(self.path) != self._identity:
            connection.close()
            raise StorageUnavailable(
                "storage_busy", "The data folder was moved or replaced. Its operator must put it back."
            )
        connection.folder = self.path.parent
        connection.row_factory = sqlite3.Row
        # A confirmed write must survive a power cut, not only a kill: see docs/decisions.
        connection.execute("PRAGMA synchronous = FULL")
        # Overwrite deleted rows: they may hold what a person had deleted. Only some builds of SQLite do so by default.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _make_private(self) -> None:
        """Let only the owner read the file, whoever made its folder. SQLite gives its other files the same mode."""
        # Only a new file: closing one that SQLite has open here would release SQLite's locks.
        with storage_errors(self.path.parent), suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).chmod(0o600)

    def _use_write_ahead_log(self) -> None:
        deadline = time.monotonic() + BUSY_TIMEOUT_SEC
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                return
            except StorageUnavailable:
                # SQLite's own wait does not cover this change when several processes make it at once.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        expected = [migration.name for migration in migrations]
        if self._migration_names() == expected:
            return
        with self.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations"
                " (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, applied_at TEXT NOT NULL) STRICT"
            )
            applied = self._migration_names()
            for theirs, ours in zip_longest(applied, expected):
                if theirs is not None and theirs != ours:
                    raise SchemaError(
                        f"{self.path} has the schema change {theirs!r}, which this version does not support. "
                        "Start the version that made it or a newer one, or choose another data folder."
                    )
            for migration in migrations[len(applied) :]:
                for statement in migration.statements:
                    connection.execute(statement)
                connection.execute(
                    "INSERT INTO migrations (name, applied_at) VALUES (?, ?)",
                    (migration.name, encode_time(clock.now())),
                )

    def _migration_names(self) -> list[str]:
        table = self.connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone()
        if table is None:
            return []
        return [row["name"] for row in self.connection.execute("SELECT name FROM migrations ORDER BY number")]


def _file_identity(path: Path) -> tuple[int, int] | None:
    """Return what stays the same of a file when it is moved; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
