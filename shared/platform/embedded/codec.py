"""Documents as JSON text that SQLite can query: aware datetimes are tagged, everything round-trips."""

from __future__ import annotations

import base64
import json
import re
from array import array
from datetime import UTC, datetime
from typing import Any

from shared.platform.ports import Vector

TIME_KEY = "$time"
VECTOR_KEY = "$vector"
MAX_BYTES = 1_048_576

# How a text looks that contains an escaped key or NUL; nearly none does, and decoding it takes three times as long.
_ESCAPES = ('"$$', "\\u0001")
_RESERVED = re.compile("__.*__", re.DOTALL)


def encode_time(time: datetime) -> str:
    """Return ISO 8601 in UTC at fixed width, so that texts sort like their times."""
    if time.tzinfo is None:
        raise ValueError("a datetime needs a time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def encode_vector(vector: Vector) -> str:
    """Return Base64 of the numbers as doubles in native byte order: the data folder stays on one machine."""
    return base64.b64encode(array("d", vector.values).tobytes()).decode()


def vector_bytes(text: str) -> bytes:
    return base64.b64decode(text)


def escape_nul(text: str) -> str:
    """Replace NUL, where SQLite's JSON functions end a text; distinct texts stay distinct and in order."""
    if "\0" in text or "\1" in text:
        text = text.replace("\1", "\1\2").replace("\0", "\1\1")
    return text


def unescape_nul(text: str) -> str:
    if "\1" in text:
        text = text.replace("\1\1", "\0").replace("\1\2", "\1")
    return text


def encode_document(data: dict[str, Any]) -> str:
    """Return the text to store. Rejects what Firestore rejects, so that one machine is enough to find it.

    Raises:
        ValueError: For other types, naive times, NaN, infinity, integers over 64 bits, lists in lists, keys that are
            empty or in double underscores, and more than 1 MiB.
    """
    text = json.dumps(_tag_value(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate fails here, with a UnicodeEncodeError, which is a ValueError.
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"a document may have at most {MAX_BYTES} bytes")
    return text


def decode_document(text: str) -> dict[str, Any]:
    if any(mark in text for mark in _ESCAPES):
        data: dict[str, Any] = _untag_value(json.loads(text))
    else:
        data = json.loads(text, object_hook=_untag_object)
    return data


def _tag_value(value: Any) -> Any:
    if isinstance(value, str):
        return escape_nul(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError("an integer in a document must fit 64 bits")
        return value
    if isinstance(value, datetime):
        return {TIME_KEY: encode_time(value)}
    if isinstance(value, Vector):
        return {VECTOR_KEY: encode_vector(value)}
    if isinstance(value, dict):
        return {
            _tag_key(key): item if item is None or item is True or item is False else _tag_value(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        if any(isinstance(item, list | tuple) for item in value):
            raise ValueError("a list in a document cannot hold a list; put a map in between")
        return [_tag_value(item) for item in value]
    raise ValueError(f"a document cannot hold a {type(value).__name__}")


def _tag_key(key: Any) -> str:
    if isinstance(key, str) and key.isalnum():
        return key  # as nearly all of them
    if not isinstance(key, str) or not key or _RESERVED.fullmatch(key):
        raise ValueError(f"{key!r} cannot be a key in a document")
    return escape_nul("$" + key if key.startswith("$") else key)


def _untag_value(value: Any) -> Any:
    if isinstance(value, str):
        return unescape_nul(value)
    if isinstance(value, list):
        return [_untag_value(item) for item in value]
    if isinstance(value, dict):
        untagged = _untag_object(value)
        if untagged is not value:
            return untagged
        return {
            unescape_nul(key[1:] if key.startswith("$") else key): _untag_value(item) for key, item in value.items()
        }
    return value


def _untag_object(value: dict[str, Any]) -> Any:
    """Return the time or vector that an object stands for; any other object as it is."""
    if TIME_KEY in value:
        return decode_time(value[TIME_KEY])
    if VECTOR_KEY in value:
        return Vector(tuple(array("d", vector_bytes(value[VECTOR_KEY]))))
    return value
