"""Conversion of documents and cursors for Firestore, with the checks that all places share."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from google.cloud.firestore_v1.vector import Vector as FirestoreVector

from shared.platform.ports import Document, Filter, Order, Vector

INT64 = range(-(2**63), 2**63)
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


def write_cursor(last: Document, collection: str, filters: Sequence[Filter], order: Sequence[Order]) -> str:
    """Return the cursor of the page after `last`, without the filters' values: one such as «now» may change."""
    values = [reduce(lambda data, name: data[name], field.split("."), last.data) for field, _ in order]
    text = json.dumps([_query_form(collection, filters, order), *map(_tag_time, values), last.id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_cursor(
    cursor: str | None, collection: str, filters: Sequence[Filter], order: Sequence[Order]
) -> list[Any] | None:
    """Return the order's values and the id to start after; None for the first page.

    Raises ValueError on a cursor of another form of query.
    """
    if cursor is None:
        return None
    try:
        form, *values, id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if form == _query_form(collection, filters, order):
            return [*map(_untag_time, values), id]
    except (ValueError, TypeError):
        pass
    raise ValueError("this cursor belongs to no query of this form")


def _query_form(collection: str, filters: Sequence[Filter], order: Sequence[Order]) -> str:
    form = json.dumps([collection, [condition[:2] for condition in filters], list(order)])
    return hashlib.sha256(form.encode()).hexdigest()[:16]


def _tag_time(value: Any) -> Any:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


def _untag_time(value: Any) -> Any:
    return datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value
