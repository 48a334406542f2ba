"""ID tokens of Firebase and Identity Platform, verified locally with Google's cached public keys.

See https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library
"""

from __future__ import annotations

import logging
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt

from shared import clock
from shared.platform.accounts import User
from shared.platform.gcp.identity_toolkit import TIMEOUT_SEC, unavailable_error
from shared.security.credentials import authentication_error, is_token_current

log = logging.getLogger(__name__)
ALGORITHM = "RS256"
MAX_UID = 128
DEFAULT_LIFETIME = timedelta(hours=1)
SHORTEST_PAUSE = timedelta(minutes=1)
"""Shortest pause between two requests for keys, since anyone can send tokens with invented key ids."""
LONGEST_STALE = timedelta(days=1)


class SigningKeys:
    """Keys by their id (`kid`), from a JSON Web Key Set (RFC 7517)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._guard = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._good_until = self._usable_until = clock.now()

    def key(self, kid: str) -> jwt.PyJWK | None:
        """Return a key, or None if it does not exist; raises TransientError `identity_unavailable` without any keys."""
        with self._guard:
            now = clock.now()
            if (kid not in self._keys or now >= self._good_until) and self._can_fetch(now):
                self._fetch_keys(now)
            if not self._keys or now >= self._usable_until:
                raise unavailable_error()
            return self._keys.get(kid)

    def _can_fetch(self, now: datetime) -> bool:
        return self._fetched_at is None or now - self._fetched_at >= SHORTEST_PAUSE

    def _fetch_keys(self, now: datetime) -> None:
        self._fetched_at = now
        try:
            response = httpx2.get(self._url, timeout=TIMEOUT_SEC).raise_for_status()
            key_set = jwt.PyJWKSet.from_dict(response.json())
        except (httpx2.HTTPError, ValueError, jwt.PyJWTError):
            log.warning("the keys of ID tokens cannot be had just now", exc_info=True)
            return
        self._keys = {key.key_id: key for key in key_set.keys if key.key_id}
        self._good_until = now + _lifetime(response.headers.get("cache-control", ""))
        self._usable_until = self._good_until + LONGEST_STALE


def _lifetime(cache_control: str) -> timedelta:
    match = re.search(r"max-age=(\d{1,9})", cache_control)
    return timedelta(seconds=int(match[1])) if match else DEFAULT_LIFETIME


class IdTokens:
    """Verifies ID tokens of one project.

    Args:
        keys: None accepts only tokens of the emulator, which are not signed.
    """

    def __init__(self, project: str, keys: SigningKeys | None) -> None:
        self._project = project
        self._keys = keys

    def read(self, token: str) -> User:
        """Return the user of a token; raises PermanentError `unauthenticated`, TransientError without any keys."""
        try:
            claims = self._claims(token)
        except (jwt.InvalidTokenError, UnicodeError):
            raise authentication_error() from None
        uid, began = claims["sub"], claims["auth_time"]
        if not isinstance(uid, str) or not 0 < len(uid) <= MAX_UID or not is_token_current(claims):
            raise authentication_error()
        if not isinstance(began, int) or not is_token_current({"iat": began, "exp": claims["exp"]}):
            raise authentication_error()
        provider = (claims.get("firebase") or {}).get("sign_in_provider")
        return User(
            id=uid,
            username=claims.get("name"),
            email=claims.get("email"),
            verified=claims.get("email_verified") is True,
            anonymous=provider == "anonymous",
            signed_in_at=datetime.fromtimestamp(began, UTC),
            admin=claims.get("admin") is True,
        )

    def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        options: Any = {
            "require": ["iss", "aud", "sub", "iat", "exp", "auth_time"],
            "verify_exp": False,
            "verify_iat": False,
        }
        key: jwt.PyJWK | str = ""
        if self._keys is None:
            if header.get("alg") != "none":
                raise authentication_error()
            options["verify_signature"] = False
            # Without a signature the library checks nothing by default.
            options |= {"verify_aud": True, "verify_iss": True}
        else:
            if header.get("alg") != ALGORITHM or not isinstance(header.get("kid"), str):
                raise authentication_error()
            signing_key = self._keys.key(header["kid"])
            if signing_key is None:
                raise authentication_error()
            key = signing_key
        issuer = f"https://securetoken.google.com/{self._project}"
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[ALGORITHM], issuer=issuer, audience=self._project, options=options
        )
        return claims
