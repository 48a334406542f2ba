"""A question as vectors: one of the configured provider's model, and one that costs nothing."""

from __future__ import annotations

from shared.ai.meter import Meter
from shared.ai.offline.embedding import MODEL, embed
from shared.ai.providers import InOrder, order_for
from shared.ai.vectors import DIMENSIONS
from shared.chat.search import Meaning
from shared.errors import TransientError
from shared.platform.ports import Vector
from shared.progress import Tick
from shared.settings import settings

CHAT = "chat"
"""What conversation and its vectors are called where kinds of analyses are: `AI_PROVIDER_CHAT`."""
LEAST_SIMILAR = {MODEL: 0.14, "text-embedding-3": 0.2, "gemini-embedding-001": 0.5, "gemini-embedding-2": 0.4}
"""By the beginning of a model's name. The first was chosen on `benchmarks/chat_questions.yaml`; the others are careful
guesses, for nobody measured them there: `python -m benchmarks.chat` tells what they should be. A model that is not here
has none, and whoever answers tells chance from meaning."""


def meanings_of(question: str, meter: Meter, tick: Tick) -> tuple[list[Meaning], TransientError | None]:
    """Also why the provider's is missing, when the provider is down.

    The one that costs nothing finds what was stored while there was no other. Raises PermanentError as providers do.
    """
    own = Meaning(MODEL, Vector(tuple(embed(question, DIMENSIONS))), LEAST_SIMILAR[MODEL])
    try:
        embedded = InOrder(order_for(CHAT, settings()), settings(), meter).embed([question], "query", tick)
    except TransientError as error:
        return [own], error
    model = str(embedded.usage.model)
    if model == MODEL:
        return [own], None
    return [Meaning(model, Vector(tuple(embedded.vectors[0])), least_similar(model)), own], None


def least_similar(model: str) -> float:
    return next((least for beginning, least in LEAST_SIMILAR.items() if model.startswith(beginning)), -1.0)
