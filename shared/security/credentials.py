"""Usernames, e-mail addresses, passwords and token times: their checks, and the errors all kinds of account share."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from shared import clock
from shared.errors import PermanentError

MAX_USERNAME = 150
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the brackets
MIN_PASSWORD = 8
MAX_PASSWORD = 256
SKEW_SEC = 30
"""Largest difference between our clock and that of a token's issuer."""
_USERNAME = re.compile(rf"[\w.+-]{{1,{MAX_USERNAME}}}")
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The dot-atom form of RFC 5322, 3.4.1: quoted local parts and address literals are unused in practice.
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def parse_username(text: str) -> str:
    """Return the name in NFKC; raises PermanentError `invalid_username`. A name has no `@`, unlike an address."""
    name = unicodedata.normalize("NFKC", text)
    if not _USERNAME.fullmatch(name):
        raise PermanentError(
            "invalid_username",
            f"This user name is not valid. Use 1 to {MAX_USERNAME} letters, digits, “.”, “+”, “-” and “_”.",
        )
    return name


def username_key(name: str) -> str:
    """Return a key that is equal for equal names."""
    return unicodedata.normalize("NFKC", name).casefold()


def parse_email(text: str) -> str:
    """Return the address in lower case, for comparison and delivery; raises PermanentError `invalid_email`."""
    address = text.strip().lower()
    if len(address) > MAX_EMAIL or not _EMAIL.fullmatch(address):
        raise PermanentError("invalid_email", "This is not an e-mail address. Write it like ann@example.com.")
    return address


def check_password(password: str, *personal_texts: str | None) -> None:
    """Check the length, and that it is none of the user's public texts; raises PermanentError `weak_password`.

    Following NIST SP 800-63B, 5.1.1.2, no kind of character is required.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PermanentError(
            "weak_password", f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters. Choose another one."
        )
    if password.casefold() in {text.casefold() for text in personal_texts if text} or len(set(password)) == 1:
        raise PermanentError("weak_password", "This password is too easy to guess. Choose another one.")


def authentication_error() -> PermanentError:
    return PermanentError("unauthenticated", "This token is invalid or expired. Sign in again.")


def credentials_error() -> PermanentError:
    return PermanentError("wrong_credentials", "The user name or password is wrong. Correct it, or reset the password.")


def verification_error() -> PermanentError:
    return PermanentError(
        "unverified",
        "Your e-mail address is not verified. Open the link in the verification mail, or reset your password.",
    )


def username_taken_error() -> PermanentError:
    return PermanentError("username_taken", "This user name is taken. Choose another one.")


def invalid_token_error() -> PermanentError:
    return PermanentError("token_invalid", "This token is invalid, expired or already used. Request a new mail.")


def no_account_error() -> PermanentError:
    return PermanentError("not_offered", "An anonymous user has no account to change. Sign up for one.")


def is_token_current(claims: dict[str, Any], skew_sec: float = SKEW_SEC) -> bool:
    """Return True if a token is issued and not expired (`iat`, `exp`: RFC 7519, 4.1; both must be numbers)."""
    issued, expires = claims.get("iat"), claims.get("exp")
    if not all(isinstance(time, int | float) and not isinstance(time, bool) for time in (issued, expires)):
        return False
    now = clock.now().timestamp()
    return float(issued) <= now + skew_sec and now - skew_sec < float(expires)  # type: ignore[arg-type]  # just checked
