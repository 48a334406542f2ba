"""One SQLite file: a connection per thread, one writer at a time, ordered schema migrations.

Several processes may have the same file open. Every write goes through `transaction()`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from shared import clock
from shared.platform.embedded.codec import encode_time
from shared.platform.embedded.schema import MIGRATIONS, Migration

BUSY_TIMEOUT_SEC = 30
POLL_SEC = 0.05

ChangeMarker = tuple[int, int]


class SchemaError(Exception):
    """The file was written by a version of Clipwise that this one cannot read."""


class _ThreadState(threading.local):
    connection: sqlite3.Connection | None = None
    writing = False


class Database:
    """A durable store that threads and processes share. It does not survive `fork`: open it again in a child.

    Raises:
        SchemaError: The file's schema is newer than this code, or a different one.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self.path = path
        self._pid = os.getpid()
        self._local = _ThreadState()
        # SQLite's wait for the write lock is a poll without fairness: threads of one process queue here instead.
        self._writer = threading.Lock()
        self._condition = threading.Condition()
        self._wakes = 0
        self._use_write_ahead_log()
        self._migrate(migrations)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode. Write only inside `transaction()`."""
        if os.getpid() != self._pid:
            raise RuntimeError("a Database does not survive fork: open it again in the child process")
        if self._local.connection is None:
            self._local.connection = self._connect()
        return self._local.connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, roll back on any exception. A nested call joins the outer one."""
        connection = self.connection
        if self._local.writing:
            yield connection
            return
        with self._writer:
            connection.execute("BEGIN IMMEDIATE")
            self._local.writing = True
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._local.writing = False
        self.wake()

    def change_marker(self) -> ChangeMarker:
        """Return a marker that changes when any connection, of any process, commits, and at `wake`."""
        version: int = self.connection.execute("PRAGMA data_version").fetchone()[0]
        return version, self._wakes

    def wait_for_change(self, marker: ChangeMarker, timeout_sec: float) -> None:
        """Sleep until this thread's `change_marker()` differs from `marker`, at most `timeout_sec` seconds.

        A commit of this process ends the sleep at once; a commit of another process within 50 ms.
        """
        deadline = time.monotonic() + timeout_sec
        while self.change_marker() == marker:
            remaining_sec = deadline - time.monotonic()
            if remaining_sec <= 0:
                return
            with self._condition:
                if self._wakes == marker[1]:
                    self._condition.wait(min(remaining_sec, POLL_SEC))

    def wake(self) -> None:
        """End the sleep of this process's threads in `wait_for_change`."""
        with self._condition:
            self._wakes += 1
            self._condition.notify_all()

    def close(self) -> None:
        """Close this thread's connection; those of other threads close when their threads end."""
        if self._local.connection is not None:
            self._local.connection.close()
            self._local.connection = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SEC, isolation_level=None)
        connection.row_factory = sqlite3.Row
        # A confirmed write must survive a power cut, not only a kill: see docs/decisions.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _use_write_ahead_log(self) -> None:
        deadline = time.monotonic() + BUSY_TIMEOUT_SEC
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
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
