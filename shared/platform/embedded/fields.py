"""SQL for a field of a document: its sort key, and the conditions of filters.

Values order as in Firestore: by type first (null, booleans, numbers, times, texts, arrays, maps), then by value.
A field that is missing has no rank (NULL).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.platform.embedded.codec import encode_time, escape_nul
from shared.platform.ports import Filter

NULL, BOOLEAN, NUMBER, TIME, TEXT = range(5)
MAX_CHOICES = 30
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")

Condition = tuple[str, list[Any]]


def type_rank_sql(path: str) -> str:
    """Return the SQL of a field's type rank. Indexes repeat it: a change needs a migration that rebuilds them."""
    _check_path(path)
    return (
        f"CASE json_type(data, '$.{path}') WHEN 'null' THEN 0 WHEN 'false' THEN 1 WHEN 'true' THEN 1"
        f" WHEN 'integer' THEN 2 WHEN 'real' THEN 2 WHEN 'text' THEN 4 WHEN 'array' THEN 5"
        f" WHEN 'object' THEN iif(json_type(data, '$.{path}.\"$time\"') IS NULL, 6, 3) END"
    )


def value_sql(path: str) -> str:
    """Return the SQL of a field's value within its rank. Indexes repeat it, as for `type_rank_sql`."""
    _check_path(path)
    return f"coalesce(json_extract(data, '$.{path}.\"$time\"'), json_extract(data, '$.{path}'), 0)"


def filter_condition(filter: Filter, max_choices: int = MAX_CHOICES) -> Condition:
    """Return the SQL of a filter.

    Raises ValueError for an unknown operator, an invalid path, a non-scalar value or too many choices.
    """
    path, op, operand = filter
    if op == "in":
        if len(operand) > max_choices:
            raise ValueError(f"a filter has at most {max_choices} choices")
        return _in_condition(path, operand)
    operand_rank, operand_value = sort_key(operand)
    if op == "==":
        return f"({value_sql(path)} = ? AND {type_rank_sql(path)} = ?)", [operand_value, operand_rank]
    if op in ("<", "<=", ">", ">="):
        if operand is None:
            return "0", []
        return f"({type_rank_sql(path)} = ? AND {value_sql(path)} {op} ?)", [operand_rank, operand_value]
    if op == "array_contains":
        if operand is None:
            return "0", []
        return _array_condition(path, operand_rank, operand_value)
    raise ValueError(f"unknown operator {op!r}")


def sort_key(operand: Any) -> tuple[int, Any]:
    """Return rank and value of a scalar; raises ValueError for lists, maps and other types."""
    if operand is None:
        return NULL, 0
    if isinstance(operand, bool):
        return BOOLEAN, int(operand)
    if isinstance(operand, int | float):
        return NUMBER, operand
    if isinstance(operand, datetime):
        return TIME, encode_time(operand)
    if isinstance(operand, str):
        return TEXT, escape_nul(operand)
    raise ValueError(f"a filter cannot compare with a {type(operand).__name__}")


def after_cursor(keys: Sequence[tuple[str, str]], last: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition that a row follows `last` in the order of `keys`."""
    names = [sql for sql, _ in keys]
    if len({way for _, way in keys}) == 1:
        # A row value lets SQLite start in the middle of an index.
        sign = ">" if keys[0][1] == "asc" else "<"
        return f"({', '.join(names)}) {sign} ({', '.join('?' * len(names))})", list(last)
    branches: list[str] = []
    parameters: list[Any] = []
    for n, (sql, way) in enumerate(keys):
        equal = [f"{name} = ?" for name in names[:n]]
        branches.append(" AND ".join([*equal, f"{sql} {'>' if way == 'asc' else '<'} ?"]))
        parameters += last[: n + 1]
    return "(" + " OR ".join(branches) + ")", parameters


def _in_condition(path: str, operands: Sequence[Any]) -> Condition:
    by_rank: dict[int, list[Any]] = {}
    for item in operands:
        operand_rank, operand_value = sort_key(item)
        by_rank.setdefault(operand_rank, []).append(operand_value)
    # One IN for each type, which an index can serve.
    parts = [
        f"({value_sql(path)} IN ({', '.join('?' * len(items))}) AND {type_rank_sql(path)} = ?)"
        for items in by_rank.values()
    ]
    parameters = [parameter for operand_rank, items in by_rank.items() for parameter in (*items, operand_rank)]
    return (f"({' OR '.join(parts)})", parameters) if parts else ("0", [])


def _array_condition(path: str, operand_rank: int, operand_value: Any) -> Condition:
    item, types = {
        BOOLEAN: ("each.value", ("true", "false")),
        NUMBER: ("each.value", ("integer", "real")),
        TIME: ("json_extract(each.value, '$.\"$time\"')", ("object",)),
        TEXT: ("each.value", ("text",)),
    }[operand_rank]
    _check_path(path)
    marks = ", ".join(f"'{name}'" for name in types)
    return (  # the path is checked, the rest are constants
        f"(json_type(data, '$.{path}') = 'array' AND EXISTS (SELECT 1 FROM json_each(data, '$.{path}') AS each"  # noqa: S608
        f" WHERE each.type IN ({marks}) AND {item} = ?))",
        [operand_value],
    )


def _check_path(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a dotted path of plain names")
