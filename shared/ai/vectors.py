"""Texts as embedding services take them, and vectors as we keep them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from shared.errors import PermanentError, TransientError

DIMENSIONS = 768
"""Of every vector: what the index of the documents is made for."""
MAX_BYTES = 8_000
"""Of one text. A token has at least one byte, so it is never more than the 8 192 tokens that OpenAI's models take;
Google's cut off by themselves what they do not take."""


def clipped(texts: Sequence[str]) -> list[str]:
    """Each text with as much as a service takes; raises ValueError for one without any words."""
    if not all(text.strip() for text in texts):
        raise ValueError("a text without words has no meaning to embed")
    return [text.encode()[:MAX_BYTES].decode(errors="ignore") for text in texts]


def batches(texts: Sequence[str], most: int, most_bytes: int) -> Iterator[list[str]]:
    """The texts in order, in groups of at most so many and so many bytes; one text alone may have more."""
    batch: list[str] = []
    size = 0
    for text in texts:
        added = len(text.encode())
        if batch and (len(batch) == most or size + added > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += added
    if batch:
        yield batch


def unit(vectors: Sequence[Sequence[float]], expected: int, model: str) -> list[list[float]]:
    """The vectors made 1 long.

    Raises:
        PermanentError: `embedding_dimensions`: the model makes vectors of another size.
        TransientError: `answer_invalid`: there are not as many as expected, or one points nowhere.
    """
    if len(vectors) != expected:
        raise invalid()
    for vector in vectors:
        if len(vector) != DIMENSIONS:
            raise PermanentError(
                "embedding_dimensions",
                f"The model {model} returns vectors of {len(vector)} numbers instead of {DIMENSIONS}. "
                "Choose another embedding model.",
            )
    return [_unit(vector) for vector in vectors]


def invalid() -> TransientError:
    return TransientError("answer_invalid", "The vectors from the AI provider cannot be used. Try again later.")


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.hypot(*vector)
    if not length or not math.isfinite(length):
        raise invalid()
    return [number / length for number in vector]
