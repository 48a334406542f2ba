"""Opaque cursors: the sort key of a page's last document, bound to the form of the query that gave it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from shared.platform.ports import Document, Filter, Order


def write_cursor(last: Document, collection: str, filters: Sequence[Filter], order: Sequence[Order]) -> str:
    """Where the page after `last` starts. The values of filters are left out: a limit such as «now» may move on."""
    values = [reduce(lambda data, name: data[name], field.split("."), last.data) for field, _ in order]
    text = json.dumps([_query_form(collection, filters, order), *map(_tag_time, values), last.id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_cursor(
    cursor: str | None, collection: str, filters: Sequence[Filter], order: Sequence[Order]
) -> list[Any] | None:
    """The order's values and the id to start after; None for the first page.

    Raises ValueError on a cursor that no query of this form gave.
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
