"""Which buckets and objects there can be, in every place."""

from __future__ import annotations

from shared.pipeline.wiring import wiring

MAX_NAME_BYTES = 1024


def check_bucket(bucket: str) -> None:
    """Raises ValueError for a bucket that is not in the wiring table."""
    if bucket not in wiring().buckets:
        raise ValueError(f"there is no bucket {bucket!r}")


def check_name(bucket: str, name: str) -> None:
    """Raises ValueError for an unknown bucket, a name Cloud Storage refuses, and what looks like a path trick."""
    check_bucket(bucket)
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"the object name {name!r} has an empty, '.' or '..' part")
    if any(character in name for character in "\0\r\n"):
        raise ValueError("an object name has no NUL and no line break")
    # A lone surrogate fails here, with a UnicodeEncodeError, which is a ValueError.
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"an object name has at most {MAX_NAME_BYTES} bytes")
