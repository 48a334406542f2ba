"""Changing a document by compare-and-set, retried with jitter: the one way in which documents are changed here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from shared.errors import AlreadyExists, Conflict
from shared.platform.ports import Documents

CONFLICTS_BORNE = 30

Change = Callable[[dict[str, Any] | None], dict[str, Any] | None]
"""From what is stored, or None, to what is to be stored; None leaves it as it is. May raise to give up."""


def compare_and_set(documents: Documents, collection: str, id: str, change: Change) -> None:
    """Store what `change` makes of the document; ask it again about the fresh one when another writer was first.

    Raises:
        Conflict: Others kept winning; the caller is to come back later.
    """
    for attempt in range(CONFLICTS_BORNE):
        stored = documents.get(collection, id)
        changed = change(stored.data if stored else None)
        if changed is None:
            return
        try:
            if stored:
                documents.replace(collection, id, changed, stored.version)
            else:
                documents.create(collection, id, changed)
        except (AlreadyExists, Conflict):
            time.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311  # jitter, not a secret
            continue
        return
    raise Conflict(f"{collection}/{id} changes too often")
