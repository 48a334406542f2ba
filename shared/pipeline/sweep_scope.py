"""What one run of `sweep` does, and how its steps keep from disturbing each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.pipeline.deadline import Deadline
from shared.platform.ports import Document, Documents, Filter

PAGE = 100
"""Documents of one query, and objects of one request to delete them."""


RUN_SEC = 45.0
"""Less than the minute between two ticks; the next run continues what is left."""


@dataclass
class SweepScope:
    """The part of the work that one run does.

    Attributes:
        shards: The shards of the documents.
        deadline: When the run stops and leaves the rest to the next one.
        whole: Whether the run does all that is due; otherwise it does one page of each kind.
        has_more: Whether a run that is not whole has left something.
    """

    shards: Sequence[int]
    deadline: Deadline
    whole: bool
    has_more: bool = False

    def due(self, documents: Documents, collection: str, field: str, now: datetime) -> Iterator[Sequence[Document]]:
        """Yield pages, none of them empty, of the documents whose time `field` has come, the oldest first."""
        cursor = None
        while not self.deadline.has_passed():
            filters: list[Filter] = [("shard", "in", self.shards), (field, "<=", now)]
            page = documents.query(collection, filters, [(field, "asc")], PAGE, cursor)
            if page.documents:
                yield page.documents
            cursor = page.cursor
            if cursor is None:
                return
            if not self.whole:
                self.has_more = True
                return


def run_steps(*steps: Callable[[], object]) -> None:
    """Run every step, whatever becomes of the ones before; then raise ExceptionGroup if some failed."""
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            errors.append(error)
    if errors:
        raise ExceptionGroup("steps that failed", errors)
