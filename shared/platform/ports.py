"""The ports: the services that a place provides.

One contract suite (`tests/contract`) runs over every adapter, and no SDK is imported here. All methods block; adapters
are thread-safe.
Documents are dicts of JSON values, Vectors and aware datetimes (UTC, microseconds), at most 1 MiB, in flat collections.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

MAX_DIMENSIONS = 2048
EXPIRES_AT = "expiresAt"
"""Field by which documents expire."""
Op = Literal["==", "in", "<", "<=", ">", ">=", "array_contains"]
Filter = tuple[str, Op, Any]
Order = tuple[str, Literal["asc", "desc"]]
Unsubscribe = Callable[[], None]


@dataclass(frozen=True)
class Vector:
    """An embedding as a value in a document: 1 to 2048 finite numbers. Raises ValueError on others."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= MAX_DIMENSIONS or not all(map(math.isfinite, self.values)):
            raise ValueError(f"a vector has 1 to {MAX_DIMENSIONS} finite numbers")


@dataclass(frozen=True)
class Document:
    """A stored document. `version` is opaque; it changes with every write."""

    id: str
    data: dict[str, Any]
    version: str


@dataclass(frozen=True)
class DocumentPage:
    documents: Sequence[Document]
    cursor: str | None
    """Where the next page starts; None at the end."""


@dataclass(frozen=True)
class Matches:
    """The result of a search by values.

    Attributes:
        counts: Number of documents with each value; a lower bound for frequent values.
    """

    documents: Sequence[Document]
    counts: Mapping[str, int]


