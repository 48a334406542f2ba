"""Accounts in a SQLite file of the data folder.

Every answer about an address is the same, and costs about the same, whether or not the address has an account:
see docs/decisions/identity.md.
"""

from __future__ import annotations

import sqlite3
import uuid
from datetime import timedelta

from shared import clock
from shared.mail.delivery import Outbox, delivery
from shared.platform.embedded.accounts import mail_tokens
from shared.platform.embedded.accounts.access_tokens import AccessTokens
from shared.platform.embedded.accounts.letters import Letters
from shared.platform.embedded.accounts.mail_queue import Postman
from shared.platform.embedded.accounts.passwords import Passwords
from shared.platform.embedded.accounts.schema import MIGRATIONS
from shared.platform.embedded.accounts.sessions import Sessions, user_of
from shared.platform.embedded.codec import time_text
from shared.platform.embedded.database import Database
from shared.platform.embedded.keys import derived_key, signing_key
from shared.platform.ports import Changes, Session, User
from shared.security.credentials import check_password, checked_email, checked_username, username_key
from shared.security.refusals import (
    no_account,
    token_invalid,
    unauthenticated,
    unverified,
    username_taken,
    wrong_credentials,
)
from shared.settings import Settings

FORGOTTEN = timedelta(days=7)
"""An account that was never verified or used, and a name taken in vain, are given up after this time."""


def open_accounts(settings: Settings) -> LocalAccounts:
    """The accounts of the data folder, which is made if need be. Any number of processes may have them open.

    Raises:
        SchemaError: The file was written by a newer version.
    """
    data = settings.clipwise_data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(data / "accounts.db", MIGRATIONS)
    database.path.chmod(0o600)
    undelivered = Outbox(data / "outbox" / "undelivered")
    postman = Postman(database, delivery(settings), undelivered, settings.mail_from)
    sessions = Sessions(database, AccessTokens(derived_key(signing_key(settings), "access tokens")))
    letters = Letters(settings.account_page_url, settings.public_url)
    accounts = LocalAccounts(database, sessions, postman, letters, settings.verified_email_required)
    # What a process before this one could not deliver.
    postman.wake()
    return accounts


