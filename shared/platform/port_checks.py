"""Checks of arguments that the adapters of all places share."""

from __future__ import annotations

import re
from collections.abc import Sequence, Sized

from shared.platform.ports import Filter, Vector
from shared.wiring import wiring

MAX_NEAREST = 1000
MAX_NAME_BYTES = 1024
MAX_WRITES = 500
"""Most documents of one `create_many`, `put_many` or `update_many`."""


def check_bucket(bucket: str) -> None:
    """Raises ValueError for a bucket that is not in the wiring table."""
    if bucket not in wiring().buckets:
        raise ValueError(f"there is no bucket {bucket!r}")


def check_object_name(bucket: str, name: str) -> None:
    """Raises ValueError for an unknown bucket, a name that Cloud Storage rejects, and path traversal."""
    check_bucket(bucket)
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"the object name {name!r} has an empty, '.' or '..' part")
    if any(character in name for character in "\0\r\n"):
        raise ValueError("an object name has no NUL and no line break")
    # A lone surrogate fails here, with a UnicodeEncodeError, which is a ValueError.
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"an object name has at most {MAX_NAME_BYTES} bytes")


def check_writes(changes: Sized) -> None:
    """Raises ValueError for more changes than one request may have."""
    if len(changes) > MAX_WRITES:
        raise ValueError(f"at most {MAX_WRITES} documents are changed at once")


def check_matching_query(field: str, limit: int, filters: Sequence[Filter]) -> None:
    """Raises ValueError for arguments that `Documents.matching` does not accept."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", field):
        raise ValueError(f"{field!r} is not the plain name of a field")
    if not 1 <= limit <= MAX_NEAREST:
        raise ValueError(f"limit must be within 1 to {MAX_NEAREST}")
    if any(op not in ("==", "in") for _, op, _ in filters):
        raise ValueError("searches are filtered by == and in only")


def check_nearest_query(field: str, to: Vector, limit: int, filters: Sequence[Filter]) -> None:
    """Raises ValueError for arguments that `Documents.nearest` does not accept."""
    check_matching_query(field, limit, filters)
    if not any(to.values):
        raise ValueError("nothing is near a vector of zeros")
