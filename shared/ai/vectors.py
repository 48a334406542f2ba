"""Texts in the form that embedding services accept, and vectors in the form that is stored."""

from __future__ import annotations

import math
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import mul

from shared.errors import PermanentError, TransientError
from shared.platform.ports import MAX_DIMENSIONS

DIMENSIONS = 768
"""Number of dimensions that the services' vectors have, unless the settings or the model say otherwise."""
MAX_TEXT_BYTES = 8_000
"""Limit of one text. A token has at least one byte, so OpenAI's limit of 8 192 tokens is never exceeded; Google's
models truncate longer texts themselves."""
ANY_SIMILARITY = -1.0
"""The lowest cosine similarity there is."""
BYTE_SCALE = 127


@dataclass(frozen=True)
class Calibration:
    """How the similarities of one model become comparable.

    Attributes:
        line_share: Share of its best line's similarity in that of a passage, 0 to 1; above 0, lines have vectors too.
        other_language: Added for a passage in another language than the question: at the same relevance, texts in two
            languages are less similar than texts in one.
        shared_words: Added for a passage with all words of the question; in proportion for some of them.
        typical: The mean vector of many unrelated sentences: a question near to it is near to everything.
        typical_share: Share of the question's similarity to `typical` that is added to the threshold, 0 to 1.
    """

    line_share: float = 0.0
    other_language: float = 0.0
    shared_words: float = 0.0
    typical: Sequence[float] = ()
    typical_share: float = 0.0


UNCALIBRATED = Calibration()


def truncate_texts(texts: Sequence[str]) -> list[str]:
    """Return each text, cut to MAX_TEXT_BYTES; raises ValueError for a blank text."""
    if not all(text.strip() for text in texts):
        raise ValueError("a text without words has no meaning to embed")
    return [text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore") for text in texts]


def batches(texts: Sequence[str], max_texts: int, max_bytes: int) -> Iterator[list[str]]:
    """Yield the texts in order, in groups within both limits; a single text may exceed `max_bytes`."""
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
    """Return the vectors scaled to length 1. All have the same number of dimensions.

    Raises:
        PermanentError: `embedding_dimensions`: the vectors are too large to be stored.
        TransientError: `answer_invalid`: their number is not `expected`, their sizes differ, or one has no direction.
    """
    if len(vectors) != expected or len({len(vector) for vector in vectors}) > 1:
        raise invalid_vectors_error()
    if vectors and len(vectors[0]) > MAX_DIMENSIONS:
        raise PermanentError(
            "embedding_dimensions",
            f"The model {model} returns vectors of {len(vectors[0])} numbers; {MAX_DIMENSIONS} is the maximum. "
            "Set OPENAI_EMBED_DIMENSIONS if the model supports shorter ones, or choose another embedding model.",
        )
    return [_normalize_vector(vector) for vector in vectors]


def mean_vector(left: Sequence[float], right: Sequence[float]) -> list[float]:
    """Return the mean of two vectors of length 1, scaled to length 1."""
    return _normalize_vector([one + other for one, other in zip(left, right, strict=True)])


def pack_vectors(vectors: Sequence[Sequence[float]]) -> str:
    """Return vectors of length 1 as Base64 of signed bytes: an eighth of their size, with an error of about 0.001."""
    return b64encode(array("b", (round(number * BYTE_SCALE) for vector in vectors for number in vector))).decode()


def packed_similarities(packed: str, vector: Sequence[float]) -> list[float]:
    """Return the cosine similarity of `vector` with each vector in `packed`; all have the same size."""
    numbers, size = array("b", b64decode(packed)), len(vector)
    return [cosine_similarity(numbers[at : at + size], vector) for at in range(0, len(numbers), size)]


def dot_product(left: Sequence[float], right: Sequence[float]) -> float:
    product: float = sum(map(mul, left, right))
    return product


def cosine_similarity(left: Sequence[float], right: Sequence[float]) -> float:
    return dot_product(left, right) / (math.hypot(*left) * math.hypot(*right) or 1)


def threshold_for(model: str, thresholds: Mapping[str, float]) -> float:
    """Return the similarity from which a passage counts as relevant; without a threshold, every passage does.

    `thresholds` are by prefix of the model's name. Those of services are conservative guesses; `python -m
    benchmarks.chat` measures better ones.
    """
    return next((value for prefix, value in thresholds.items() if model.startswith(prefix)), ANY_SIMILARITY)


def invalid_vectors_error() -> TransientError:
    return TransientError("answer_invalid", "The vectors from the AI provider cannot be used. Try again later.")


def _normalize_vector(vector: Sequence[float]) -> list[float]:
    length = math.hypot(*vector)
    if not length or not math.isfinite(length):
        raise invalid_vectors_error()
    return [number / length for number in vector]
