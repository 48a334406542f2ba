"""Search for passages of videos that are relevant to a question, by embeddings and by words.

The rankings are fused by rank (G. Cormack, C. Clarke and S. Büttcher, Reciprocal rank fusion outperforms Condorcet and
individual rank learning methods, 2009), because their scores are not comparable. Words find the names and numbers that
vectors blur; vectors find paraphrases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.ai.fallback import FallbackProvider, provider_order
from shared.ai.offline.language.lexicon import detect_language
from shared.ai.offline.provider import OfflineProvider
from shared.ai.offline.terms import is_number, terms
from shared.ai.usage import Meter
from shared.ai.vectors import UNCALIBRATED, Calibration, cosine_similarity, packed_similarities
from shared.errors import TransientError
from shared.languages import primary_language
from shared.models.chat import Passage
from shared.pipeline.job_storage import SEGMENTS
from shared.platform.ports import Document, Documents, Filter, Vector
from shared.progress import Tick
from shared.settings import settings

CHAT_KIND = "chat"
"""Stands for questions and embeddings where settings name a kind of analysis: `AI_PROVIDER_CHAT`."""
IN_LIMIT = 30
"""Maximum number of videos in one of Firestore's queries."""
RANKING_DEPTH = 24
"""Number of passages per ranking."""
MAX_TERMS = 8
"""Terms of a question that are searched for, likely rare ones first."""
NAME = re.compile(r"\b[A-ZÄÖÜА-ЯЁ]\w+")
"""Applied after the first word. German capitalizes all nouns, so there they keep equal weights."""
NAME_WEIGHT = 2.0
DAMPING = 60
"""The constant k of rank fusion, as in the paper."""
PASSAGES_PER_VIDEO, VIDEOS_PER_LIBRARY = 20, 100
"""Estimates, from which the rarity of a word is derived without counting all passages and videos."""
Ranking = Sequence[tuple[str, float]]
"""Ids of passages with their scores, the best first."""


@dataclass(frozen=True)
class QueryEmbedding:
    """The embedding of a question by one model.

    Attributes:
        min_similarity: Similarity, calibrated, from which a passage counts as relevant.
    """

    model: str
    vector: Vector
    min_similarity: float
    calibration: Calibration = UNCALIBRATED


@dataclass
class SearchResult:
    """A ranked passage.

    Attributes:
        score: Fused score; only its order is meaningful.
        relevant: Whether the passage reaches the threshold of at least one ranking.
        line_similarities: Similarity of each line with the question; empty without vectors of lines.
    """

    passage: Passage
    score: float = 0.0
    relevant: bool = False
    line_similarities: Sequence[float] = ()


def embedding_provider(meter: Meter) -> FallbackProvider:
    """Return the configured provider of embeddings; where it has none, as many chat servers, this machine's model."""
    order = provider_order(CHAT_KIND, settings())
    return FallbackProvider([*order, *({"offline"} - set(order))], settings(), meter)


def embed_question(question: str, meter: Meter, tick: Tick) -> tuple[list[QueryEmbedding], TransientError | None]:
    """Return the question's embeddings, and the error if the provider of embeddings is down.

    Those of this machine's models are always included: they find passages that were stored with another setting.
    Raises PermanentError as providers do.
    """
    results, failure = [], None
    try:
        results.append(embedding_provider(meter).embed([question], "query", tick))
    except TransientError as error:
        failure = error
    # By meaning, where the model can be used, and by words.
    for config in (settings(), None):
        results.append(OfflineProvider(config).embed([question], "query", tick))
    by_model = {str(result.usage.model): result for result in reversed(results)}
    return [
        QueryEmbedding(model, Vector(tuple(result.vectors[0])), result.min_similarity, result.calibration)
        for model, result in reversed(by_model.items())
    ], failure


def has_passages(documents: Documents, owner: str, video_ids: Sequence[str] | None) -> bool:
    """Return True if at least one of the videos, or of all of the owner's, has a transcript to search."""
    if video_ids is None:
        return bool(documents.query(SEGMENTS, [("owner", "==", owner)], limit=1).documents)
    for start in range(0, len(video_ids), IN_LIMIT):
        batch = list(video_ids[start : start + IN_LIMIT])
        if documents.query(SEGMENTS, [("videoId", "in", batch)], limit=1).documents:
            return True
    return False


def search(
    documents: Documents,
    owner: str,
    video_ids: Sequence[str] | None,
    question: str,
    embeddings: Sequence[QueryEmbedding],
    min_coverage: float,
    limit: int,
) -> list[SearchResult]:
    """Return the relevant passages of the owner's videos, at most `limit`, the best first.

    The nearest passages are exact for any number of videos.

    Args:
        video_ids: The videos to search; None for all of the owner's.
        min_coverage: Share of the question's words, weighted by rarity, from which a passage counts as relevant.
    """
    within: Filter = ("owner", "==", owner) if video_ids is None else ("videoId", "in", list(video_ids))
    count = VIDEOS_PER_LIBRARY if video_ids is None else len(video_ids)
    ranked = rank_passages(documents, SEGMENTS, [within], owner, question, embeddings, min_coverage, count)
    return [result for result in ranked if result.relevant][:limit]


