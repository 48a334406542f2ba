"""Usernames, e-mail addresses and passwords: which may be chosen, and when two are the same."""

from __future__ import annotations

import re
import unicodedata

from shared.errors import PermanentError

MAX_USERNAME = 150
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the brackets
MIN_PASSWORD = 8
MAX_PASSWORD = 256

_USERNAME = re.compile(rf"[\w.+-]{{1,{MAX_USERNAME}}}")
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The dot-atom form of RFC 5322, 3.4.1: quoted local parts and address literals are nobody's in practice.
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def parse_username(text: str) -> str:
    """The name in one form (NFKC); raises PermanentError `invalid_username`. It has no `@`: addresses have one."""
    name = unicodedata.normalize("NFKC", text)
    if not _USERNAME.fullmatch(name):
        raise PermanentError(
            "invalid_username",
            f"This user name is not valid. Use 1 to {MAX_USERNAME} letters, digits, “.”, “+”, “-” and “_”.",
        )
    return name


def username_key(name: str) -> str:
    """Names with the same key are the same name."""
    return unicodedata.normalize("NFKC", name).casefold()


def parse_email(text: str) -> str:
    """The address in lower case, as it is compared and sent to; raises PermanentError `invalid_email`."""
    address = text.strip().lower()
    if len(address) > MAX_EMAIL or not _EMAIL.fullmatch(address):
        raise PermanentError("invalid_email", "This is not an e-mail address. Write it like ann@example.com.")
    return address


def check_password(password: str, *personal_texts: str | None) -> None:
    """Length, and that it is none of what everybody knows of the user; raises PermanentError `weak_password`.

    After NIST SP 800-63B, 5.1.1.2: no rules on which signs it must have.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PermanentError(
            "weak_password", f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters. Choose another one."
        )
    if password.casefold() in {text.casefold() for text in personal_texts if text} or len(set(password)) == 1:
        raise PermanentError("weak_password", "This password is too easy to guess. Choose another one.")
