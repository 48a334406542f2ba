"""The times in a JSON Web Token, by our own clock."""

from __future__ import annotations

from typing import Any

from shared import clock

SKEW_SEC = 30
"""How far the clock of whoever issued a token may be from ours."""


def is_token_current(claims: dict[str, Any], skew_sec: float = SKEW_SEC) -> bool:
    """Whether the token was issued and has not expired (`iat`, `exp`: RFC 7519, 4.1; both must be numbers)."""
    issued, expires = claims.get("iat"), claims.get("exp")
    if not all(isinstance(time, int | float) and not isinstance(time, bool) for time in (issued, expires)):
        return False
    now = clock.now().timestamp()
    return float(issued) <= now + skew_sec and now - skew_sec < float(expires)  # type: ignore[arg-type]  # just checked
