"""Texts as embedding services take them, and vectors as we keep them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from shared.errors import PermanentError, TransientError

DIMENSIONS = 768
"""Of every vector: what the index of the documents is made for."""
MAX_TEXT_BYTES = 8_000
"""Of one text. A token has at least one byte, so it is never more than the 8 192 tokens that OpenAI's models take;
Google's cut off by themselves what they do not take."""


def truncate_texts(texts: Sequence[str]) -> list[str]:
    """Each text with as much as a service takes; raises ValueError for one without any words."""
    if not all(text.strip() for text in texts):
        raise ValueError("a text without words has no meaning to embed")
    return [text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore") for text in texts]


def batches(texts: Sequence[str], max_texts: int, max_bytes: int) -> Iterator[list[str]]:
    """The texts in order, in groups of at most so many and so many bytes; one text alone may have more."""
    batch: list[str] = []
    size = 0
    for text in texts:
        text_bytes = len(text.encode())
        if batch and (len(batch) == max_texts or size + text_bytes > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += text_bytes
    if batch:
        yield batch


def normalize_vectors(vectors: Sequence[Sequence[float]], expected: int, model: str) -> list[list[float]]:
    """The vectors made 1 long.

    Raises:
        PermanentError: `embedding_dimensions`: the model makes vectors of another size.
        TransientError: `answer_invalid`: there are not as many as expected, or one points nowhere.
    """
    if len(vectors) != expected:
        raise invalid_vectors_error()
    for vector in vectors:
        if len(vector) != DIMENSIONS:
            raise PermanentError(
                "embedding_dimensions",
                f"The model {model} returns vectors of {len(vector)} numbers instead of {DIMENSIONS}. "
                "Choose another embedding model.",
            )
    return [_normalize_vector(vector) for vector in vectors]


def invalid_vectors_error() -> TransientError:
    return TransientError("answer_invalid", "The vectors from the AI provider cannot be used. Try again later.")


def _normalize_vector(vector: Sequence[float]) -> list[float]:
    length = math.hypot(*vector)
    if not length or not math.isfinite(length):
        raise invalid_vectors_error()
    return [number / length for number in vector]
