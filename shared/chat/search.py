"""Search for passages of videos that are relevant to a question, by embeddings and by words.

The rankings are fused by rank (G. Cormack, C. Clarke and S. Büttcher, Reciprocal rank fusion outperforms Condorcet and
individual rank learning methods, 2009), because their scores are not comparable. Words find the names and numbers that
vectors blur; vectors find paraphrases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shared.ai.fallback import FallbackProvider, provider_order
from shared.ai.offline.embedding import MIN_SIMILARITY, MODEL, embed
from shared.ai.offline.terms import is_number, terms
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS
from shared.errors import TransientError
from shared.models.chat import Passage
from shared.pipeline.job_storage import SEGMENTS
from shared.platform.ports import Document, Documents, Filter, Vector
from shared.progress import Tick
from shared.settings import settings

CHAT_KIND = "chat"
"""Stands for questions and embeddings where settings name a kind of analysis: `AI_PROVIDER_CHAT`."""
IN_LIMIT = 30
"""Maximum number of videos in one query."""
RANKING_DEPTH = 24
"""Number of passages per ranking."""
MAX_TERMS = 8
"""Terms of a question that are searched for, likely rare ones first; each is a query per IN_LIMIT videos."""
NAME = re.compile(r"\b[A-ZÄÖÜА-ЯЁ]\w+")
"""Applied after the first word. German capitalizes all nouns, so there they keep equal weights."""
NAME_WEIGHT = 2.0
DAMPING = 60
"""The constant k of rank fusion, as in the paper."""
PASSAGES_PER_VIDEO = 20
"""Estimate, from which the rarity of a word is derived without counting all passages."""
MAX_THREADS = 8
Rows = Sequence[Document]
Ranking = Sequence[tuple[str, float]]
"""Ids of passages with their scores, the best first."""


@dataclass(frozen=True)
class QueryEmbedding:
    """The embedding of a question by one model.

    Attributes:
        min_similarity: Cosine similarity, -1 to 1, from which a passage counts as relevant.
    """

    model: str
    vector: Vector
    min_similarity: float


@dataclass
class SearchResult:
    """A ranked passage.

    Attributes:
        score: Fused score; only its order is meaningful.
        relevant: Whether the passage reaches the threshold of at least one ranking.
    """

    passage: Passage
    score: float = 0.0
    relevant: bool = False


def embed_question(question: str, meter: Meter, tick: Tick) -> tuple[list[QueryEmbedding], TransientError | None]:
    """Return the question's embeddings, and the error if the provider of embeddings is down.

    The offline embedding is always included: it finds passages that were stored without another provider.
    Raises PermanentError as providers do.
    """
    offline_embedding = QueryEmbedding(MODEL, Vector(tuple(embed(question, DIMENSIONS))), MIN_SIMILARITY)
    try:
        result = FallbackProvider(provider_order(CHAT_KIND, settings()), settings(), meter).embed(
            [question], "query", tick
        )
    except TransientError as error:
        return [offline_embedding], error
    model = str(result.usage.model)
    if model == MODEL:
        return [offline_embedding], None
    return [QueryEmbedding(model, Vector(tuple(result.vectors[0])), result.min_similarity), offline_embedding], None


def has_passages(documents: Documents, video_ids: Sequence[str]) -> bool:
    """Return True if at least one of the videos has a transcript to search."""
    for start in range(0, len(video_ids), IN_LIMIT):
        batch = list(video_ids[start : start + IN_LIMIT])
        if documents.query(SEGMENTS, [("videoId", "in", batch)], limit=1).documents:
            return True
    return False


def search(
    documents: Documents,
    owner: str,
    video_ids: Sequence[str],
    question: str,
    embeddings: Sequence[QueryEmbedding],
    min_coverage: float,
    limit: int,
) -> list[SearchResult]:
    """Return the relevant passages of the owner's videos, at most `limit`, the best first.

    The nearest passages are exact for any number of videos.

    Args:
        min_coverage: Share of the question's words, weighted by rarity, from which a passage counts as relevant.
    """
    chunks = [list(video_ids[at : at + IN_LIMIT]) for at in range(0, len(video_ids), IN_LIMIT)]
    term_weights = query_terms(question)
    passages_by_id: dict[str, Passage] = {}

    def own_passage_ids(rows: Iterable[Document]) -> list[str]:
        """Return the ids of the owner's passages; none should belong to others."""
        passages = {row.id: Passage.read(row.data) for row in rows}
        mine = {id: passage for id, passage in passages.items() if passage.owner == owner}
        passages_by_id.update(mine)
        return list(mine)

    with ThreadPoolExecutor(MAX_THREADS) as threads:
        nearest = [
            [threads.submit(_nearest_passages, documents, chunk, embedding) for chunk in chunks]
            for embedding in embeddings
        ]
        with_terms = {
            term: [threads.submit(_passages_with_term, documents, chunk, term, len(chunks)) for chunk in chunks]
            for term in term_weights
        }
        rankings: list[tuple[Ranking, float]] = []
        for embedding, searches in zip(embeddings, nearest, strict=True):
            rows = [row for future in searches for row in future.result()]
            mine = set(own_passage_ids(document for document, _ in rows))
            rankings.append(
                (_top_ranked((row.id, 1 - far) for row, far in rows if row.id in mine), embedding.min_similarity)
            )
        ids_by_term = {
            term: own_passage_ids(row for future in searches for row in future.result())
            for term, searches in with_terms.items()
        }
    weights = {term: term_weights[term] * rarity(len(ids), len(video_ids)) for term, ids in ids_by_term.items()}
    matching = {id for ids in ids_by_term.values() for id in ids}
    rankings.append((_top_ranked((id, coverage(passages_by_id[id], weights)) for id in matching), min_coverage))
    return [result for result in fuse_rankings(rankings, passages_by_id) if result.relevant][:limit]


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
    return sum(weight for term, weight in weights.items() if term in words) / sum(weights.values())


def fuse_rankings(rankings: Iterable[tuple[Ranking, float]], passages: Mapping[str, Passage]) -> list[SearchResult]:
    """Return all ranked passages by the sum of 1 / (DAMPING + rank) over the rankings."""
    results: dict[str, SearchResult] = {}
    for ranking, min_score in rankings:
        for rank, (id, score) in enumerate(ranking, start=1):
            result = results.setdefault(id, SearchResult(passages[id]))
            result.score += 1 / (DAMPING + rank)
            result.relevant = result.relevant or score >= min_score
    return sorted(results.values(), key=lambda result: -result.score)


def _top_ranked(scored: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(scored, key=lambda item: (-item[1], item[0]))[:RANKING_DEPTH]


def _nearest_passages(
    documents: Documents, videos: Sequence[str], embedding: QueryEmbedding
) -> Sequence[tuple[Document, float]]:
    """Return the passages nearest to the embedding among those with vectors of the same model."""
    return documents.nearest(
        SEGMENTS,
        "embedding",
        embedding.vector,
        RANKING_DEPTH,
        [("videoId", "in", videos), ("model", "==", embedding.model)],
    )


def _passages_with_term(documents: Documents, videos: Sequence[str], term: str, chunks: int) -> Rows:
    """Return passages with the term, up to a limit: a frequent term says little about relevance."""
    filters: list[Filter] = [("videoId", "in", videos), ("words", "array_contains", term)]
    return documents.query(SEGMENTS, filters, limit=max(6, 2 * RANKING_DEPTH // chunks)).documents
