"""A question as vectors: one of the configured provider's model, and one that costs nothing."""

from __future__ import annotations

from shared.ai.meter import Meter
from shared.ai.offline.embedding import MODEL, embed
from shared.ai.providers import FallbackProvider, provider_order
from shared.ai.vectors import DIMENSIONS
from shared.chat.search import QueryEmbedding
from shared.errors import TransientError
from shared.platform.ports import Vector
from shared.progress import Tick
from shared.settings import settings

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
