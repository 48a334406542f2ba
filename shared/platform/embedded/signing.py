"""The secret of the data folder, keys derived from it, and links signed with it.

A signed link allows its bearer one kind of request until it expires.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from shared import clock
from shared.errors import PermanentError
from shared.platform.embedded.database import DataFolderError
from shared.settings import Settings

MIN_KEY_BYTES = 64


def signing_key(settings: Settings) -> bytes:
    """Return SIGNING_KEY or, if it is unset, the key of the data folder, created at first use."""
    return settings.signing_key.encode() or _folder_key(settings.clipwise_data / "signing.key")


def derive_key(key: bytes, purpose: str) -> bytes:
    """Return 32 bytes for one purpose; a signature for one is invalid for another (HKDF-Expand, RFC 5869)."""
    return hmac.digest(key, purpose.encode() + b"\1", "sha256")


def _folder_key(path: Path) -> bytes:
    """Return the key in the file, created by linking a finished file, so that no process reads half of it.

    Raises DataFolderError for a file without a key.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first
        finally:
            draft.unlink()
    key = path.read_bytes()
    if len(key) < MIN_KEY_BYTES:
        # Anyone could sign with an empty key.
        raise DataFolderError(
            f"{path} is damaged: a key has at least {MIN_KEY_BYTES} bytes. Put it back from a backup, or delete it: "
            "then a new key is created, all links stop working, and users sign in again."
        )
    return key


def sign_link(key: bytes, method: str, path: str, expires: int, filename: str | None = None) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of everything the link grants, as 43 URL-safe characters.

    Args:
        path: As the server sees it, percent-decoded.
        expires: Unix time in seconds.
        filename: The name under which browsers save the file.
    """
    payload = json.dumps([method, path, expires, filename]).encode()
    return base64.urlsafe_b64encode(hmac.digest(key, payload, hashlib.sha256)).rstrip(b"=").decode()


def verify_link(key: bytes, method: str, path: str, expires: str, filename: str | None, signature: str) -> None:
    """Check `expires` and `signature`, as in the link's query.

    Raises:
        PermanentError: `link_invalid` or, for a link that was valid before, `link_expired`.
    """
    try:
        until = int(expires)
    except ValueError:
        until = 0
    expected = sign_link(key, method, path, until, filename)
    # As bytes: compare_digest refuses text beyond ASCII.
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise PermanentError("link_invalid", "This link is not valid. Request a new one.")
    if until <= clock.now().timestamp():
        raise PermanentError("link_expired", "This link has expired. Request a new one.")
