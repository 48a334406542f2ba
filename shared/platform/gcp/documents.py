"""Documents in Firestore: compare-and-set by update time, `create` as mutex, no transactions.

docs/decisions describes the differences from the embedded place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import chain, product
from typing import Any, TypeVar

from google.api_core import exceptions, retry
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.base_query import FieldFilter, Or
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch
from google.cloud.firestore_v1.vector import Vector as FirestoreVector
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from shared.errors import AlreadyExists, Conflict, IndexMissing
from shared.platform.cursors import query_form, write_cursor
from shared.platform.gcp.codec import from_firestore, read_sort_keys, sort_keys, to_firestore
from shared.platform.gcp.document_listener import DocumentListener, Snapshot
from shared.platform.port_checks import check_matching_query, check_nearest_query, check_writes
from shared.platform.ports import (
    EXPIRES_AT,
    Document,
    DocumentPage,
    Filter,
    Matches,
    Order,
    Unsubscribe,
    Vector,
)

T = TypeVar("T")
U = TypeVar("U")
MAX_CHOICES = 30
"""Maximum number of choices of an `in` filter."""
LEAST_MATCHES = 6
"""Documents with a value that each query asks for at least."""
MAX_THREADS = 8
CHANGED = (StatusCode.NOT_FOUND.value[0], StatusCode.FAILED_PRECONDITION.value[0])
"""Codes of a write whose document changed or is gone."""
EXISTING = (StatusCode.ALREADY_EXISTS.value[0],)
# Only for errors that pass; each delay is random between 0 and twice the step, so that writers spread.
RETRY = retry.Retry(
    predicate=retry.if_exception_type(exceptions.Aborted, exceptions.ServiceUnavailable),
    initial=0.05,
    maximum=2.0,
    timeout=20.0,
)
DISTANCE = "cosineDistanceOfSearch"
DIRECTIONS = {"asc": firestore.Query.ASCENDING, "desc": firestore.Query.DESCENDING}


class FirestoreDocuments:
    """The port `Documents` over one Firestore database.

    A write whose response was lost is repeated and may then conflict with itself: Conflict or AlreadyExists is raised
    although the data is stored. Callers read again after either, so that is harmless.
    """

    def __init__(self, client: firestore.Client) -> None:
        self._client = client

    def get(self, collection: str, id: str) -> Document | None:
        snapshot = self._reference(collection, id).get(retry=RETRY)
        return _document(snapshot) if snapshot.exists else None

    def create(self, collection: str, id: str, data: dict[str, Any]) -> str:
        reference = self._reference(collection, id)
        return self._write(reference, data, lambda: reference.create(to_firestore(data), retry=RETRY))

    def replace(self, collection: str, id: str, data: dict[str, Any], version: str) -> str:
        reference = self._reference(collection, id)
        batch = self._client.batch()
        batch.set(reference, to_firestore(data))
        # `set` accepts no precondition although the service does; `update` accepts one but would keep removed fields.
        self._client.write_option(last_update_time=_update_time(version)).modify_write(batch._write_pbs[0])
        return self._write(reference, data, lambda: batch.commit(retry=RETRY)[0])

    def create_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> Sequence[str]:
        check_writes(documents)
        batch = BulkWriteBatch(self._client)
        for id, data in documents.items():
            batch.create(self._reference(collection, id), to_firestore(data))
        return _commit(batch, collection, list(documents), EXISTING)

    def put_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> None:
        check_writes(documents)
        batch = BulkWriteBatch(self._client)
        for id, data in documents.items():
            batch.set(self._reference(collection, id), to_firestore(data))
        _commit(batch, collection, list(documents), ())

    def update_many(self, collection: str, changes: Sequence[Document]) -> Sequence[str]:
        check_writes(changes)
        batch = BulkWriteBatch(self._client)
        for change in changes:
            unchanged = self._client.write_option(last_update_time=_update_time(change.version))
            batch.update(self._reference(collection, change.id), to_firestore(change.data), unchanged)
        return _commit(batch, collection, [change.id for change in changes], CHANGED)

    def put(self, collection: str, id: str, data: dict[str, Any]) -> str:
        reference = self._reference(collection, id)
        return self._write(reference, data, lambda: reference.set(to_firestore(data), retry=RETRY))

    def delete(self, collection: str, id: str) -> None:
        reference = self._reference(collection, id)
        try:
            reference.delete(retry=RETRY)
        except exceptions.Cancelled:
            if reference.get(retry=RETRY).exists:
                raise

    def delete_expired(self, collection: str, before: datetime, limit: int) -> int:
        """The database's TTL policies do this, without an index: `expiresAt` grows with time, as an index must not.

        The emulator has no such policies.
        """
        if self._client._emulator_host is None:
            return 0
        page = self.query(collection, [(EXPIRES_AT, "<=", before)], [(EXPIRES_AT, "asc")], limit)
        for document in page.documents:
            self.delete(collection, document.id)
        return len(page.documents)

    def query(
        self,
        collection: str,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> DocumentPage:
        """The service requires the field of an inequality first in the order, and an index for each form of query."""
        if limit < 1:
            raise ValueError("limit must be at least 1")
        form = query_form(collection, filters, order)
        after = None if cursor is None else read_sort_keys(cursor, form, len(order) + 1)
        if any(_is_empty_filter(op, value) for _, op, value in filters):
            return DocumentPage((), None)
        query = self._client.collection(collection).limit(limit + 1)
        for field, op, value in filters:
            query = query.where(filter=_filter(field, op, value))
        for field, direction in [*order, ("__name__", order[-1][1] if order else "asc")]:
            query = query.order_by(field, direction=DIRECTIONS[direction])
        if after:
            query = query.start_after(after)
        try:
            documents = [_document(snapshot) for snapshot in query.get(retry=RETRY)]
        except exceptions.InvalidArgument as error:
            raise ValueError(f"{collection}: {error.message}") from None
        has_more = len(documents) > limit
        documents = documents[:limit]
        return DocumentPage(documents, write_cursor(form, sort_keys(documents[-1], order)) if has_more else None)

    def count(self, collection: str, filters: Sequence[Filter], limit: int) -> int:
        """The service charges one read for each thousand matches."""
        if any(_is_empty_filter(op, value) for _, op, value in filters):
            return 0
        query = self._client.collection(collection).limit(limit)
        for field, op, value in filters:
            query = query.where(filter=_filter(field, op, value))
        aggregation: Any = query.count()  # its stub says the class, not an instance
        ((result,),) = aggregation.get(retry=RETRY)
        return int(result.value)

    def nearest(
        self, collection: str, field: str, to: Vector, limit: int, filters: Sequence[Filter] = ()
    ) -> Sequence[tuple[Document, float]]:
        """The service requires a vector index for the field and each set of filters."""
        check_nearest_query(field, to, limit, filters)

        def search_part(part: Sequence[Filter]) -> list[tuple[Document, float]]:
            query: firestore.Query | firestore.CollectionReference = self._client.collection(collection)
            for path, op, value in part:
                query = query.where(filter=_filter(path, op, value))
            search: Any = query.find_nearest(  # its stub says the class, not an instance
                vector_field=field,
                query_vector=FirestoreVector(to.values),
                distance_measure=DistanceMeasure.COSINE,
                limit=limit,
                distance_result_field=DISTANCE,
            )
            try:
                return [_document_with_distance(snapshot) for snapshot in search.stream(retry=RETRY)]
            except exceptions.FailedPrecondition as error:
                raise IndexMissing(f"no vector index of {len(to.values)} numbers for {collection}") from error

        results = chain.from_iterable(_in_threads(search_part, split_choices(filters)))
        # A vector of zeros has no distance.
        with_distance = [(document, distance) for document, distance in results if not math.isnan(distance)]
        # The nearest of all are among the nearest of each part.
        return sorted(with_distance, key=lambda pair: pair[1])[:limit]

    def matching(
        self, collection: str, field: str, values: Sequence[str], limit: int, filters: Sequence[Filter] = ()
    ) -> Matches:
        """One query per value and MAX_CHOICES choices, each with its part of the limit."""
        check_matching_query(field, limit, filters)
        parts = split_choices(filters)
        part_limit = max(LEAST_MATCHES, limit // max(1, len(parts)))

        def query_part(key: tuple[str, Sequence[Filter]]) -> tuple[str, Sequence[Document]]:
            value, part = key
            return value, self.query(collection, [*part, (field, "array_contains", value)], limit=part_limit).documents

        documents: dict[str, Document] = {}
        counts = dict.fromkeys(values, 0)
        for value, found in _in_threads(query_part, list(product(values, parts))):
            counts[value] += len(found)
            documents |= {document.id: document for document in found}
        return Matches(list(documents.values()), counts)

    def watch(self, collection: str, id: str, on_change: Callable[[Document | None], None]) -> Unsubscribe:
        listener = DocumentListener(
            self._reference(collection, id), lambda snapshot: on_change(_document(snapshot) if snapshot else None)
        )
        return listener.stop

    def _reference(self, collection: str, id: str) -> firestore.DocumentReference:
        if not id or "/" in id:
            raise ValueError(f"{id!r} cannot be a document's id: it is empty or has a slash")
        return self._client.document(collection, id)

    def _write(
        self, reference: firestore.DocumentReference, data: dict[str, Any], write: Callable[[], types.WriteResult]
    ) -> str:
        """Return the version that `write` returns; translate the service's errors to the port's."""
        try:
            return _version(write().update_time)
        except exceptions.AlreadyExists:
            raise AlreadyExists(reference.path) from None
        except (exceptions.FailedPrecondition, exceptions.NotFound):
            raise Conflict(reference.path) from None
        except exceptions.InvalidArgument as error:
            raise ValueError(f"{reference.path}: {error.message}") from None
        except exceptions.Cancelled:
            # The emulator's response to a write while a listener stops; the write succeeds all the same.
            snapshot = reference.get(retry=RETRY)
            if not snapshot.exists or from_firestore(snapshot.to_dict()) != data:
                raise
            return _version(snapshot.update_time)


def _commit(batch: BulkWriteBatch, collection: str, ids: Sequence[str], expected: Collection[int]) -> Sequence[str]:
    """Write a batch; return the ids of the writes that failed with one of the `expected` codes, raise for others."""
    if not ids:
        return []
    statuses = batch.commit(retry=RETRY).status
    for id, status in zip(ids, statuses, strict=True):
        if status.code == StatusCode.INVALID_ARGUMENT.value[0]:
            raise ValueError(f"{collection}/{id}: {status.message}")
        if status.code and status.code not in expected:
            raise exceptions.from_grpc_status(status.code, f"{collection}/{id}: {status.message}")
    return [id for id, status in zip(ids, statuses, strict=True) if status.code]


def _document(snapshot: Snapshot) -> Document:
    return Document(snapshot.id, from_firestore(snapshot.to_dict()), _version(snapshot.update_time))


def _document_with_distance(snapshot: Snapshot) -> tuple[Document, float]:
    """Return a document and its distance, which the service stores among the fields."""
    data = from_firestore(snapshot.to_dict())
    distance = data.pop(DISTANCE)
    return Document(snapshot.id, data, _version(snapshot.update_time)), distance


def _version(update_time: DatetimeWithNanoseconds | Timestamp) -> str:
    """Return seconds and nanoseconds at fixed width, so that versions sort like times."""
    stamp = update_time if isinstance(update_time, Timestamp) else update_time.timestamp_pb()
    return f"{stamp.seconds:012d}.{stamp.nanos:09d}"


def _update_time(version: str) -> Timestamp:
    seconds, nanos = version.split(".")
    return Timestamp(seconds=int(seconds), nanos=int(nanos))


def split_choices(filters: Sequence[Filter]) -> list[Sequence[Filter]]:
    """Return sets of filters with at most MAX_CHOICES choices that match the same together; none for no choice.

    Raises ValueError if more than one filter has too many choices.
    """
    if any(_is_empty_filter(op, value) for _, op, value in filters):
        return []
    long = [at for at, (_, op, value) in enumerate(filters) if op == "in" and len(value) > MAX_CHOICES]
    if not long:
        return [filters]
    if len(long) > 1:
        raise ValueError("only one filter may have many choices")
    (at,) = long
    path, op, choices = filters[at]
    parts = [choices[start : start + MAX_CHOICES] for start in range(0, len(choices), MAX_CHOICES)]
    return [[*filters[:at], (path, op, part), *filters[at + 1 :]] for part in parts]


def _in_threads(call: Callable[[T], U], items: Sequence[T]) -> list[U]:
    """Return the results of calls in several threads, in the order of the items."""
    if len(items) < 2:
        return [call(item) for item in items]
    with ThreadPoolExecutor(min(MAX_THREADS, len(items))) as threads:
        return list(threads.map(call, items))


def _is_empty_filter(op: str, value: Any) -> bool:
    """Return True for a filter that matches nothing, which the service rejects."""
    return not value if op == "in" else value is None and op != "=="


def _filter(field: str, op: str, value: Any) -> FieldFilter | Or:
    if op != "in" or None not in value:
        return FieldFilter(field, op, value)
    # The service's own `in` never matches null.
    others = [item for item in value if item is not None]
    return Or([FieldFilter(field, "==", None), *([FieldFilter(field, "in", others)] if others else [])])
