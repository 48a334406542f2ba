"""Emails for local accounts: their texts, and the tokens in them, which are stored as hashes and valid once."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

from shared import clock
from shared.mail import Mail
from shared.platform.embedded.account_sessions import hash_secret, new_secret
from shared.platform.embedded.codec import decode_time, encode_time
from shared.security.credentials import invalid_token_error

_IGNORE = "If you did not request this, ignore this email."
Purpose = Literal["verify", "reset", "change"]
Mode = Literal["verify-email", "reset-password"]
CONSOLE_PAGES: dict[Mode, str] = {"verify-email": "verify", "reset-password": "reset"}
"""Paths of the console's pages, behind `#/`, that redeem a token."""
LIFETIMES: dict[Purpose, timedelta] = {
    "verify": timedelta(days=3),
    "change": timedelta(days=1),
    "reset": timedelta(hours=1),
}


class AccountMails:
    """Texts with a link to a page, and with the command that does the same.

    Args:
        page: URL of a frontend's page, or empty: the links lead to the console.
        server: URL of this server.
    """

    def __init__(self, page: str, server: str) -> None:
        self._page = page
        self._server = server

    def verification_mail(self, to: str, account: str, token: str) -> Mail:
        instruction = self._instruction("verify-email", account, token)
        return Mail(
            to,
            "Verify your address",
            f"Welcome to Clipwise. To verify this email address, {instruction}\n\n{_IGNORE}\n",
        )

    def existing_account_mail(self, to: str) -> Mail:
        text = (
            "Someone tried to create a Clipwise account with this email address, but the address already has one.\n"
            "If that was you, sign in or reset your password.\n\n"
        )
        return Mail(to, "You have an account", f"{text}{_IGNORE}\n")

    def password_reset_mail(self, to: str, account: str, token: str) -> Mail:
        instruction = self._instruction("reset-password", account, token)
        return Mail(to, "Reset your password", f"To set a new Clipwise password, {instruction}\n\n{_IGNORE}\n")

    def address_change_mail(self, to: str, account: str, token: str) -> Mail:
        instruction = self._instruction("verify-email", account, token)
        return Mail(
            to, "Verify your new address", f"To use this email address for Clipwise, {instruction}\n\n{_IGNORE}\n"
        )

    def password_changed_mail(self, to: str) -> Mail:
        text = "The password of your Clipwise account was changed. All sessions of the account have ended.\n"
        return Mail(to, "Your password was changed", f"{text}If you did not do this, reset your password now.\n")

    def address_changed_mail(self, to: str, new: str) -> Mail:
        text = f"The email address of your Clipwise account was changed to {new}.\n"
        contact = f"If you did not do this, contact the operator of {self._server}.\n"
        return Mail(to, "Your address was changed", text + contact)

    def _instruction(self, mode: Mode, account: str, token: str) -> str:
        if self._page:
            query = urlencode({"mode": mode, "uid": account, "token": token})
            return f"open this link:\n\n{self._page}?{query}"
        # What is behind # reaches no server, so the token is in no log.
        link = f"{self._server.rstrip('/')}/#/{CONSOLE_PAGES[mode]}?{urlencode({'token': token})}"
        command = f"clipwise {mode} {token} --server {self._server}"
        return f"open this link:\n\n{link}\n\nOr run in a terminal:\n\n{command}"


def issue_mail_token(connection: sqlite3.Connection, account: str, purpose: Purpose, email: str | None = None) -> str:
    """Store and return a new token, which replaces older ones for the purpose.

    Args:
        email: The new address of an account, for the purpose `change`.
    """
    token = new_secret()
    connection.execute("DELETE FROM mail_tokens WHERE account = ? AND purpose = ?", (account, purpose))
    connection.execute(
        "INSERT INTO mail_tokens (hash, purpose, account, email, expires_at) VALUES (?, ?, ?, ?, ?)",
        (hash_secret(token), purpose, account, email, encode_time(clock.now() + LIFETIMES[purpose])),
    )
    return token


def redeem_mail_token(connection: sqlite3.Connection, token: str, *purposes: Purpose) -> sqlite3.Row:
    """Delete a token and return its row; raises PermanentError `token_invalid`."""
    marks = ", ".join("?" for _ in purposes)
    row: sqlite3.Row | None = connection.execute(
        f"DELETE FROM mail_tokens WHERE hash = ? AND purpose IN ({marks}) RETURNING *",  # noqa: S608  # marks only
        (hash_secret(token), *purposes),
    ).fetchone()
    if row is None or decode_time(row["expires_at"]) <= clock.now():
        raise invalid_token_error()
    return row
