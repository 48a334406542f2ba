"""Which passages of videos have to do with a question: by what they mean and by the words they share.

Both rankings are fused by their ranks (G. Cormack, C. Clarke and S. Büttcher, Reciprocal rank fusion outperforms
Condorcet and individual rank learning methods, 2009), because their scores cannot be compared. Words find the names and
numbers that vectors blur; vectors find what is said in other words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shared.ai.fallback import FallbackProvider, provider_order
from shared.ai.offline.embedding import MODEL, embed
from shared.ai.offline.terms import is_number, terms
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS
from shared.errors import TransientError
from shared.models.chat import Passage
from shared.pipeline.job_storage import SEGMENTS
from shared.platform.ports import Document, Documents, Filter, Vector
from shared.progress import Tick
from shared.settings import settings

IN_LIMIT = 30
"""Videos that one query can name."""
RANKING_DEPTH = 24
"""Passages of a ranking that count."""
MAX_TERMS = 8
"""Of a question, those first that are likely to be rare; each is a query for every IN_LIMIT videos."""
NAME = re.compile(r"\b[A-ZÄÖÜА-ЯЁ]\w+")
"""Looked for behind the first word. German writes all nouns like this, which then weigh the same again."""
NAME_WEIGHT = 2.0
DAMPING = 60
"""The constant k of the fusion, as its authors have it."""
PASSAGES_PER_VIDEO = 20
"""About how many there are, to tell rare words from frequent ones without counting."""
MAX_THREADS = 8


@dataclass(frozen=True)
class QueryEmbedding:
    """A question as one model sees it.

    Attributes:
        least: The similarity to a passage, -1 to 1, from which on it is taken for more than chance.
    """

    model: str
    vector: Vector
    min_similarity: float


@dataclass
class SearchResult:
    """A passage that was found.

    Attributes:
        score: By the fusion; good for an order and nothing else.
        relevant: Whether one of the rankings takes it for more than chance.
    """

    passage: Passage
    score: float = 0.0
    relevant: bool = False


Rows = Sequence[Document]
Ranking = Sequence[tuple[str, float]]
"""Ids of passages, the best first, each with how much it has to do with the question."""


def search(
    documents: Documents,
    owner: str,
    video_ids: Sequence[str],
    question: str,
    embeddings: Sequence[QueryEmbedding],
    min_coverage: float,
    limit: int,
) -> list[SearchResult]:
    """The passages of the owner's videos that have to do with the question, at most `limit`, the best first.

    However many videos there are, the nearest passages are exactly these.

    Args:
        least_covered: The share of the question's words, weighed by their rarity, from which on a passage that has them
            is taken for relevant.
    """
    chunks = [list(video_ids[at : at + IN_LIMIT]) for at in range(0, len(video_ids), IN_LIMIT)]
    term_weights = query_terms(question)
    passages_by_id: dict[str, Passage] = {}

    def own_passage_ids(rows: Iterable[Document]) -> list[str]:
        """The ids of those that are the owner's, which all of them should be."""
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
    """The terms to look for with their weights; names, numbers and long words tell most."""
    names = {term for later in question.split(maxsplit=1)[1:] for word in NAME.findall(later) for term in terms(word)}
    weights = {term: NAME_WEIGHT if term in names or is_number(term) else 1.0 for term in terms(question)}
    best = sorted(weights, key=lambda term: (-weights[term], -len(term)))[:MAX_TERMS]
    return {term: weights[term] for term in best}


def rarity(having: int, videos: int) -> float:
    """The weight of a term that so many passages have (K. Spärck Jones, 1972), of one that none has the highest."""
    return math.log(1 + videos * PASSAGES_PER_VIDEO / (having or 0.5))


def coverage(passage: Passage, weights: Mapping[str, float]) -> float:
    """How much of the question the passage covers, 0 to 1."""
    words = set(passage.words)
    return sum(weight for term, weight in weights.items() if term in words) / sum(weights.values())


def fuse_rankings(rankings: Iterable[tuple[Ranking, float]], passages: Mapping[str, Passage]) -> list[SearchResult]:
    """All that stands in a ranking, by the sum over the rankings of 1 / (DAMPING + rank)."""
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
    """Vectors of other models are left alone."""
    return documents.nearest(
        SEGMENTS,
        "embedding",
        embedding.vector,
        RANKING_DEPTH,
        [("videoId", "in", videos), ("model", "==", embedding.model)],
    )


def _passages_with_term(documents: Documents, videos: Sequence[str], term: str, chunks: int) -> Rows:
    """Of a word that stands everywhere, not all passages: it tells little."""
    filters: list[Filter] = [("videoId", "in", videos), ("words", "array_contains", term)]
    return documents.query(SEGMENTS, filters, limit=max(6, 2 * RANKING_DEPTH // chunks)).documents


CHAT_KIND = "chat"
"""What conversation and its vectors are called where kinds of analyses are: `AI_PROVIDER_CHAT`."""
MIN_SIMILARITY = {MODEL: 0.14, "text-embedding-3": 0.2, "gemini-embedding-001": 0.5, "gemini-embedding-2": 0.4}
"""By the beginning of a model's name. The first was chosen on `benchmarks/chat_questions.yaml`; the others are careful
guesses, for nobody measured them there: `python -m benchmarks.chat` tells what they should be. A model that is not here
has none, and whoever answers tells chance from meaning."""


def embed_question(question: str, meter: Meter, tick: Tick) -> tuple[list[QueryEmbedding], TransientError | None]:
    """Also why the provider's is missing, when the provider is down.

    The one that costs nothing finds what was stored while there was no other. Raises PermanentError as providers do.
    """
    offline_embedding = QueryEmbedding(MODEL, Vector(tuple(embed(question, DIMENSIONS))), MIN_SIMILARITY[MODEL])
    try:
        result = FallbackProvider(provider_order(CHAT_KIND, settings()), settings(), meter).embed(
            [question], "query", tick
        )
    except TransientError as error:
        return [offline_embedding], error
    model = str(result.usage.model)
    if model == MODEL:
        return [offline_embedding], None
    return [QueryEmbedding(model, Vector(tuple(result.vectors[0])), min_similarity(model)), offline_embedding], None


def min_similarity(model: str) -> float:
    return next((threshold for prefix, threshold in MIN_SIMILARITY.items() if model.startswith(prefix)), -1.0)
