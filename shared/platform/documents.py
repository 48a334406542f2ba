"""Changes a document by compare-and-set, retried with jitter, and reads all pages of a query."""

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
PAGE = 100
M = TypeVar("M", bound=Model)


class Timestamped(Protocol):
    """A model with the time of its last change."""

    updated_at: datetime


T = TypeVar("T", bound=Timestamped)
DocumentChange = Callable[[dict[str, Any] | None], dict[str, Any] | None]
"""Maps the stored data, or None, to the data to store; returns None to store nothing. May raise to stop."""


class KnownDocument:
    """The last state of one document that its holder has read or written, which spares the next change a read."""

    def __init__(self) -> None:
        self.document: Document | None = None


def compare_and_set(
    documents: Documents, collection: str, id: str, change: DocumentChange, known: KnownDocument | None = None
) -> None:
    """Store the result of `change`; call it again with the fresh document if another writer was first.

    Args:
        known: The state to try first, without a read, if it holds one; afterwards it holds the newest one. A change
            that stores nothing, or raises, may rest on an old state.

    Raises:
        Conflict: Other writers were first every time; try again later.
    """
    known = known or KnownDocument()
    for attempt in range(MAX_CONFLICTS):
        is_known = known.document is not None and known.document.id == id
        stored = known.document if is_known else documents.get(collection, id)
        known.document = stored
        new_data = change(stored.data if stored else None)
        if new_data is None:
            return
        # Unless the write succeeds, nothing is known: `change` may have altered the data.
        known.document = None
        try:
            if stored:
                version = documents.replace(collection, id, new_data, stored.version)
            else:
                version = documents.create(collection, id, new_data)
        except (AlreadyExists, Conflict):
            time.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311  # jitter, not a secret
            continue
        known.document = Document(id, new_data, version)
        return
    raise Conflict(f"{collection}/{id} changes too often")


def with_updated_at(change: Callable[[T], bool]) -> Callable[[T], bool]:
    """Wrap a change so that it also sets `updated_at` if there is something to store."""

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
    known: KnownDocument | None = None,
) -> M:
    """Return the stored model after `change`, which mutates the model and returns whether to store it.

    It is called again with the fresh model if another writer was first, and may raise to stop. A missing document
    starts as `new` returns it. `known` works as in `compare_and_set`.

    Raises:
        NotFound: The document does not exist, and `new` is None.
        Conflict: Other writers were first every time; try again later.
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

    compare_and_set(documents, collection, id, apply_change, known)
    return current


def iterate_query(
    documents: Documents, collection: str, filters: Sequence[Filter], order: Sequence[Order] = ()
) -> Iterator[Document]:
    """Yield every document of a query; each page is read when it is needed."""
    cursor = None
    while True:
        page = documents.query(collection, filters, order, PAGE, cursor)
        yield from page.documents
        cursor = page.cursor
        if cursor is None:
            return
