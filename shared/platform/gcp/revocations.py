"""Which sessions have ended before their ID tokens expire: a document for each user who had theirs ended."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from shared import clock
from shared.platform.ports import Documents, User

REVOCATIONS = "revocations"
CACHE_TIME = timedelta(seconds=60)
"""So long another instance may go on taking a token whose session has ended."""
ID_TOKEN_LIFETIME = timedelta(hours=1, minutes=5)
MAX_CACHED = 10_000


class Revocations:
    """Documents `{owner, validSince, expiresAt}`, read once a minute for each user and instance."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._guard = threading.Lock()
        self._cache: dict[str, tuple[datetime, datetime | None]] = {}

    def end_all(self, uid: str) -> None:
        """No session that has begun until now goes on."""
        # Tokens tell the second in which their session began: all of this second are meant.
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
