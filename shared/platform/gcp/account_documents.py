"""Documents beside the accounts of Identity Platform: unique usernames, and the ends of sessions.

Identity Platform has neither usernames nor the end of an ID token before it expires.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta

from shared import clock
from shared.errors import AlreadyExists, Conflict
from shared.platform.accounts import User
from shared.platform.ports import Documents
from shared.security.credentials import username_key, username_taken_error

USERNAMES = "usernames"
UNUSED_NAME_LIFETIME = timedelta(days=7)
"""How long a name is reserved before the first sign-in."""
REVOCATIONS = "revocations"
CACHE_TIME = timedelta(seconds=60)
"""How long another instance may accept a token after its session has ended."""
ID_TOKEN_LIFETIME = timedelta(hours=1, minutes=5)
MAX_CACHED = 10_000


class Usernames:
    """Documents `{owner, expiresAt}`; only the account contains the name itself."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def owner(self, name: str) -> str | None:
        stored = self._documents.get(USERNAMES, _username_id(name))
        return stored.data["owner"] if stored else None

    def reserve(self, name: str, owner: str | None = None) -> None:
        """Reserve a name until it is confirmed or UNUSED_NAME_LIFETIME ends; raises PermanentError `username_taken`."""
        try:
            self._documents.create(USERNAMES, _username_id(name), _username_document(owner, UNUSED_NAME_LIFETIME))
        except AlreadyExists:
            stored = self._documents.get(USERNAMES, _username_id(name))
            if stored is None:
                raise username_taken_error() from None
            expires = stored.data["expiresAt"]
            if (expires is None or expires > clock.now()) and (owner is None or stored.data["owner"] != owner):
                raise username_taken_error() from None
            try:
                self._documents.replace(
                    USERNAMES, _username_id(name), _username_document(owner, UNUSED_NAME_LIFETIME), stored.version
                )
            except Conflict:
                raise username_taken_error() from None

    def assign(self, name: str, owner: str) -> None:
        """Assign a reserved name to a user."""
        self._documents.put(USERNAMES, _username_id(name), _username_document(owner, UNUSED_NAME_LIFETIME))

    def confirm(self, name: str, owner: str) -> None:
        """Assign the name to the user without expiry, unless another user has it by now."""
        stored = self._documents.get(USERNAMES, _username_id(name))
        if stored and stored.data == _username_document(owner, None):
            return
        if stored is None or stored.data["owner"] == owner:
            try:
                if stored:
                    self._documents.replace(
                        USERNAMES, _username_id(name), _username_document(owner, None), stored.version
                    )
                else:
                    self._documents.create(USERNAMES, _username_id(name), _username_document(owner, None))
            except Conflict:
                return

    def release(self, name: str, owner: str | None = None) -> None:
        if self.owner(name) == owner:
            self._documents.delete(USERNAMES, _username_id(name))


def _username_id(name: str) -> str:
    return hashlib.sha256(username_key(name).encode()).hexdigest()


def _username_document(owner: str | None, lifetime: timedelta | None) -> dict[str, object]:
    return {"owner": owner, "expiresAt": clock.now() + lifetime if lifetime else None}


class Revocations:
    """Documents `{owner, validSince, expiresAt}`, read once a minute for each user and instance."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._guard = threading.Lock()
        self._cache: dict[str, tuple[datetime, datetime | None]] = {}

    def end_all(self, uid: str) -> None:
        """End all sessions that have begun until now."""
        # Tokens have the start of their session in seconds: this includes all of the current second.
        since = datetime.fromtimestamp(int(clock.now().timestamp()) + 1, UTC)
        data = {"owner": uid, "validSince": since, "expiresAt": since + ID_TOKEN_LIFETIME}
        self._documents.put(REVOCATIONS, uid, data)
        self._store_in_cache(uid, since)

    def has_ended(self, user: User) -> bool:
        since = self.valid_since(user.id)
        return since is not None and user.signed_in_at is not None and user.signed_in_at < since

    def valid_since(self, uid: str) -> datetime | None:
        cached = self._cache.get(uid)
        if cached and clock.now() - cached[0] < CACHE_TIME:
            return cached[1]
        stored = self._documents.get(REVOCATIONS, uid)
        since: datetime | None = stored.data["validSince"] if stored else None
        self._store_in_cache(uid, since)
        return since

    def _store_in_cache(self, uid: str, since: datetime | None) -> None:
        with self._guard:
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            self._cache[uid] = (clock.now(), since)
