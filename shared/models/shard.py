"""Shards: numbers that spread documents with growing times over several ranges of an index.

Firestore writes at most 500 entries a second to one range of sequential values:
https://cloud.google.com/firestore/docs/solutions/shard-timestamp. Queries by such a time name the shards first.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

SHARDS = 16
"""At most 30: the number of choices of one filter `in`. A higher number needs no migration, a lower one does."""
ALL_SHARDS = tuple(range(SHARDS))


def shard_of(id: str) -> int:
    """Return the shard of a document."""
    return crc32(id.encode()) % SHARDS


def default_shard(fields: dict[str, Any]) -> int:
    """Return the shard of a model from its field `id`."""
    return shard_of(fields["id"])
