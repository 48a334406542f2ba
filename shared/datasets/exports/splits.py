"""Who trains, who validates, who tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from shared.models.dataset import ImageRecord

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class SplitShares:
    """Of the images, about; they add up to 1."""

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.test) < 0 or abs(self.train + self.val + self.test - 1) > 1e-9:
            raise ValueError(f"{self.train}, {self.val} and {self.test} are not shares of 1")

    def split_of(self, record: ImageRecord) -> Split:
        """By a hash of the group of near duplicates, else of the bytes, else of the id.

        Near duplicates never stand on both sides, and an image stays where it is whatever else comes in. Shares are
        therefore met only on average: of few images, or of one large group, they may be missed by far.
        """
        hash_key = record.group or record.sha256 or record.id
        position = int.from_bytes(sha256(hash_key.encode()).digest()[:8], "big") / 2**64
        if position < self.train:
            return "train"
        return "val" if position < self.train + self.val or self.test == 0 else "test"


def assign_splits(records: Iterable[ImageRecord], shares: SplitShares) -> dict[str, Split]:
    """Ids with their splits."""
    return {record.id: shares.split_of(record) for record in records}