class LocalAccounts:
    """The port `Identity` on one machine."""

    def __init__(
        self, database: Database, sessions: Sessions, postman: Postman, letters: Letters, verified_required: bool
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._postman = postman
        self._letters = letters
        self._verified_required = verified_required
        self._passwords = Passwords()

    def verify(self, access_token: str) -> User:
        return self._let_in(self._sessions.user(access_token)[0])

    def sign_up(self, username: str, email: str, password: str) -> None:
        name, address = checked_username(username), checked_email(email)
        check_password(password, name, address)
        stored = self._passwords.hash(password)
        id = uuid.uuid4().hex
        with self._database.transaction() as connection:
            self._forget_unused(connection)
            self._check_name_is_free(connection, name, id)
            known = self._by_email(connection, address) is not None
            # A known address takes the name too: else the name would tell afterwards whether the address was known.
            self._create(connection, id, name, None if known else address, None if known else stored)
            token = mail_tokens.issue(connection, id, "verify")
            mail = self._letters.known(address) if known else self._letters.verify(address, id, token)
            self._postman.post(connection, mail)
        self._postman.wake()

    def verify_email(self, token: str) -> User:
        with self._database.transaction() as connection:
            taken = mail_tokens.take(connection, token, "verify", "change")
            before = self._by_id(connection, taken["account"])
            address = taken["email"] or before["email"]
            other = self._by_email(connection, address) if address else None
            if address is None or (other is not None and other["id"] != before["id"]):
                raise token_invalid()
            connection.execute("UPDATE accounts SET email = ?, verified = 1 WHERE id = ?", (address, before["id"]))
            if before["email"] != address:
                self._postman.post(connection, self._letters.address_changed(before["email"], address))
            user = user_of(self._by_id(connection, before["id"]))
        self._postman.wake()
        return user

    def log_in(self, name: str, password: str) -> Session:
        column, key = ("email", name.strip().lower()) if "@" in name else ("username_key", username_key(name))
        row = self._database.connection.execute(
            f"SELECT * FROM accounts WHERE {column} = ?",  # noqa: S608  # one of two names
            (key,),
        ).fetchone()
        stored = row["password"] if row else None
        # Asked first and always, since how long it takes would tell.
        right = self._passwords.matches(stored, password)
        if row is None or stored is None or not right:
            raise wrong_credentials()
        self._let_in(user_of(row))
        fresh = self._passwords.hash(password) if self._passwords.outdated(stored) else stored
        with self._database.transaction() as connection:
            connection.execute(
                # The password may have been changed since it was read.
                "UPDATE accounts SET logged_in_at = ?, password = ? WHERE id = ? AND password = ?",
                (time_text(clock.now()), fresh, row["id"], stored),
            )
            if connection.execute("SELECT changes()").fetchone()[0] == 0:
                raise wrong_credentials()
            return self._sessions.begin(row["id"])

    def sign_in_anonymously(self) -> Session:
        id = uuid.uuid4().hex
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO accounts (id, anonymous, created_at, logged_in_at) VALUES (?, 1, ?, ?)",
                (id, time_text(clock.now()), time_text(clock.now())),
            )
            return self._sessions.begin(id)

    def refresh(self, refresh_token: str) -> Session:
        session = self._sessions.go_on(refresh_token)
        self._let_in(session.user)
        return session

    def log_out(self, access_token: str) -> None:
        self._sessions.end(self._sessions.user(access_token)[1])

    def request_password_reset(self, email: str) -> None:
        address = checked_email(email)
        with self._database.transaction() as connection:
            row = self._by_email(connection, address)
            token = mail_tokens.issue(connection, row["id"], "reset") if row else ""
            mail = self._letters.reset(address, row["id"] if row else "", token)
            self._postman.post(connection, mail, nobody=row is None)
        self._postman.wake()

    def confirm_password_reset(self, token: str, password: str) -> None:
        check_password(password)
        stored = self._passwords.hash(password)
        with self._database.transaction() as connection:
            taken = mail_tokens.take(connection, token, "reset")
            row = self._by_id(connection, taken["account"])
            self._set_password(connection, row, stored)
            connection.execute("UPDATE accounts SET verified = 1 WHERE id = ?", (row["id"],))
        self._postman.wake()

    def change(self, access_token: str, current_password: str, changes: Changes) -> User:
        user, _ = self._sessions.user(access_token)
        if user.anonymous:
            raise no_account()
        name = checked_username(changes.username) if changes.username is not None else None
        address = checked_email(changes.email) if changes.email is not None else None
        stored = None
        if changes.password is not None:
            check_password(changes.password, name or user.username, user.email)
            stored = self._passwords.hash(changes.password)
        current = self._by_id(self._database.connection, user.id)
        if not self._passwords.matches(current["password"], current_password):
            raise wrong_credentials()
        with self._database.transaction() as connection:
            row = self._by_id(connection, user.id)
            if row["password"] != current["password"]:
                raise wrong_credentials()
            if name is not None:
                self._check_name_is_free(connection, name, user.id)
                connection.execute(
                    "UPDATE accounts SET username = ?, username_key = ? WHERE id = ?",
                    (name, username_key(name), user.id),
                )
            if address is not None and address != row["email"]:
                self._begin_change_of_address(connection, user.id, address)
            if stored is not None:
                self._set_password(connection, row, stored)
            changed = user_of(self._by_id(connection, user.id))
        self._postman.wake()
        return changed

    def delete(self, access_token: str) -> None:
        user, _ = self._sessions.user(access_token)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM accounts WHERE id = ?", (user.id,))

    def _let_in(self, user: User) -> User:
        if self._verified_required and not user.verified and not user.anonymous:
            raise unverified()
        return user

    def _begin_change_of_address(self, connection: sqlite3.Connection, id: str, address: str) -> None:
        known = self._by_email(connection, address) is not None
        token = mail_tokens.issue(connection, id, "change", address)
        mail = self._letters.known(address) if known else self._letters.change_address(address, id, token)
        self._postman.post(connection, mail)

    def _set_password(self, connection: sqlite3.Connection, row: sqlite3.Row, stored: str) -> None:
        connection.execute("UPDATE accounts SET password = ? WHERE id = ?", (stored, row["id"]))
        connection.execute("DELETE FROM mail_tokens WHERE account = ? AND purpose = 'reset'", (row["id"],))
        self._sessions.end_all(row["id"])
        if row["email"]:
            self._postman.post(connection, self._letters.password_changed(row["email"]))

    def _create(
        self, connection: sqlite3.Connection, id: str, name: str, address: str | None, stored: str | None
    ) -> None:
        connection.execute(
            "INSERT INTO accounts (id, username, username_key, email, password, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (id, name, username_key(name), address, stored, time_text(clock.now())),
        )

    def _forget_unused(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "DELETE FROM accounts WHERE verified = 0 AND logged_in_at IS NULL AND created_at <= ?",
            (time_text(clock.now() - FORGOTTEN),),
        )

    def _check_name_is_free(self, connection: sqlite3.Connection, name: str, id: str) -> None:
        key = username_key(name)
        other = connection.execute("SELECT 1 FROM accounts WHERE username_key = ? AND id != ?", (key, id)).fetchone()
        if other:
            raise username_taken()

    def _by_email(self, connection: sqlite3.Connection, address: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = connection.execute("SELECT * FROM accounts WHERE email = ?", (address,)).fetchone()
        return row

    def _by_id(self, connection: sqlite3.Connection, id: str) -> sqlite3.Row:
        """Raises PermanentError `unauthenticated` when it was deleted meanwhile."""
        row: sqlite3.Row | None = connection.execute("SELECT * FROM accounts WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise unauthenticated()
        return row
