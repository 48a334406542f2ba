"""The documents of API keys. Each request with a key reads its document, so that a revoked key stops at once."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from shared import clock
from shared.api_key_format import new_api_key, parse_api_key
from shared.errors import Conflict, NotFound, PermanentError, StorageUnavailable
from shared.models.api_key import ApiKey, KeyScope
from shared.platform.ports import Document, Documents

log = logging.getLogger(__name__)
KEYS = "keys"
MAX_KEYS = 50
"""Most keys of one user."""
LAST_USED_STEP = timedelta(minutes=5)
"""`lastUsedAt` is written at most this often, since a write for each request would cost more than the request."""


def create_api_key(
    documents: Documents, owner: str, id: str, name: str, scopes: Sequence[KeyScope], expires_at: datetime | None
) -> tuple[ApiKey, str]:
    """Store a new key, and return it with its text, which is stored nowhere.

    For an id that exists, the key gets a new text, and the earlier one stops working.
    """
    text = new_api_key(id)
    key = ApiKey(
        id=id,
        owner=owner,
        name=name,
        scopes=sorted(set(scopes), key=list(KeyScope).index),
        hash=_hash(text),
        created_at=clock.now(),
        expires_at=expires_at,
    )
    documents.put(KEYS, id, key.to_document())
    log.info("the API key %s of %s is created: %s, expires %s", id, owner, ", ".join(key.scopes), expires_at or "never")
    return key, text


def read_own_api_key(documents: Documents, id: str, owner: str) -> ApiKey:
    """Return the key; raises NotFound if it does not exist or belongs to another user."""
    stored = documents.get(KEYS, id)
    if stored is None or stored.data["owner"] != owner:
        raise NotFound(id)
    return ApiKey.read(stored.data)


def list_api_keys(documents: Documents, owner: str, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
    """Return a page, newest first, and the cursor of the next page. Raises PermanentError `bad_cursor`."""
    page = documents.query(KEYS, [("owner", "==", owner)], [("createdAt", "desc")], limit, cursor)
    return [ApiKey.read(document.data) for document in page.documents], page.cursor


def count_api_keys(documents: Documents, owner: str) -> int:
    """Return the number of the owner's keys, expired ones included, at most MAX_KEYS."""
    return documents.count(KEYS, [("owner", "==", owner)], MAX_KEYS)


def revoke_api_key(documents: Documents, key: ApiKey) -> None:
    documents.delete(KEYS, key.id)
    log.info("the API key %s of %s is revoked", key.id, key.owner)


def authenticate_api_key(documents: Documents, text: str) -> ApiKey:
    """Return the key with this text, and record its use.

    Raises PermanentError `key_invalid` for an unknown or revoked key, `key_expired` for an expired one.
    """
    id = parse_api_key(text)
    stored = documents.get(KEYS, id) if id else None
    if stored is None or not hmac.compare_digest(stored.data["hash"], _hash(text)):
        raise key_invalid_error()
    key = ApiKey.read(stored.data)
    now = clock.now()
    if key.expires_at is not None and key.expires_at <= now:
        log.info("the API key %s of %s is refused: it has expired", key.id, key.owner)
        raise PermanentError("key_expired", "This API key has expired. Create a new one.")
    if key.last_used_at is None or now - key.last_used_at >= LAST_USED_STEP:
        _record_use(documents, stored, now)
    return key


def _record_use(documents: Documents, stored: Document, now: datetime) -> None:
    # After a conflict, another request has recorded its use, or the key is revoked and must not come back. A full disk
    # does not stop requests that only read.
    with suppress(Conflict, StorageUnavailable):
        documents.replace(KEYS, stored.id, stored.data | {"lastUsedAt": now}, stored.version)


def key_invalid_error() -> PermanentError:
    return PermanentError("key_invalid", "This API key is invalid or revoked. Create a new one.")


def _hash(text: str) -> str:
    # The keys are random: unlike passwords, they need no slow hash.
    return hashlib.sha256(text.encode()).hexdigest()
