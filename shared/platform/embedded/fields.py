"""SQL for a field of a document: its sort key, and the conditions of filters.

Values order as in Firestore: by type first (null, booleans, numbers, times, texts, arrays, maps), then by value.
A field that is missing has no rank (NULL).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.platform.embedded.codec import escape, time_text
from shared.platform.ports import Filter

NULL, BOOLEAN, NUMBER, TIME, TEXT = range(5)
MAX_CHOICES = 30
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")

Condition = tuple[str, list[Any]]


def rank(path: str) -> str:
    """The SQL of a field's type rank. Indexes spell it the same: a change here needs a migration that rebuilds them."""
    _check(path)
    return (
        f"CASE json_type(data, '$.{path}') WHEN 'null' THEN 0 WHEN 'false' THEN 1 WHEN 'true' THEN 1"
        f" WHEN 'integer' THEN 2 WHEN 'real' THEN 2 WHEN 'text' THEN 4 WHEN 'array' THEN 5"
        f" WHEN 'object' THEN iif(json_type(data, '$.{path}.\"$time\"') IS NULL, 6, 3) END"
    )


def value(path: str) -> str:
    """The SQL of a field's value within its rank; the same holds as for `rank`."""
    _check(path)
    return f"coalesce(json_extract(data, '$.{path}.\"$time\"'), json_extract(data, '$.{path}'), 0)"


def condition(filter: Filter) -> Condition:
    """Raises ValueError for an unknown operator, a path that is not plain, and values other than scalars."""
    path, op, wanted = filter
    if op == "in":
        return _any_of(path, wanted)
    wanted_rank, wanted_value = sort_key(wanted)
    if op == "==":
        return f"({value(path)} = ? AND {rank(path)} = ?)", [wanted_value, wanted_rank]
    if op in ("<", "<=", ">", ">="):
        if wanted is None:
            return "0", []
        return f"({rank(path)} = ? AND {value(path)} {op} ?)", [wanted_rank, wanted_value]
    if op == "array_contains":
        if wanted is None:
            return "0", []
        return _contains(path, wanted_rank, wanted_value)
    raise ValueError(f"unknown operator {op!r}")


def sort_key(wanted: Any) -> tuple[int, Any]:
    """Rank and value of a scalar. Raises ValueError for lists, maps and other types."""
    if wanted is None:
        return NULL, 0
    if isinstance(wanted, bool):
        return BOOLEAN, int(wanted)
    if isinstance(wanted, int | float):
        return NUMBER, wanted
    if isinstance(wanted, datetime):
        return TIME, time_text(wanted)
    if isinstance(wanted, str):
        return TEXT, escape(wanted)
    raise ValueError(f"a filter cannot compare with a {type(wanted).__name__}")


def _any_of(path: str, wanted: Sequence[Any]) -> Condition:
    if len(wanted) > MAX_CHOICES:
        raise ValueError(f"a filter has at most {MAX_CHOICES} choices")
    by_rank: dict[int, list[Any]] = {}
    for item in wanted:
        wanted_rank, wanted_value = sort_key(item)
        by_rank.setdefault(wanted_rank, []).append(wanted_value)
    # One IN for each type, which an index can serve.
    parts = [f"({value(path)} IN ({', '.join('?' * len(items))}) AND {rank(path)} = ?)" for items in by_rank.values()]
    given = [each for wanted_rank, items in by_rank.items() for each in (*items, wanted_rank)]
    return (f"({' OR '.join(parts)})", given) if parts else ("0", [])


def _contains(path: str, wanted_rank: int, wanted_value: Any) -> Condition:
    item, types = {
        BOOLEAN: ("each.value", ("true", "false")),
        NUMBER: ("each.value", ("integer", "real")),
        TIME: ("json_extract(each.value, '$.\"$time\"')", ("object",)),
        TEXT: ("each.value", ("text",)),
    }[wanted_rank]
    _check(path)
    marks = ", ".join(f"'{name}'" for name in types)
    return (  # the path is checked, the rest are constants
        f"(json_type(data, '$.{path}') = 'array' AND EXISTS (SELECT 1 FROM json_each(data, '$.{path}') AS each"  # noqa: S608
        f" WHERE each.type IN ({marks}) AND {item} = ?))",
        [wanted_value],
    )


def _check(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a dotted path of plain names")
