"""ID tokens of Firebase and Identity Platform, checked here without asking anyone.

By https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt

from shared.platform.gcp.signing_keys import SigningKeys
from shared.platform.ports import User
from shared.security.refusals import authentication_error
from shared.security.token_times import is_token_current

ALGORITHM = "RS256"
MAX_UID = 128


class IdTokens:
    """Args:
    keys: None takes the emulator's tokens, which nobody has signed, and no others.
    """

    def __init__(self, project: str, keys: SigningKeys | None) -> None:
        self._project = project
        self._keys = keys

    def read(self, token: str) -> User:
        """Raises PermanentError `unauthenticated`, and TransientError when no keys can be had."""
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
            # Without a signature the library checks nothing unless it is told to.
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
