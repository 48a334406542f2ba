"""Sessions of local accounts. Each has one good refresh token at a time, and ends when an old one comes again."""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
from datetime import timedelta

from shared import clock
from shared.platform.embedded.accounts.access_tokens import LIFETIME, AccessTokens
from shared.platform.embedded.codec import read_time, time_text
from shared.platform.embedded.database import Database
from shared.platform.ports import Session, User
from shared.security.refusals import unauthenticated

log = logging.getLogger(__name__)

IDLE = timedelta(days=30)
LONGEST = timedelta(days=90)


def new_secret() -> str:
    """256 bits, which no one guesses: their hash needs no salt and no slowness. In hex, as a word for the shell."""
    return secrets.token_hex(32)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class Sessions:
    def __init__(self, database: Database, tokens: AccessTokens) -> None:
        self._database = database
        self._tokens = tokens

    def begin(self, account: str) -> Session:
        now = clock.now()
        session = secrets.token_hex(16)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE expires_at <= ?", (time_text(now),))
            connection.execute(
                "INSERT INTO sessions (id, account, started_at, expires_at) VALUES (?, ?, ?, ?)",
                (session, account, time_text(now), time_text(now + LONGEST)),
            )
            return self._issue(connection, account, session)

    def go_on(self, refresh_token: str) -> Session:
        """Raises PermanentError `unauthenticated`; a token that comes again ends the session (RFC 9700, 4.14.2)."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT session, account, used, MIN(refresh_tokens.expires_at, sessions.expires_at) AS until"
                " FROM refresh_tokens JOIN sessions ON sessions.id = session WHERE hash = ?",
                (hashed(refresh_token),),
            ).fetchone()
            reused = row is not None and row["used"]
            if reused:
                connection.execute("DELETE FROM sessions WHERE id = ?", (row["session"],))
            elif row is not None and read_time(row["until"]) > clock.now():
                connection.execute("UPDATE refresh_tokens SET used = 1 WHERE hash = ?", (hashed(refresh_token),))
                return self._issue(connection, row["account"], row["session"])
        if reused:
            log.warning("a refresh token of %s came a second time: its session has ended", row["account"])
        raise unauthenticated()

    def user(self, access_token: str) -> tuple[User, str]:
        """Whose token it is, and the session; raises PermanentError `unauthenticated`, also when that has ended."""
        account, session = self._tokens.read(access_token)
        user = self._read(self._database.connection, session)
        if user is None or user.id != account:
            raise unauthenticated()
        return user, session

    def end(self, session: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE id = ?", (session,))

    def end_all(self, account: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE account = ?", (account,))

    def _issue(self, connection: sqlite3.Connection, account: str, session: str) -> Session:
        refresh_token = new_secret()
        connection.execute(
            "INSERT INTO refresh_tokens (hash, session, expires_at) VALUES (?, ?, ?)",
            (hashed(refresh_token), session, time_text(clock.now() + IDLE)),
        )
        user = self._read(connection, session)
        if user is None or user.signed_in_at is None:
            raise unauthenticated()
        token = self._tokens.issue(account, session, user.signed_in_at)
        return Session(user, token, refresh_token, int(LIFETIME.total_seconds()))

    def _read(self, connection: sqlite3.Connection, session: str) -> User | None:
        row = connection.execute(
            "SELECT accounts.*, started_at FROM sessions JOIN accounts ON accounts.id = account"
            " WHERE sessions.id = ? AND expires_at > ?",
            (session, time_text(clock.now())),
        ).fetchone()
        return user_of(row, row["started_at"]) if row else None


def user_of(row: sqlite3.Row, started_at: str | None = None) -> User:
    return User(
        id=row["id"],
        username=row["username"],
        email=row["email"],
        verified=bool(row["verified"]),
        anonymous=bool(row["anonymous"]),
        signed_in_at=read_time(started_at) if started_at else None,
    )
