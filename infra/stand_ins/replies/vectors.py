"""Embeddings of a sort: texts that share words lie near each other, whatever they mean."""

from __future__ import annotations

import hashlib
import math
import re

STEM_LETTERS = 4
"""Letters of a word that count: `bake` and `baked` are the same."""


def word_hash_embedding(text: str, dimensions: int) -> list[float]:
    """A vector of length 1 by feature hashing of the words' stems (Weinberger et al., 2009)."""
    values = [0.0] * dimensions
    for word in re.findall(r"\w+", text.casefold()):
        digest = int.from_bytes(hashlib.blake2b(word[:STEM_LETTERS].encode(), digest_size=8).digest(), "big")
        values[(digest >> 1) % dimensions] += 1 if digest & 1 else -1
    length = math.hypot(*values)
    return [value / length for value in values] if length else [1.0, *values[1:]]
