"""The schema of the accounts' database, as ordered, named migrations. Never edit one that was released: add one."""

from __future__ import annotations

from shared.platform.embedded.schema import Migration

ACCOUNT_MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "accounts",
        (
            # Without address and password: an anonymous user, or a name that was taken with an address that has an
            # account already; see docs/decisions/identity.md.
            "CREATE TABLE accounts (id TEXT PRIMARY KEY, username TEXT, username_key TEXT UNIQUE, email TEXT UNIQUE,"
            " password TEXT, verified INTEGER NOT NULL DEFAULT 0, anonymous INTEGER NOT NULL DEFAULT 0,"
            " created_at TEXT NOT NULL, logged_in_at TEXT) STRICT",
            "CREATE TABLE sessions (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,"
            " started_at TEXT NOT NULL, expires_at TEXT NOT NULL) STRICT",
            "CREATE INDEX sessions_by_account ON sessions (account)",
            "CREATE INDEX sessions_by_expires_at ON sessions (expires_at)",
            "CREATE TABLE refresh_tokens (hash TEXT PRIMARY KEY,"
            " session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,"
            " used INTEGER NOT NULL DEFAULT 0, expires_at TEXT NOT NULL) STRICT",
            "CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session)",
            "CREATE TABLE mail_tokens (hash TEXT PRIMARY KEY, purpose TEXT NOT NULL,"
            " account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE, email TEXT,"
            " expires_at TEXT NOT NULL) STRICT",
            "CREATE INDEX mail_tokens_by_account ON mail_tokens (account, purpose)",
            "CREATE TABLE mails (id INTEGER PRIMARY KEY, recipient TEXT, subject TEXT NOT NULL, body TEXT NOT NULL,"
            " created_at TEXT NOT NULL, due_at TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0) STRICT",
            "CREATE INDEX mails_by_due_at ON mails (due_at)",
        ),
    ),
)
