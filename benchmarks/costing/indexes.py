"""Counts changes of index entries that follow one another in time: Firestore takes 500 a second for one range of them.

Every write counts that changes the entry, not only a document's creation. An index that begins with the shard has as
many ranges as shards; one that begins with an owner has one for each owner, and is not counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from shared.models.shard import SHARDS

DEFINED = Path(__file__).parents[2] / "infra" / "firestore" / "firestore.indexes.json"
OWNED = frozenset({"owner", "webhookId"})
Data = Mapping[str, Any]


@lru_cache(maxsize=1)
def defined() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DEFINED.read_text(encoding="utf-8"))
    return found


@lru_cache
def exempt(collection: str) -> frozenset[str]:
    """Fields without an index of their own."""
    overrides = defined()["fieldOverrides"]
    return frozenset(
        row["fieldPath"] for row in overrides if row["collectionGroup"] == collection and not row["indexes"]
    )


def sequential_changes(collection: str, old: Data | None, new: Data) -> dict[str, float]:
    """Return the index entries that a write changes, by index, as a share of one range."""
    changes = {}
    for path in {*times(old or {}, exempt(collection)), *times(new, exempt(collection))}:
        if read(old or {}, path) != read(new, path):
            changes[f"index {collection} {path}"] = 1.0
    for index in defined()["indexes"]:
        paths = [field["fieldPath"] for field in index["fields"]]
        if index["collectionGroup"] != collection or OWNED & set(paths):
            continue
        before, after = ([read(data, path) for path in paths] for data in (old or {}, new))
        if before != after and any(isinstance(value, datetime) for value in (*before, *after)):
            changes[f"index {collection} {' '.join(paths)}"] = 1 / SHARDS if paths[0] == "shard" else 1.0
    return changes


def times(data: Data, exempted: frozenset[str], prefix: str = "") -> Iterator[str]:
    for name, value in data.items():
        path = f"{prefix}{name}"
        if path in exempted:
            continue
        if isinstance(value, datetime):
            yield path
        elif isinstance(value, Mapping):
            yield from times(value, exempted, f"{path}.")


def read(data: Data, path: str) -> Any:
    value: Any = data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
