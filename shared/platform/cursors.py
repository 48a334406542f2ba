"""Cursors of paged queries: where the next page starts. A cursor is valid for queries of the same form only."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.errors import PermanentError
from shared.platform.ports import Filter, Order

INT64 = range(-(2**63), 2**63)


def cursor_error() -> PermanentError:
    return PermanentError(
        "bad_cursor", "This cursor does not belong to this list. Request the first page, without a cursor."
    )


def query_form(collection: str, filters: Sequence[Filter], order: Sequence[Order]) -> str:
    """Return a digest of a query without the filters' values: one such as «now» may change between pages."""
    form = json.dumps([collection, [condition[:2] for condition in filters], list(order)])
    return hashlib.sha256(form.encode()).hexdigest()[:16]


def write_cursor(form: str, last: Sequence[Any]) -> str:
    """Return the cursor of the page after the item with these sort keys: texts, numbers, booleans, times or None."""
    return base64.urlsafe_b64encode(json.dumps([form, *map(_tag_time, last)]).encode()).decode()


def read_cursor(cursor: str, form: str, length: int) -> list[Any]:
    """Return the sort keys in a cursor; raises PermanentError `bad_cursor` unless they are `length` keys of `form`."""
    try:
        cursor_form, *last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if cursor_form == form and len(last) == length:
            return [_untag_time(value) for value in last]
    except (ValueError, TypeError, LookupError):
        pass
    raise cursor_error()


def write_offset(form: str, offset: int) -> str:
    """Return the cursor of the page that starts after `offset` items of a list that is computed as a whole."""
    return write_cursor(form, [offset])


def read_offset(cursor: str | None, form: str) -> int:
    """Return the number of items before a page, 0 without a cursor; raises PermanentError `bad_cursor`."""
    (offset,) = [0] if cursor is None else read_cursor(cursor, form, 1)
    if not isinstance(offset, int) or offset < 0:
        raise cursor_error()
    return offset


def _tag_time(value: Any) -> Any:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


def _untag_time(value: Any) -> Any:
    """Return a sort key; raises ValueError, TypeError or LookupError for what no cursor of ours holds."""
    if isinstance(value, dict):
        return datetime.fromisoformat(value["time"])
    if isinstance(value, list) or (isinstance(value, int) and value not in INT64):
        raise ValueError
    return value
