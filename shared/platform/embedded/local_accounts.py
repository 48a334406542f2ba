"""Accounts in a SQLite file of the data folder, and their passwords, hashed by argon2id (RFC 9106).

A response about an address is the same, and takes about as long, whether or not the address has an account:
see docs/decisions/identity.md.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import uuid
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from shared import clock
from shared.mail import FolderDelivery, delete_mails, mail_delivery
from shared.platform.accounts import AccountUpdate, User, UserSession
from shared.platform.embedded.account_mails import AccountMails, issue_mail_token, redeem_mail_token
from shared.platform.embedded.account_sessions import AccessTokens, AccountSessions, user_from_row
from shared.platform.embedded.codec import encode_time
from shared.platform.embedded.database import Database
from shared.platform.embedded.mail_queue import MailQueue
from shared.platform.embedded.schema import ACCOUNT_MIGRATIONS
from shared.platform.embedded.signing import derive_key, signing_key
from shared.security.credentials import (
    authentication_error,
    check_password,
    credentials_error,
    invalid_token_error,
    no_account_error,
    parse_email,
    parse_username,
    username_key,
    username_taken_error,
    verification_error,
)
from shared.settings import Settings

UNUSED_LIFETIME = timedelta(days=7)
"""After this time, an account that was never verified or used is deleted, and its name is free."""
# The second recommended option of RFC 9106, 4. It takes 64 MiB, so at most one runs per core.
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
_hashing_slots = threading.BoundedSemaphore(os.cpu_count() or 1)


def open_local_accounts(settings: Settings) -> LocalAccounts:
    """Open the accounts of the data folder, which is created if missing. Several processes may have them open.

    Raises:
        DataFolderError: The file is damaged, or was written by a newer version.
    """
    data = settings.clipwise_data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(data / "accounts.db", ACCOUNT_MIGRATIONS)
    outbox = data / "outbox"
    undelivered = FolderDelivery(outbox / "undelivered")
    mail_queue = MailQueue(database, mail_delivery(settings), undelivered, settings.mail_from)
    sessions = AccountSessions(database, AccessTokens(derive_key(signing_key(settings), "access tokens")))
    mails = AccountMails(settings.account_page_url, settings.public_url)
    accounts = LocalAccounts(database, sessions, mail_queue, mails, settings.verified_email_required, outbox)
    # Delivers mails of an earlier process.
    mail_queue.wake()
    return accounts


class LocalAccounts:
    """The port `Identity` on one machine."""

    def __init__(
        self,
        database: Database,
        sessions: AccountSessions,
        mail_queue: MailQueue,
        mails: AccountMails,
        verified_required: bool,
        outbox: Path,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._mail_queue = mail_queue
        self._mails = mails
        self._verified_required = verified_required
        self._outbox = outbox
        self._passwords = Passwords()

    def verify_token(self, access_token: str) -> User:
        return self._require_verified(self._sessions.authenticate(access_token)[0])

    def sign_up(self, username: str, email: str, password: str) -> None:
        name, address = parse_username(username), parse_email(email)
        check_password(password, name, address)
        password_hash = self._passwords.hash(password)
        id = uuid.uuid4().hex
        with self._database.transaction() as connection:
            self._delete_unused(connection)
            self._check_name_is_free(connection, name, id)
            has_account = self._find_by_email(connection, address) is not None
            # Takes the name for an existing address, too: a free name would reveal that the address has an account.
            self._insert_account(
                connection, id, name, None if has_account else address, None if has_account else password_hash
            )
            token = issue_mail_token(connection, id, "verify")
            mail = (
                self._mails.existing_account_mail(address)
                if has_account
                else self._mails.verification_mail(address, id, token)
            )
            self._mail_queue.enqueue(connection, mail)
        self._mail_queue.wake()

    def verify_email(self, token: str) -> User:
        with self._database.transaction() as connection:
            mail_token = redeem_mail_token(connection, token, "verify", "change")
            account = self._read_by_id(connection, mail_token["account"])
            address = mail_token["email"] or account["email"]
            other = self._find_by_email(connection, address) if address else None
            if address is None or (other is not None and other["id"] != account["id"]):
                raise invalid_token_error()
            connection.execute("UPDATE accounts SET email = ?, verified = 1 WHERE id = ?", (address, account["id"]))
            if account["email"] != address:
                self._mail_queue.enqueue(connection, self._mails.address_changed_mail(account["email"], address))
            user = user_from_row(self._read_by_id(connection, account["id"]))
        self._mail_queue.wake()
        return user

    def log_in(self, name: str, password: str) -> UserSession:
        column, key = ("email", name.strip().lower()) if "@" in name else ("username_key", username_key(name))
        row = self._database.connection.execute(
            f"SELECT * FROM accounts WHERE {column} = ?",  # noqa: S608  # one of two names
            (key,),
        ).fetchone()
        password_hash = row["password"] if row else None
        # First and always, since the time it takes would reveal whether the account exists.
        is_correct = self._passwords.matches(password_hash, password)
        if row is None or password_hash is None or not is_correct:
            raise credentials_error()
        self._require_verified(user_from_row(row))
        new_hash = self._passwords.hash(password) if self._passwords.needs_rehash(password_hash) else password_hash
        with self._database.transaction() as connection:
            connection.execute(
                # Guards against a password change since the row was read.
                "UPDATE accounts SET logged_in_at = ?, password = ? WHERE id = ? AND password = ?",
                (encode_time(clock.now()), new_hash, row["id"], password_hash),
            )
            if connection.execute("SELECT changes()").fetchone()[0] == 0:
                raise credentials_error()
            return self._sessions.begin(row["id"])

    def sign_in_anonymously(self) -> UserSession:
        id = uuid.uuid4().hex
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO accounts (id, anonymous, created_at, logged_in_at) VALUES (?, 1, ?, ?)",
                (id, encode_time(clock.now()), encode_time(clock.now())),
            )
            return self._sessions.begin(id)

    def refresh(self, refresh_token: str) -> UserSession:
        session = self._sessions.refresh(refresh_token)
        self._require_verified(session.user)
        return session

    def log_out(self, access_token: str) -> None:
        self._sessions.end(self._sessions.authenticate(access_token)[1])

    def request_password_reset(self, email: str) -> None:
        address = parse_email(email)
        with self._database.transaction() as connection:
            row = self._find_by_email(connection, address)
            token = issue_mail_token(connection, row["id"], "reset") if row else ""
            mail = self._mails.password_reset_mail(address, row["id"] if row else "", token)
            self._mail_queue.enqueue(connection, mail, no_recipient=row is None)
        self._mail_queue.wake()

    def confirm_password_reset(self, token: str, password: str) -> None:
        check_password(password)
        password_hash = self._passwords.hash(password)
        with self._database.transaction() as connection:
            mail_token = redeem_mail_token(connection, token, "reset")
            row = self._read_by_id(connection, mail_token["account"])
            self._set_password(connection, row, password_hash)
            connection.execute("UPDATE accounts SET verified = 1 WHERE id = ?", (row["id"],))
        self._mail_queue.wake()

    def update_account(self, access_token: str, current_password: str, changes: AccountUpdate) -> User:
        user, _ = self._sessions.authenticate(access_token)
        if user.anonymous:
            raise no_account_error()
        name = parse_username(changes.username) if changes.username is not None else None
        address = parse_email(changes.email) if changes.email is not None else None
        password_hash = None
        if changes.password is not None:
            check_password(changes.password, name or user.username, user.email)
            password_hash = self._passwords.hash(changes.password)
        current = self._read_by_id(self._database.connection, user.id)
        if not self._passwords.matches(current["password"], current_password):
            raise credentials_error()
        with self._database.transaction() as connection:
            row = self._read_by_id(connection, user.id)
            if row["password"] != current["password"]:
                raise credentials_error()
            if name is not None:
                self._check_name_is_free(connection, name, user.id)
                connection.execute(
                    "UPDATE accounts SET username = ?, username_key = ? WHERE id = ?",
                    (name, username_key(name), user.id),
                )
            if address is not None and address != row["email"]:
                self._start_address_change(connection, user.id, address)
            if password_hash is not None:
                self._set_password(connection, row, password_hash)
            updated_user = user_from_row(self._read_by_id(connection, user.id))
        self._mail_queue.wake()
        return updated_user

    def delete_account(self, access_token: str) -> None:
        user, _ = self._sessions.authenticate(access_token)
        with self._database.transaction() as connection:
            tokens = connection.execute("SELECT email FROM mail_tokens WHERE account = ?", (user.id,)).fetchall()
            addresses = [user.email, *(row["email"] for row in tokens)]
            self._mail_queue.discard(connection, addresses)
            connection.execute("DELETE FROM accounts WHERE id = ?", (user.id,))
        delete_mails(self._outbox, addresses)
        self._database.empty_log()

    def _require_verified(self, user: User) -> User:
        if self._verified_required and not user.verified and not user.anonymous:
            raise verification_error()
        return user

    def _start_address_change(self, connection: sqlite3.Connection, id: str, address: str) -> None:
        has_account = self._find_by_email(connection, address) is not None
        token = issue_mail_token(connection, id, "change", address)
        mail = (
            self._mails.existing_account_mail(address)
            if has_account
            else self._mails.address_change_mail(address, id, token)
        )
        self._mail_queue.enqueue(connection, mail)

    def _set_password(self, connection: sqlite3.Connection, row: sqlite3.Row, password_hash: str) -> None:
        connection.execute("UPDATE accounts SET password = ? WHERE id = ?", (password_hash, row["id"]))
        connection.execute("DELETE FROM mail_tokens WHERE account = ? AND purpose = 'reset'", (row["id"],))
        self._sessions.end_all(row["id"])
        if row["email"]:
            self._mail_queue.enqueue(connection, self._mails.password_changed_mail(row["email"]))

    def _insert_account(
        self, connection: sqlite3.Connection, id: str, name: str, address: str | None, password_hash: str | None
    ) -> None:
        connection.execute(
            "INSERT INTO accounts (id, username, username_key, email, password, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (id, name, username_key(name), address, password_hash, encode_time(clock.now())),
        )

    def _delete_unused(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "DELETE FROM accounts WHERE verified = 0 AND logged_in_at IS NULL AND created_at <= ?",
            (encode_time(clock.now() - UNUSED_LIFETIME),),
        )

    def _check_name_is_free(self, connection: sqlite3.Connection, name: str, id: str) -> None:
        key = username_key(name)
        other = connection.execute("SELECT 1 FROM accounts WHERE username_key = ? AND id != ?", (key, id)).fetchone()
        if other:
            raise username_taken_error()

    def _find_by_email(self, connection: sqlite3.Connection, address: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = connection.execute("SELECT * FROM accounts WHERE email = ?", (address,)).fetchone()
        return row

    def _read_by_id(self, connection: sqlite3.Connection, id: str) -> sqlite3.Row:
        """Return the account; raises PermanentError `unauthenticated` if it was deleted meanwhile."""
        row: sqlite3.Row | None = connection.execute("SELECT * FROM accounts WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise authentication_error()
        return row


class Passwords:
    """Hashes and verifies passwords; verifying takes as long without a stored hash."""

    @cached_property
    def _decoy_hash(self) -> str:
        return self.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        with _hashing_slots:
            return _hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Return True if the password has this hash; without a hash, return False after the same work."""
        decoy_hash = self._decoy_hash
        with _hashing_slots:
            try:
                return _hasher.verify(stored or decoy_hash, password) and stored is not None
            except VerifyMismatchError:
                return False

    def needs_rehash(self, stored: str) -> bool:
        """Return True if the hash has other parameters than new hashes."""
        return _hasher.check_needs_rehash(stored)
