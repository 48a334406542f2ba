"""Embeddings without a model: texts that share words, parts of words and numbers are near each other.

Feature hashing (K. Weinberger, A. Dasgupta, J. Langford, A. Smola and J. Attenberg, Feature hashing for large scale
multitask learning, 2009) of word stems and of their character n-grams (as in P. Bojanowski, E. Grave, A. Joulin and
T. Mikolov, Enriching word vectors with subword information, 2017), with sublinear term frequencies (G. Salton and
C. Buckley, 1988).
It does not know what words mean: a paraphrase without a common word, or in another language, matches only by chance.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from shared.ai.offline.terms import is_number, terms, tokens

MODEL = "feature-hashing-1"
"""Increase it with every change of the vectors: vectors of different models are never compared."""
MIN_SIMILARITY = 0.14
"""Similarity from which a passage counts as relevant to a question; chosen on `benchmarks/chat_questions.yaml`."""
GRAMS = (3, 4, 5)
SHARE_OF_GRAMS = 0.5
"""Share of a word's weight; the rest is the weight of its stem."""
FULL_LENGTH = 6
"""Letters from which a word has its full weight: short words are common words."""


def embed(text: str, dimensions: int) -> list[float]:
    """Return a vector of length 1; function words count only in a text that has nothing else."""
    values = [0.0] * dimensions
    for term, times in Counter(terms(text) or tokens(text) or [text]).items():
        weight = (1 + math.log(times)) * importance(term)
        for index, share in features(term, dimensions):
            values[index] += weight * share
    length = math.hypot(*values)
    return [value / length for value in values]


def importance(term: str) -> float:
    return 1.0 if is_number(term) else min(1.0, (1 + len(term)) / (1 + FULL_LENGTH))


@lru_cache(maxsize=65_536)
def features(term: str, dimensions: int) -> Sequence[tuple[int, float]]:
    """Return the vector indexes and weights of a term and its n-grams; the squares of the weights sum to about 1."""
    if is_number(term):
        return [hash_feature(f"={term}", dimensions, 1.0)]
    word = f"<{term}>"
    grams = [word[at : at + size] for size in GRAMS for at in range(len(word) - size + 1)]
    entries = [hash_feature(f"={term}", dimensions, math.sqrt(1 - SHARE_OF_GRAMS))]
    if grams:
        share = math.sqrt(SHARE_OF_GRAMS / len(grams))
        entries += [hash_feature(gram, dimensions, share) for gram in grams]
    return entries


def hash_feature(feature: str, dimensions: int, weight: float) -> tuple[int, float]:
    digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
    return (digest >> 1) % dimensions, weight if digest & 1 else -weight
