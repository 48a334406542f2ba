"""Mails on their way: rows that are written with what they tell of, and delivered by a thread of their own."""

from __future__ import annotations

import logging
import sqlite3
import threading
from datetime import datetime, timedelta

from shared import clock
from shared.errors import PermanentError, TransientError
from shared.mail.delivery import Deliver
from shared.mail.message import Mail, as_message
from shared.platform.embedded.codec import read_time, time_text
from shared.platform.embedded.database import Database

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP = timedelta(days=2)


class Postman:
    """Requests never wait for a mail server, and no mail is lost with the process.

    What cannot be delivered is tried again with growing pauses; what cannot be delivered at all is kept by
    `undelivered`, and the log says so.
    """

    def __init__(self, database: Database, deliver: Deliver, undelivered: Deliver, sender: str) -> None:
        self._database = database
        self._deliver = deliver
        self._undelivered = undelivered
        self._sender = sender
        self._guard = threading.Condition()
        self._thread: threading.Thread | None = None
        self._news = False

    def post(self, connection: sqlite3.Connection, mail: Mail, nobody: bool = False) -> None:
        """Write a mail down, in the caller's transaction; `nobody` is for the same work without a mail."""
        now = time_text(clock.now())
        connection.execute(
            "INSERT INTO mails (recipient, subject, body, created_at, due_at) VALUES (?, ?, ?, ?, ?)",
            (None if nobody else mail.to, mail.subject, mail.text, now, now),
        )

    def wake(self) -> None:
        """Have what is due delivered; to be called after the transaction. Returns at once."""
        with self._guard:
            self._news = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="postman", daemon=True)
                self._thread.start()
            self._guard.notify()

    def deliver_due(self) -> datetime | None:
        """Deliver what is due now; return when the next mail is, None when there is none."""
        while (row := self._take()) is not None:
            if row["recipient"] is not None:
                self._try(row)
            else:
                self._done(row["id"])
        next_due = self._database.connection.execute("SELECT MIN(due_at) FROM mails").fetchone()[0]
        return read_time(next_due) if next_due else None

    def _work(self) -> None:
        try:
            while True:
                with self._guard:
                    self._news = False
                due = self.deliver_due()
                with self._guard:
                    if self._news:
                        continue
                    if due is None:
                        return
                    self._guard.wait(max(0.05, (due - clock.now()).total_seconds()))
        finally:
            with self._guard:
                self._thread = None
                again = self._news
            self._database.close()
            if again:
                self.wake()

    def _take(self) -> sqlite3.Row | None:
        """A mail that is due, which others leave alone for a while."""
        now = clock.now()
        with self._database.transaction() as connection:
            row: sqlite3.Row | None = connection.execute(
                "UPDATE mails SET due_at = ?, attempts = attempts + 1"
                " WHERE id = (SELECT id FROM mails WHERE due_at <= ? ORDER BY due_at LIMIT 1) RETURNING *",
                (time_text(now + LEASE), time_text(now)),
            ).fetchone()
        return row

    def _try(self, row: sqlite3.Row) -> None:
        message = as_message(Mail(row["recipient"], row["subject"], row["body"]), self._sender)
        try:
            self._deliver(message)
        except PermanentError as error:
            log.error("a mail is given up and kept undelivered: %s", error.message)
            self._undelivered(message)
        except TransientError as error:
            age = clock.now() - read_time(row["created_at"])
            if age < GIVE_UP:
                pause = min(FIRST_PAUSE * 2 ** min(row["attempts"] - 1, 10), LONGEST_PAUSE)
                log.warning("a mail waits %.0f s to be tried again: %s", pause.total_seconds(), error.message)
                self._put_off(row["id"], clock.now() + pause)
                return
            log.error("a mail is given up after %s and kept undelivered: %s", age, error.message)
            self._undelivered(message)
        self._done(row["id"])

    def _put_off(self, id: int, due: datetime) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE mails SET due_at = ? WHERE id = ?", (time_text(due), id))

    def _done(self, id: int) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM mails WHERE id = ?", (id,))
