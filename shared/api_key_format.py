"""The text of personal API keys: `clipwise_ID_SECRET`, in a form that secret scanners find.

ID is the 32 hexadecimal digits by which the owner finds the key in the list. SECRET is 32 random characters and a
checksum of six: the CRC-32 of everything before it, in base 62, as in GitHub's tokens
(https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/).
"""

from __future__ import annotations

import re
import secrets
import string
import zlib

PREFIX = "clipwise_"
PATTERN = r"clipwise_(?P<id>[0-9a-f]{32})_(?P<secret>[0-9A-Za-z]{38})"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_CHARS, CHECKSUM_CHARS = 32, 6
_KEY = re.compile(PATTERN)


def new_api_key(id: str) -> str:
    """Return a new key of 190 random bits with this id, which has 32 hexadecimal digits."""
    text = f"{PREFIX}{id}_{''.join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARS))}"
    return text + checksum(text)


def is_api_key(text: str) -> bool:
    """Return True if the text claims to be a key, valid or not."""
    return text.startswith(PREFIX)


def parse_api_key(text: str) -> str | None:
    """Return the id in a key; None for a text with another form or a wrong checksum."""
    match = _KEY.fullmatch(text)
    if match is None or checksum(text[:-CHECKSUM_CHARS]) != text[-CHECKSUM_CHARS:]:
        return None
    return match["id"]


def redact_api_keys(text: str) -> str:
    """Replace the secret of each key in a text, so that only its id remains."""
    return _KEY.sub(rf"{PREFIX}\g<id>_…", text) if PREFIX in text else text


def checksum(text: str) -> str:
    """Return the CRC-32 of the text in base 62, most significant digit first, padded to CHECKSUM_CHARS."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_CHARS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
