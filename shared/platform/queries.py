"""Queries that span pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.platform.ports import Document, Documents, Filter, Order

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