def rank_passages(
    documents: Documents,
    collection: str,
    within: Sequence[Filter],
    owner: str,
    question: str,
    embeddings: Sequence[QueryEmbedding],
    min_coverage: float,
    video_count: int,
    depth: int = RANKING_DEPTH,
) -> list[SearchResult]:
    """Return the passages nearest to the question by meaning or by words, the best first.

    Args:
        within: Filters for the videos to search.
        video_count: About how many these are, from which the rarity of words is derived.
        depth: Number of passages per ranking.
    """
    terms_by_weight = query_terms(question)
    found: dict[str, Document] = {}
    language = detect_language([question], None)
    for embedding in embeddings:
        filters: list[Filter] = [*within, ("model", "==", embedding.model)]
        rows = documents.nearest(collection, "embedding", embedding.vector, depth, filters)
        found |= {row.id: row for row, _ in rows}
    matches = documents.matching(collection, "words", list(terms_by_weight), 2 * depth, within)
    found |= {row.id: row for row in matches.documents}
    # None should belong to others.
    passages = {id: Passage.read(row.data) for id, row in found.items() if row.data["owner"] == owner}
    weights = {term: weight * rarity(matches.counts[term], video_count) for term, weight in terms_by_weight.items()}
    coverages = {id: coverage(passage, weights) for id, passage in passages.items()}
    lines: dict[str, Sequence[float]] = {}
    rankings: list[tuple[Ranking, float]] = []
    for embedding in embeddings:
        of_model = {id: passage for id, passage in passages.items() if passage.model == embedding.model}
        scores: dict[str, float] = {}
        for id, passage in of_model.items():
            plain = cosine_similarity(found[id].data["embedding"].values, embedding.vector.values)
            lines[id] = line_similarities(passage, embedding)
            scores[id] = calibrate(plain, lines[id], passage, embedding.calibration, language, coverages[id])
        rankings.append((_top_ranked(scores.items(), depth), embedding.min_similarity))
    rankings.append((_top_ranked(((id, score) for id, score in coverages.items() if score), depth), min_coverage))
    return fuse_rankings(rankings, passages, lines)


def line_similarities(passage: Passage, embedding: QueryEmbedding) -> Sequence[float]:
    """Return the similarity of each line with the question; nothing without vectors of lines."""
    return packed_similarities(passage.line_vectors, embedding.vector.values) if passage.line_vectors else ()


def calibrate(
    similarity: float,
    lines: Sequence[float],
    passage: Passage,
    calibration: Calibration,
    language: str | None,
    word_coverage: float,
) -> float:
    """Return the similarity of a passage with a question in `language`, comparable with those of other passages.

    Args:
        lines: Similarities of the passage's lines.
        word_coverage: Share of the question's words in the passage.
    """
    if lines:
        similarity += calibration.line_share * (max(lines) - similarity)
    if language and passage.language and primary_language(passage.language) != language:
        similarity += calibration.other_language
    return similarity + calibration.shared_words * word_coverage


def query_terms(question: str) -> dict[str, float]:
    """Return the terms to search for with their weights; names, numbers and long words come first."""
    names = {term for later in question.split(maxsplit=1)[1:] for word in NAME.findall(later) for term in terms(word)}
    weights = {term: NAME_WEIGHT if term in names or is_number(term) else 1.0 for term in terms(question)}
    best = sorted(weights, key=lambda term: (-weights[term], -len(term)))[:MAX_TERMS]
    return {term: weights[term] for term in best}


def rarity(having: int, videos: int) -> float:
    """Return the weight of a term in `having` passages (K. Spärck Jones, 1972); it is highest without any."""
    return math.log(1 + videos * PASSAGES_PER_VIDEO / (having or 0.5))


def coverage(passage: Passage, weights: Mapping[str, float]) -> float:
    """Return the weighted share of the question's terms that the passage contains, 0 to 1."""
    words = set(passage.words)
    return sum(weight for term, weight in weights.items() if term in words) / (sum(weights.values()) or 1)


def fuse_rankings(
    rankings: Iterable[tuple[Ranking, float]],
    passages: Mapping[str, Passage],
    line_similarities: Mapping[str, Sequence[float]],
) -> list[SearchResult]:
    """Return all ranked passages by the sum of 1 / (DAMPING + rank) over the rankings."""
    results: dict[str, SearchResult] = {}
    for ranking, min_score in rankings:
        for rank, (id, score) in enumerate(ranking, start=1):
            if id not in results:
                results[id] = SearchResult(passages[id], line_similarities=line_similarities.get(id, ()))
            result = results[id]
            result.score += 1 / (DAMPING + rank)
            result.relevant = result.relevant or score >= min_score
    return sorted(results.values(), key=lambda result: -result.score)


def _top_ranked(scored: Iterable[tuple[str, float]], depth: int) -> list[tuple[str, float]]:
    return sorted(scored, key=lambda item: (-item[1], item[0]))[:depth]
