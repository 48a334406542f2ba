"""What may stand in a document, checked before the service sees it so that all places refuse the same."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from google.cloud.firestore_v1.vector import Vector as FirestoreVector

from shared.platform.ports import Vector

INT64 = range(-(2**63), 2**63)
RESERVED = re.compile("__.*__", re.DOTALL)


def checked(data: dict[str, Any]) -> dict[str, Any]:
    """The data as the client takes it; raises ValueError on what no document may hold."""
    _check(data)
    stored: dict[str, Any] = _stored(data)
    return stored


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key or RESERVED.fullmatch(key):
                raise ValueError(f"{key!r} cannot be a key in a document")
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, list | tuple):
                raise ValueError("a list in a document cannot hold a list; put a map in between")
            _check(item)
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime needs a time zone")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a document cannot hold NaN or infinity")
    elif isinstance(value, int):
        if value not in INT64:
            raise ValueError("an integer in a document must fit 64 bits")
    elif not (value is None or isinstance(value, str | Vector)):
        raise ValueError(f"a document cannot hold a {type(value).__name__}")


def _stored(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]
    return FirestoreVector(value.values) if isinstance(value, Vector) else value


def plain(value: Any) -> Any:
    """A stored value with our own types in place of the client's."""
    if isinstance(value, FirestoreVector):
        return Vector(tuple(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.time(), value.tzinfo)
    return value
