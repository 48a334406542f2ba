"""Access tokens of local accounts: JSON Web Tokens (RFC 7519) that name an account and its session."""

from __future__ import annotations

from datetime import datetime, timedelta

import jwt

from shared import clock
from shared.security.refusals import authentication_error
from shared.security.token_times import is_token_current

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"
ISSUER = "clipwise"
AUDIENCE = "clipwise-api"


class AccessTokens:
    """Made and checked with one key.

    Args:
        key: 32 bytes that are used for nothing else.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, account: str, session: str, signed_in_at: datetime) -> str:
        now = clock.now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account,
            "sid": session,
            "auth_time": int(signed_in_at.timestamp()),
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_TOKEN_LIFETIME).timestamp()),
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def read(self, token: str) -> tuple[str, str]:
        """Account and session, which may have ended; raises PermanentError `unauthenticated`."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={
                    "require": ["iss", "aud", "sub", "sid", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, UnicodeError):
            raise authentication_error() from None
        if not is_token_current(claims, skew_sec=0):
            raise authentication_error()
        return str(claims["sub"]), str(claims["sid"])
