"""Conversion of documents and their sort keys for Firestore, with the checks that all places share."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from google.cloud.firestore_v1.vector import Vector as FirestoreVector

from shared.platform.cursors import INT64, cursor_error, read_cursor
from shared.platform.ports import Document, Order, Vector

DOCUMENT_ID = re.compile(r"(?!\.\.?$|__.*__$)[^/]{1,1500}", re.DOTALL)
RESERVED = re.compile("__.*__", re.DOTALL)


def to_firestore(data: dict[str, Any]) -> dict[str, Any]:
    """Convert data for the client; raises ValueError for values that a document cannot hold."""
    _check_value(data)
    converted: dict[str, Any] = _convert_value(data)
    return converted


def _check_value(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key or RESERVED.fullmatch(key):
                raise ValueError(f"{key!r} cannot be a key in a document")
            _check_value(item)
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, list | tuple):
                raise ValueError("a list in a document cannot hold a list; put a map in between")
            _check_value(item)
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


def _convert_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _convert_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_convert_value(item) for item in value]
    return FirestoreVector(value.values) if isinstance(value, Vector) else value


def from_firestore(value: Any) -> Any:
    """Convert a stored value from the client's types."""
    if isinstance(value, FirestoreVector):
        return Vector(tuple(value))
    if isinstance(value, dict):
        return {key: from_firestore(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_firestore(item) for item in value]
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.time(), value.tzinfo)
    return value


def sort_keys(document: Document, order: Sequence[Order]) -> list[Any]:
    """Return the values of a document to start the next page after: of the order's fields, and its id."""
    return [*(reduce(operator.getitem, field.split("."), document.data) for field, _ in order), document.id]


def read_sort_keys(cursor: str, form: str, length: int) -> list[Any]:
    """Return the values of `sort_keys` in a cursor; raises PermanentError `bad_cursor` if the last one is no id."""
    *values, id = read_cursor(cursor, form, length)
    if not (isinstance(id, str) and DOCUMENT_ID.fullmatch(id)):
        raise cursor_error()
    return [*values, id]
