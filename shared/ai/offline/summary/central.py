"""Which sentences of a text stand for it.

Centroid-based extraction (D. Radev, H. Jing, M. Styś and D. Tam, Centroid-based summarization of multiple documents,
2004): sentences are vectors of term frequency × inverse sentence frequency, so that words which stand everywhere weigh
little in any language, and a sentence counts by its cosine to their mean. What is chosen is kept from repeating itself
by maximal marginal relevance (J. Carbonell and J. Goldstein, 1998).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from shared.ai.offline.language.tokens import words
from shared.media.video.pacing import UNSPACED

RELEVANCE = 0.7
"""Share of closeness to the whole against being unlike what is chosen already."""
LEAST_TERMS = 4
"""A shorter sentence tells too little by itself."""

Vector = dict[str, float]


def central_texts(texts: Sequence[str], count: int) -> list[int]:
    """The numbers of at most `count` texts, the most central one first."""
    vectors = term_vectors(texts)
    centroid: Vector = {}
    for vector in vectors:
        for term, weight in vector.items():
            centroid[term] = centroid.get(term, 0) + weight
    long_enough = [number for number, vector in enumerate(vectors) if len(vector) >= LEAST_TERMS]
    candidates = long_enough or [number for number, vector in enumerate(vectors) if vector]
    closeness = {number: cosine_similarity(vectors[number], centroid) for number in candidates}
    likeness = dict.fromkeys(candidates, 0.0)
    chosen: list[int] = []
    while candidates and len(chosen) < count:
        best = max(candidates, key=lambda index: RELEVANCE * closeness[index] - (1 - RELEVANCE) * likeness[index])
        chosen.append(best)
        candidates.remove(best)
        for index in candidates:
            likeness[index] = max(likeness[index], cosine_similarity(vectors[index], vectors[best]))
    return chosen


def term_vectors(texts: Sequence[str]) -> list[Vector]:
    """Of length 1, or empty."""
    counts = [Counter(split_terms(text)) for text in texts]
    within = Counter(term for count in counts for term in count)
    vectors = []
    for count in counts:
        vector = {term: times * math.log(1 + len(texts) / within[term]) for term, times in count.items()}
        length = math.sqrt(sum(weight**2 for weight in vector.values()))
        vectors.append({term: weight / length for term, weight in vector.items()})
    return vectors


def split_terms(text: str) -> list[str]:
    """Its words; of scripts that put no spaces between them, all pairs of neighbouring letters."""
    pieces = []
    for word in words(text):
        pairs = [word[at : at + 2] for at in range(len(word) - 1)] if UNSPACED.search(word) else [word]
        pieces += pairs or [word]
    return pieces


def cosine_similarity(first: Vector, second: Vector) -> float:
    """Of a vector of length 1 with another."""
    length = math.sqrt(sum(weight**2 for weight in second.values()))
    return sum(weight * second.get(term, 0) for term, weight in first.items()) / length if length else 0
