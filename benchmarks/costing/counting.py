"""Counts what a job asks of a place: the ports, wrapped, in the units that Google Cloud bills.

Each call is counted as shared/platform/gcp makes it: a query reads what it finds, at least one document, and one more
to see if there is a next page; a copy is a look and a rewrite; deleting objects is free.
"""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks.costing.indexes import sequential_changes
from shared.platform.gcp.documents import split_choices
from shared.platform.ports import (
    Bus,
    Document,
    DocumentPage,
    Documents,
    Filter,
    Matches,
    NewObject,
    ObjectInfo,
    Objects,
    Order,
    Place,
    Unsubscribe,
    UploadSession,
    Vector,
)
from shared.wiring import wiring

LEAST_MESSAGE = 1000
"""Bytes that a request to Pub/Sub costs at least."""
PIECE = 4 * 1024 * 1024
PAGE = 1000
COUNTED_PER_READ = 1000
Count = Callable[..., None]


class Ledger:
    """Counts by the function that is running: `entries[function][unit]`; thread-safe."""

    def __init__(self) -> None:
        self.entries: dict[str, Counter[str]] = {}
        self.now = "api"
        self._guard = threading.Lock()
        self._here = threading.local()

    def add(self, **units: float) -> None:
        telling = getattr(self._here, "telling", False)
        with self._guard:
            entry = self.entries.setdefault(self.now, Counter())
            for unit, count in units.items():
                entry[unit] += count  # type: ignore[assignment]  # bytes and seconds are counted, too
                if telling:
                    entry[f"progress {unit}"] += count  # type: ignore[assignment]

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What this thread does meanwhile is counted once more as `progress UNIT`."""
        self._here.telling = True
        try:
            yield
        finally:
            self._here.telling = False

    def total(self) -> Counter[str]:
        with self._guard:
            return sum(self.entries.values(), Counter())


def counted(platform: Place, ledger: Ledger) -> Place:
    documents = CountedDocuments(platform.documents, ledger.add)
    objects = CountedObjects(platform.objects, ledger.add)
    return Place(documents, objects, CountedBus(platform.bus, ledger.add))


class CountedDocuments:
    def __init__(self, inner: Documents, count: Count) -> None:
        self._inner = inner
        self._count = count

    def get(self, collection: str, id: str) -> Document | None:
        self._count(reads=1)
        return self._inner.get(collection, id)

    def create(self, collection: str, id: str, data: dict[str, Any]) -> str:
        version = self._inner.create(collection, id, data)
        self._count_write(collection, None, data)
        return version

    def replace(self, collection: str, id: str, data: dict[str, Any], version: str) -> str:
        old = self._inner.get(collection, id)
        version = self._inner.replace(collection, id, data, version)
        self._count_write(collection, old, data)
        return version

    def create_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> Sequence[str]:
        existing = self._inner.create_many(collection, documents)
        for id, data in documents.items():
            if id not in existing:
                self._count_write(collection, None, data)
        return existing

    def put_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> None:
        for id, data in documents.items():
            self._count_write(collection, self._inner.get(collection, id), data)
        self._inner.put_many(collection, documents)

    def update_many(self, collection: str, changes: Sequence[Document]) -> Sequence[str]:
        old = [self._inner.get(collection, change.id) for change in changes]
        conflicts = self._inner.update_many(collection, changes)
        for before, change in zip(old, changes, strict=True):
            if change.id not in conflicts:
                self._count_write(collection, before, (before.data if before else {}) | change.data)
        return conflicts

    def _count_write(self, collection: str, old: Document | None, data: dict[str, Any]) -> None:
        indexes = sequential_changes(collection, old.data if old else None, data)
        self._count(writes=1, **{f"writes {collection}": 1}, **indexes)

    def put(self, collection: str, id: str, data: dict[str, Any]) -> str:
        self._count_write(collection, self._inner.get(collection, id), data)
        return self._inner.put(collection, id, data)

    def delete(self, collection: str, id: str) -> None:
        self._count(deletes=1)
        self._inner.delete(collection, id)

    def delete_expired(self, collection: str, before: datetime, limit: int) -> int:
        """Firestore's TTL policies delete by themselves, and bill each deletion."""
        deleted = self._inner.delete_expired(collection, before, limit)
        self._count(deletes=deleted)
        return deleted

    def query(
        self,
        collection: str,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> DocumentPage:
        page = self._inner.query(collection, filters, order, limit, cursor)
        self._count(queries=1, reads=max(1, len(page.documents) + (page.cursor is not None)))
        return page

    def count(self, collection: str, filters: Sequence[Filter], limit: int) -> int:
        counted = self._inner.count(collection, filters, limit)
        self._count(queries=1, reads=max(1, math.ceil(counted / COUNTED_PER_READ)))
        return counted

    def nearest(
        self, collection: str, field: str, to: Vector, limit: int, filters: Sequence[Filter] = ()
    ) -> Sequence[tuple[Document, float]]:
        found = self._inner.nearest(collection, field, to, limit, filters)
        self._count(queries=len(split_choices(filters)), reads=max(1, len(found)))
        return found

    def matching(
        self, collection: str, field: str, values: Sequence[str], limit: int, filters: Sequence[Filter] = ()
    ) -> Matches:
        matches = self._inner.matching(collection, field, values, limit, filters)
        queries = len(values) * len(split_choices(filters))
        self._count(queries=queries, reads=max(queries, sum(matches.counts.values())))
        return matches

    def watch(self, collection: str, id: str, on_change: Callable[[Document | None], None]) -> Unsubscribe:
        def seen(document: Document | None) -> None:
            self._count(reads=1, watched=1)
            on_change(document)

        # When the stream has settled, the adapter looks once more.
        self._count(reads=1)
        return self._inner.watch(collection, id, seen)


class CountedObjects:
    def __init__(self, inner: Objects, count: Count) -> None:
        self._inner = inner
        self._count = count

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes | BinaryIO | Path,
        content_type: str,
        metadata: dict[str, str] | None = None,
        if_generation: int | None = None,
    ) -> ObjectInfo:
        info = self._inner.put(bucket, name, data, content_type, metadata, if_generation)
        self._count_object(bucket, info)
        return info

    def create_many(self, bucket: str, objects: Sequence[NewObject]) -> Sequence[str]:
        taken = self._inner.create_many(bucket, objects)
        for new in objects:
            if new.name not in taken and (info := self._inner.stat(bucket, new.name)):
                self._count_object(bucket, info)
        return taken

    def _count_object(self, bucket: str, info: ObjectInfo) -> None:
        self._count(class_a=1, **{"bytes in": info.size, f"stored {bucket}": info.size, f"bucket writes {bucket}": 1})
        self._tell(bucket)

    def stat(self, bucket: str, name: str) -> ObjectInfo | None:
        self._count(class_b=1)
        return self._inner.stat(bucket, name)

    def open(self, bucket: str, name: str) -> AbstractContextManager[BinaryIO]:
        # A look first; what is not there is not read.
        info = self._inner.stat(bucket, name)
        size = info.size if info else 0
        self._count(class_b=1 + (max(1, math.ceil(size / PIECE)) if info else 0), **{"bytes out": size})
        return self._inner.open(bucket, name)

    def read(self, bucket: str, name: str) -> bytes:
        # A request for what is not there is billed, too.
        self._count(class_b=1)
        content = self._inner.read(bucket, name)
        self._count(**{"bytes out": len(content)})
        return content

    def download(self, bucket: str, name: str, path: Path) -> None:
        self._inner.download(bucket, name, path)
        self._count(class_b=1, **{"bytes out": path.stat().st_size})

    def copy(self, bucket: str, name: str, to: str) -> None:
        self._count(class_a=1, class_b=1)
        self._inner.copy(bucket, name, to)

    def delete(self, bucket: str, name: str) -> None:
        self._count(**{"object deletes": 1, f"bucket writes {bucket}": 1})
        self._inner.delete(bucket, name)

    def delete_many(self, bucket: str, names: Sequence[str]) -> None:
        self._count(**{"object deletes": len(names), f"bucket writes {bucket}": len(names)})
        self._inner.delete_many(bucket, names)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        removed = self._inner.delete_prefix(bucket, prefix)
        self._count(class_a=1 + removed // PAGE, **{"object deletes": removed, f"bucket writes {bucket}": removed})
        return removed

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        self._count(class_a=1)
        for number, info in enumerate(self._inner.list(bucket, prefix), 1):
            if number % PAGE == 0:
                self._count(class_a=1)
            yield info

    def finalize_again(self, bucket: str, name: str) -> bool:
        self._count(class_a=1, class_b=1)
        return self._inner.finalize_again(bucket, name)

    def signed_url(self, bucket: str, name: str, ttl_sec: int, filename: str | None = None) -> str:
        # Whoever gets the link reads the object once.
        info = self._inner.stat(bucket, name)
        self._count(class_b=1, **{"bytes to users": info.size if info else 0})
        return self._inner.signed_url(bucket, name, ttl_sec, filename)

    def google_uri(self, bucket: str, name: str) -> str | None:
        return self._inner.google_uri(bucket, name)

    def start_upload(
        self, bucket: str, name: str, content_type: str, size: int, ttl_sec: int, origin: str | None = None
    ) -> UploadSession:
        self._count(class_a=1, **{"bytes in": size, f"stored {bucket}": size, f"bucket writes {bucket}": 1})
        self._tell(bucket)
        return self._inner.start_upload(bucket, name, content_type, size, ttl_sec, origin)

    def _tell(self, bucket: str) -> None:
        """The events of a finalized object: published once, pushed to each function that listens."""
        for _ in wiring().listeners(bucket=bucket):
            self._count(events=1, **{"message bytes": 2 * 2 * LEAST_MESSAGE})


class CountedBus:
    def __init__(self, inner: Bus, count: Count) -> None:
        self._inner = inner
        self._count = count

    def publish(self, topic: str, data: dict[str, Any], attributes: dict[str, str] | None = None) -> str:
        size = max(LEAST_MESSAGE, len(json.dumps(data)) + len(json.dumps(attributes or {})) + 40)
        listeners = len(wiring().listeners(topic=topic))
        self._count(messages=1, pushes=listeners, **{"message bytes": size * (1 + listeners)})
        return self._inner.publish(topic, data, attributes)
