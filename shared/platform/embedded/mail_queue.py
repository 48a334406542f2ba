"""The queue of outgoing mails: rows written in the caller's transaction, and the thread that delivers them."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from shared import clock
from shared.errors import PermanentError, TransientError
from shared.mail import DeliverMail, Mail, to_email_message
from shared.platform.embedded.codec import decode_time, encode_time
from shared.platform.embedded.database import Database

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MAX_AGE = timedelta(days=2)


class MailQueue:
    """Delivers mails outside of requests; a mail survives the end of the process.

    A failed delivery is repeated with growing pauses. A mail that is rejected, or older than MAX_AGE, goes to
    `undelivered`, and the log records it.
    """

    def __init__(self, database: Database, deliver: DeliverMail, undelivered: DeliverMail, sender: str) -> None:
        self._database = database
        self._deliver = deliver
        self._undelivered = undelivered
        self._sender = sender
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._has_work = False

    def enqueue(self, connection: sqlite3.Connection, mail: Mail, no_recipient: bool = False) -> None:
        """Store a mail in the caller's transaction; `no_recipient` does the same work without a mail."""
        now = encode_time(clock.now())
        connection.execute(
            "INSERT INTO mails (recipient, subject, body, created_at, due_at) VALUES (?, ?, ?, ?, ?)",
            (None if no_recipient else mail.to, mail.subject, mail.text, now, now),
        )

    def discard(self, connection: sqlite3.Connection, addresses: Iterable[str | None]) -> None:
        """Delete the mails to these addresses that wait, in the caller's transaction."""
        for address in addresses:
            connection.execute("DELETE FROM mails WHERE recipient = ?", (address,))

    def wake(self) -> None:
        """Start the delivery of mails that are due, and return at once. Call this after the transaction."""
        with self._condition:
            self._has_work = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="mail-queue", daemon=True)
                self._thread.start()
            self._condition.notify()

    def deliver_due(self) -> datetime | None:
        """Deliver the mails that are due; return when the next one is due, None without one."""
        while (row := self._claim_due()) is not None:
            if row["recipient"] is not None:
                self._attempt_delivery(row)
            else:
                self._delete_mail(row["id"])
        next_due = self._database.connection.execute("SELECT MIN(due_at) FROM mails").fetchone()[0]
        return decode_time(next_due) if next_due else None

    def _run(self) -> None:
        try:
            while True:
                with self._condition:
                    self._has_work = False
                due = self._deliver_despite_errors()
                with self._condition:
                    if self._has_work:
                        continue
                    if due is None:
                        break
                    self._condition.wait(max(0.05, (due - clock.now()).total_seconds()))
            # The mails that were delivered had tokens.
            self._database.empty_log()
        finally:
            with self._condition:
                self._thread = None
                restart = self._has_work
            self._database.close()
            if restart:
                self.wake()

    def _deliver_despite_errors(self) -> datetime | None:
        try:
            return self.deliver_due()
        except Exception:
            log.exception("mails were not delivered; trying again in %.0f s", FIRST_PAUSE.total_seconds())
            return clock.now() + FIRST_PAUSE

    def _claim_due(self) -> sqlite3.Row | None:
        """Claim a due mail for LEASE and return it; None without one."""
        now = clock.now()
        with self._database.transaction() as connection:
            row: sqlite3.Row | None = connection.execute(
                "UPDATE mails SET due_at = ?, attempts = attempts + 1"
                " WHERE id = (SELECT id FROM mails WHERE due_at <= ? ORDER BY due_at LIMIT 1) RETURNING *",
                (encode_time(now + LEASE), encode_time(now)),
            ).fetchone()
        return row

    def _attempt_delivery(self, row: sqlite3.Row) -> None:
        message = to_email_message(Mail(row["recipient"], row["subject"], row["body"]), self._sender)
        try:
            self._deliver(message)
        except PermanentError as error:
            log.error("a mail is given up and kept undelivered: %s", error.message)
            self._undelivered(message)
        except TransientError as error:
            age = clock.now() - decode_time(row["created_at"])
            if age < MAX_AGE:
                pause = min(FIRST_PAUSE * 2 ** min(row["attempts"] - 1, 10), LONGEST_PAUSE)
                log.warning("a mail waits %.0f s to be tried again: %s", pause.total_seconds(), error.message)
                self._reschedule(row["id"], clock.now() + pause)
                return
            log.error("a mail is given up after %s and kept undelivered: %s", age, error.message)
            self._undelivered(message)
        self._delete_mail(row["id"])

    def _reschedule(self, id: int, due: datetime) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE mails SET due_at = ? WHERE id = ?", (encode_time(due), id))

    def _delete_mail(self, id: int) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM mails WHERE id = ?", (id,))
