"""Changing a document by compare-and-set, retried with jitter: the one way in which documents are changed here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from shared import clock
from shared.errors import AlreadyExists, Conflict, NotFound
from shared.models import Model
from shared.platform.ports import Document, Documents, Filter, Order

MAX_CONFLICTS = 30
M = TypeVar("M", bound=Model)


class Timestamped(Protocol):
    """A model that tells when it was changed last."""

    updated_at: datetime


T = TypeVar("T", bound=Timestamped)
DocumentChange = Callable[[dict[str, Any] | None], dict[str, Any] | None]
"""From what is stored, or None, to what is to be stored; None leaves it as it is. May raise to give up."""


def compare_and_set(documents: Documents, collection: str, id: str, change: DocumentChange) -> None:
    """Store what `change` makes of the document; ask it again about the fresh one when another writer was first.

    Raises:
        Conflict: Others kept winning; the caller is to come back later.
    """
    for attempt in range(MAX_CONFLICTS):
        stored = documents.get(collection, id)
        new_data = change(stored.data if stored else None)
        if new_data is None:
            return
        try:
            if stored:
                documents.replace(collection, id, new_data, stored.version)
            else:
                documents.create(collection, id, new_data)
        except (AlreadyExists, Conflict):
            time.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311  # jitter, not a secret
            continue
        return
    raise Conflict(f"{collection}/{id} changes too often")


def with_updated_at(change: Callable[[T], bool]) -> Callable[[T], bool]:
    """The same change, which also notes the time when there is something to store."""

    def apply_change(model: T) -> bool:
        if not change(model):
            return False
        model.updated_at = clock.now()
        return True

    return apply_change


def change_model(
    documents: Documents,
    collection: str,
    id: str,
    model: type[M],
    change: Callable[[M], bool],
    new: Callable[[], M] | None = None,
) -> M:
    """The stored model after `change`, which mutates the one it is given and says whether to store it.

    It is asked again about the fresh one when another writer was first, and may raise to give up. What is not there yet
    begins as `new` makes it.

    Raises:
        NotFound: There is no such document, and no `new`.
        Conflict: Others kept winning; the caller is to come back later.
    """
    current: M

    def apply_change(data: dict[str, Any] | None) -> dict[str, Any] | None:
        nonlocal current
        if data is not None:
            current = model.read(data)
        elif new is not None:
            current = new()
        else:
            raise NotFound(f"{collection}/{id}")
        return current.to_document() if change(current) else None

    compare_and_set(documents, collection, id, apply_change)
    return current


PAGE = 100


def iterate_query(
    documents: Documents, collection: str, filters: Sequence[Filter], order: Sequence[Order] = ()
) -> Iterator[Document]:
    """Every document that `Documents.query` finds, read page by page; the next page is read when it is needed."""
    cursor = None
    while True:
        page = documents.query(collection, filters, order, PAGE, cursor)
        yield from page.documents
        cursor = page.cursor
        if cursor is None:
            return
