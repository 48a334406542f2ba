"""Signed links: whoever holds one may make one request until it expires."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from shared import clock
from shared.errors import PermanentError


def sign_link(key: bytes, method: str, path: str, expires: int, filename: str | None = None) -> str:
    """HMAC-SHA256 (RFC 2104) over everything the link grants, as 43 characters that are safe in URLs.

    Args:
        path: As the server sees it, percent-decoded.
        expires: Unix time in seconds.
        filename: The name under which the browser is to save what it gets.
    """
    payload = json.dumps([method, path, expires, filename]).encode()
    return base64.urlsafe_b64encode(hmac.digest(key, payload, hashlib.sha256)).rstrip(b"=").decode()


def verify_link(key: bytes, method: str, path: str, expires: str, filename: str | None, signature: str) -> None:
    """Check a link's `expires` and `signature` as they stand in its query.

    Raises:
        PermanentError: `link_invalid` or, for a link that was good once, `link_expired`.
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
