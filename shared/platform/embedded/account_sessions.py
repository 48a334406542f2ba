"""Sessions of local accounts, with access tokens (JSON Web Tokens, RFC 7519) and refresh tokens.

A session has one valid refresh token at a time, and ends if a used one is presented again.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
from datetime import datetime, timedelta

import jwt

from shared import clock
from shared.platform.accounts import User, UserSession
from shared.platform.embedded.codec import decode_time, encode_time
from shared.platform.embedded.database import Database
from shared.security.credentials import authentication_error, is_token_current

log = logging.getLogger(__name__)
IDLE_LIMIT = timedelta(days=30)
"""After this time without use, a session ends."""
MAX_LIFETIME = timedelta(days=90)
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"
ISSUER = "clipwise"
AUDIENCE = "clipwise-api"


class AccessTokens:
    """Issues and verifies access tokens with one key. A token names an account and its session.

    Args:
        key: 32 bytes with no other use.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, account: str, session: str, signed_in_at: datetime) -> str:
        now = clock.now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account,
            "sid": session,
            "auth_time": int(signed_in_at.timestamp()),
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_TOKEN_LIFETIME).timestamp()),
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def read(self, token: str) -> tuple[str, str]:
        """Return account and session, which may have ended; raises PermanentError `unauthenticated`."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={
                    "require": ["iss", "aud", "sub", "sid", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, UnicodeError):
            raise authentication_error() from None
        if not is_token_current(claims, skew_sec=0):
            raise authentication_error()
        return str(claims["sub"]), str(claims["sid"])


def new_secret() -> str:
    """Return 256 random bits in hex, safe in a shell. Their hash needs neither salt nor a slow function."""
    return secrets.token_hex(32)


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class AccountSessions:
    def __init__(self, database: Database, tokens: AccessTokens) -> None:
        self._database = database
        self._tokens = tokens

    def begin(self, account: str) -> UserSession:
        now = clock.now()
        session = secrets.token_hex(16)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE expires_at <= ?", (encode_time(now),))
            connection.execute(
                "INSERT INTO sessions (id, account, started_at, expires_at) VALUES (?, ?, ?, ?)",
                (session, account, encode_time(now), encode_time(now + MAX_LIFETIME)),
            )
            return self._issue_tokens(connection, account, session)

    def refresh(self, refresh_token: str) -> UserSession:
        """Replace the refresh token; a reused one ends the session (RFC 9700, 4.14.2).

        Raises PermanentError `unauthenticated`.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT session, account, used, MIN(refresh_tokens.expires_at, sessions.expires_at) AS until"
                " FROM refresh_tokens JOIN sessions ON sessions.id = session WHERE hash = ?",
                (hash_secret(refresh_token),),
            ).fetchone()
            is_reused = row is not None and row["used"]
            if is_reused:
                connection.execute("DELETE FROM sessions WHERE id = ?", (row["session"],))
            elif row is not None and decode_time(row["until"]) > clock.now():
                connection.execute("UPDATE refresh_tokens SET used = 1 WHERE hash = ?", (hash_secret(refresh_token),))
                return self._issue_tokens(connection, row["account"], row["session"])
        if is_reused:
            log.warning("a refresh token of %s came a second time: its session has ended", row["account"])
        raise authentication_error()

    def authenticate(self, access_token: str) -> tuple[User, str]:
        """Return user and session of a token; raises PermanentError `unauthenticated` also if the session has ended."""
        account, session = self._tokens.read(access_token)
        user = self._read_user(self._database.connection, session)
        if user is None or user.id != account:
            raise authentication_error()
        return user, session

    def end(self, session: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE id = ?", (session,))

    def end_all(self, account: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE account = ?", (account,))

    def _issue_tokens(self, connection: sqlite3.Connection, account: str, session: str) -> UserSession:
        refresh_token = new_secret()
        connection.execute(
            "INSERT INTO refresh_tokens (hash, session, expires_at) VALUES (?, ?, ?)",
            (hash_secret(refresh_token), session, encode_time(clock.now() + IDLE_LIMIT)),
        )
        user = self._read_user(connection, session)
        if user is None or user.signed_in_at is None:
            raise authentication_error()
        token = self._tokens.issue(account, session, user.signed_in_at)
        return UserSession(user, token, refresh_token, int(ACCESS_TOKEN_LIFETIME.total_seconds()))

    def _read_user(self, connection: sqlite3.Connection, session: str) -> User | None:
        row = connection.execute(
            "SELECT accounts.*, started_at FROM sessions JOIN accounts ON accounts.id = account"
            " WHERE sessions.id = ? AND expires_at > ?",
            (session, encode_time(clock.now())),
        ).fetchone()
        return user_from_row(row, row["started_at"]) if row else None


def user_from_row(row: sqlite3.Row, started_at: str | None = None) -> User:
    return User(
        id=row["id"],
        username=row["username"],
        email=row["email"],
        verified=bool(row["verified"]),
        anonymous=bool(row["anonymous"]),
        signed_in_at=decode_time(started_at) if started_at else None,
    )
