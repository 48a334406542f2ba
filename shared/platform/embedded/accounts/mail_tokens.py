"""The tokens in mails: random, stored as hashes, good once and for a while."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Literal

from shared import clock
from shared.platform.embedded.accounts.sessions import hash_secret, new_secret
from shared.platform.embedded.codec import decode_time, encode_time
from shared.security.refusals import invalid_token_error

Purpose = Literal["verify", "reset", "change"]

LIFETIMES: dict[Purpose, timedelta] = {
    "verify": timedelta(days=3),
    "change": timedelta(days=1),
    "reset": timedelta(hours=1),
}


def issue_mail_token(connection: sqlite3.Connection, account: str, purpose: Purpose, email: str | None = None) -> str:
    """A new token, which replaces older ones for the purpose.

    Args:
        email: The address that an account is to change to.
    """
    token = new_secret()
    connection.execute("DELETE FROM mail_tokens WHERE account = ? AND purpose = ?", (account, purpose))
    connection.execute(
        "INSERT INTO mail_tokens (hash, purpose, account, email, expires_at) VALUES (?, ?, ?, ?, ?)",
        (hash_secret(token), purpose, account, email, encode_time(clock.now() + LIFETIMES[purpose])),
    )
    return token


def redeem_mail_token(connection: sqlite3.Connection, token: str, *purposes: Purpose) -> sqlite3.Row:
    """Use a token up; raises PermanentError `token_invalid`."""
    marks = ", ".join("?" for _ in purposes)
    row: sqlite3.Row | None = connection.execute(
        f"DELETE FROM mail_tokens WHERE hash = ? AND purpose IN ({marks}) RETURNING *",  # noqa: S608  # marks only
        (hash_secret(token), *purposes),
    ).fetchone()
    if row is None or decode_time(row["expires_at"]) <= clock.now():
        raise invalid_token_error()
    return row
