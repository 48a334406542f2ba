"""Numbers for a user's objects, for clients that expect integers as ids.

Each user's objects of one noun are counted from 1, in the order in which they get their numbers. A number is never
used again. A document holds the ids of a thousand numbers; a full one does not change any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Literal

from shared.errors import NotFound
from shared.pipeline.idempotency import digest_id
from shared.platform.documents import compare_and_set
from shared.platform.ports import Documents

NUMBERS = "numbers"
BLOCK = 1000
Noun = Literal["video", "group", "answer"]


def number_ids(documents: Documents, owner: str, noun: Noun, ids: Iterable[str]) -> dict[str, int]:
    """Return the number of each id. Ids without one get the next ones, in this order.

    Raises Conflict when others kept changing the numbers; the caller is to try again later.
    """
    missing = dict.fromkeys(ids)
    numbers: dict[str, int] = {}
    for block in count():
        if not missing:
            break
        listed = _extend_block(documents, owner, noun, block, list(missing))
        for position, id in enumerate(listed, 1):
            if id in missing:
                numbers[id] = block * BLOCK + position
                del missing[id]
    return numbers


def find_ids(documents: Documents, owner: str, noun: Noun, numbers: Iterable[int]) -> dict[int, str]:
    """Return the ids of those numbers that have been assigned."""
    wanted = [number for number in numbers if number > 0]
    blocks = {
        block: _read_block(documents, owner, noun, block) for block in {(number - 1) // BLOCK for number in wanted}
    }
    return {
        number: ids[position]
        for number in wanted
        if (position := (number - 1) % BLOCK) < len(ids := blocks[(number - 1) // BLOCK])
    }


def find_id(documents: Documents, owner: str, noun: Noun, number: int) -> str:
    """Return the id of a number; raises NotFound for a number that was never assigned."""
    ids = find_ids(documents, owner, noun, [number])
    if number not in ids:
        raise NotFound(str(number))
    return ids[number]


def _block_id(owner: str, noun: Noun, block: int) -> str:
    return digest_id(owner, noun, block)


def _read_block(documents: Documents, owner: str, noun: Noun, block: int) -> Sequence[str]:
    stored = documents.get(NUMBERS, _block_id(owner, noun, block))
    return stored.data["ids"] if stored else []


def _extend_block(documents: Documents, owner: str, noun: Noun, block: int, ids: Sequence[str]) -> Sequence[str]:
    """Append those of `ids` that the block lacks, as far as there is room; return all ids of the block."""
    listed: list[str] = []

    def append(data: dict[str, Any] | None) -> dict[str, Any] | None:
        nonlocal listed
        before = data["ids"] if data else []
        known = set(before)
        listed = [*before, *(id for id in ids if id not in known)][:BLOCK]
        return None if listed == before else {"owner": owner, "ids": listed}

    compare_and_set(documents, NUMBERS, _block_id(owner, noun, block), append)
    return listed