class Documents(Protocol):
    """Versioned documents with compare-and-set. Fields in filters and orders are dotted paths of plain names."""

    def get(self, collection: str, id: str) -> Document | None: ...

    def create(self, collection: str, id: str, data: dict[str, Any]) -> str:
        """Store a new document and return its version; raises AlreadyExists. Works as a mutex."""

    def replace(self, collection: str, id: str, data: dict[str, Any], version: str) -> str:
        """Compare-and-set: store if `version` is still current, return the new one.

        Raises Conflict when the document changed or is gone.
        """

    def put(self, collection: str, id: str, data: dict[str, Any]) -> str:
        """Store, replacing any document of this id; return the version."""

    def create_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> Sequence[str]:
        """Store at most 500 new documents by id in one request; return the ids that exist already.

        Not atomic: the others are stored.
        """

    def put_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> None:
        """Store at most 500 documents by id in one request, replacing others of these ids. Not atomic."""

    def update_many(self, collection: str, changes: Sequence[Document]) -> Sequence[str]:
        """Set top-level fields of at most 500 documents in one request; return the ids in conflict.

        Each change has the fields to set as its `data` and the version that was read; like `replace`, it conflicts if
        the document changed or is gone. Not atomic: the others are stored.
        """

    def delete(self, collection: str, id: str) -> None:
        """Delete; a missing document is no error."""

    def delete_expired(self, collection: str, before: datetime, limit: int) -> int:
        """Delete at most `limit` documents whose `expiresAt` is not after `before`; return their number.

        Where the service deletes expired documents itself, this does nothing.
        """

    def query(
        self,
        collection: str,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> DocumentPage:
        """Return the documents that match all filters, in order, at most `limit`, after `cursor`.

        Ties are ordered by id, in the direction of the last order (as in Firestore's own indexes). A document without a
        field of a filter or of the order does not match. None is an ordinary value for `==` and `in`, and never matches
        an inequality or `array_contains`. Raises PermanentError `bad_cursor` on a cursor of
        another form of query.
        """

    def count(self, collection: str, filters: Sequence[Filter], limit: int) -> int:
        """Return the number of documents that match all filters (`==`, `in`), at most `limit`, without reading them."""

    def nearest(
        self, collection: str, field: str, to: Vector, limit: int, filters: Sequence[Filter] = ()
    ) -> Sequence[tuple[Document, float]]:
        """Return documents that match all filters (`==`, `in`), nearest first, each with its cosine distance (0 to 2).

        Exact. A document matches if its top-level `field` is a Vector of the same length that is not all zeros. One
        `in` filter may have any number of choices.
        Raises ValueError if `to` is all zeros, or `limit` is not within 1 to 1000; IndexMissing if the service has no
        index for vectors of this length.
        """

    def matching(
        self, collection: str, field: str, values: Sequence[str], limit: int, filters: Sequence[Filter] = ()
    ) -> Matches:
        """Return documents that match all filters (`==`, `in`) and have some of the values in the list `field`.

        At most about `limit` documents. Those with many and rare values come in preference to others. One `in` filter
        may have any number of choices. Raises ValueError if there is no index for it.
        """

    def watch(self, collection: str, id: str, on_change: Callable[[Document | None], None]) -> Unsubscribe:
        """Call `on_change` with the document now and after each change (None = missing), from another thread.

        Changes in quick succession may be reported as one; the last one is always reported.
        """


@dataclass(frozen=True)
class ObjectInfo:
    bucket: str
    name: str
    size: int
    content_type: str
    generation: int
    """Grows with each write of the name."""
    updated: datetime
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NewObject:
    """An object to store. A stream is read from where it stands."""

    name: str
    data: bytes | BinaryIO
    content_type: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UploadSession:
    """A resumable upload: the client PUTs the bytes to `url`, whole or in ranges."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: datetime


class Objects(Protocol):
    """Buckets of immutable objects: `uploads` (from users), `media` (from stages) and `drop` (from other programs).

    Writing to `uploads` or `drop` sends an object-finalized event to the function that listens to it.
    Names are slash-separated; adapters raise ValueError for empty, `.` and `..` parts.
    """

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes | BinaryIO | Path,
        content_type: str,
        metadata: dict[str, str] | None = None,
        if_generation: int | None = None,
    ) -> ObjectInfo:
        """Store atomically, streaming. Raises Conflict unless the generation is `if_generation` (0 = absent)."""

    def create_many(self, bucket: str, objects: Sequence[NewObject]) -> Sequence[str]:
        """Store objects under names that are free, in as few steps as possible; return the names that were taken.

        Not atomic: the others are stored. Of objects with the same name, one is stored.
        """

    def stat(self, bucket: str, name: str) -> ObjectInfo | None: ...

    def open(self, bucket: str, name: str) -> AbstractContextManager[BinaryIO]:
        """Read as a stream; raises NotFound."""

    def read(self, bucket: str, name: str) -> bytes:
        """Return a small object whole, in one request; raises NotFound."""

    def download(self, bucket: str, name: str, path: Path) -> None:
        """Copy to a local file, streaming; raises NotFound."""

    def copy(self, bucket: str, name: str, to: str) -> None:
        """Copy to `to` in the same bucket, with type and metadata, without a transfer. Raises NotFound."""

    def copy_to_bucket(self, bucket: str, name: str, generation: int, to_bucket: str, to: str) -> None:
        """Copy one generation to a free name in another bucket, with type and metadata, without a transfer.

        Raises NotFound unless `generation` is the current one, and Conflict if `to` exists.
        """

    def bucket_name(self, bucket: str) -> str:
        """Return the name by which events call the bucket."""

    def delete(self, bucket: str, name: str) -> None:
        """Delete; a missing object is no error."""

    def delete_many(self, bucket: str, names: Sequence[str]) -> None:
        """Delete objects in as few requests as possible; missing ones are no error."""

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Delete all objects whose name starts with `prefix`; return their number."""

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield objects in the order of their names."""

    def finalize_again(self, bucket: str, name: str) -> bool:
        """Send the object's finalized event again; return False if the object does not exist."""

    def signed_url(self, bucket: str, name: str, ttl_sec: int, filename: str | None = None) -> str:
        """Return a link to read one object until it expires; with `filename`, browsers save it under that name."""

    def google_uri(self, bucket: str, name: str) -> str | None:
        """Return the `gs://` URI by which Google's services read the object; None outside Cloud Storage."""

    def start_upload(
        self, bucket: str, name: str, content_type: str, size: int, ttl_sec: int, origin: str | None = None
    ) -> UploadSession:
        """Open a resumable session for exactly `size` bytes, in Cloud Storage's protocol."""


class Bus(Protocol):
    """Publishes to topics; delivery is at least once and in no order."""

    def publish(self, topic: str, data: dict[str, Any], attributes: dict[str, str] | None = None) -> str:
        """Publish a JSON message durably; return its id.

        Raises NotFound if the topic does not exist, and TransientError if the message may be lost.
        """


@dataclass(frozen=True)
class DeadLetter:
    """An event that is not delivered any more, because its function failed to process it too often.

    Attributes:
        topic: Where it was published; None if it comes from a bucket.
        data: The message, or the object's resource as Cloud Storage describes it.
        deliveries: Number of times it was delivered.
    """

    id: str
    function: str
    topic: str | None
    bucket: str | None
    data: dict[str, Any]
    attributes: dict[str, str]
    published_at: datetime
    died_at: datetime
    deliveries: int


@dataclass(frozen=True)
class DeadLetterPage:
    letters: Sequence[DeadLetter]
    cursor: str | None
    """Where the next page starts; None at the end."""


class Queue(Protocol):
    """What waits between publication and delivery, for operators."""

    def depth(self) -> Mapping[str, int]:
        """Return the number of unacknowledged deliveries by function, those under way included."""

    def dead_letters(self, limit: int = 100, cursor: str | None = None) -> DeadLetterPage:
        """Return a page of dead letters, newest first. Raises PermanentError `bad_cursor`."""

    def replay(self, id: str) -> None:
        """Deliver a dead letter again, with all its attempts; raises NotFound."""

    def discard(self, id: str) -> None:
        """Delete a dead letter; raises NotFound."""


@dataclass(frozen=True)
class Place:
    """The place a process runs in.

    Attributes:
        queue: None where the place does not list deliveries, as Pub/Sub.
        one_commit: Opens a context whose writes to documents and whose messages become durable together, or not at all
            if it raises. Where a place cannot do that, each is durable by itself, in the order of the calls: write
            nothing that is wrong without what follows. Keep it short, since other writers wait, and call no service.
    """

    documents: Documents
    objects: Objects
    bus: Bus
    queue: Queue | None = None
    one_commit: Callable[[], AbstractContextManager[object]] = nullcontext
