"""Embeddings through OpenAI's endpoint, in the width of the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.ai.openai.endpoint import Endpoint
from shared.ai.openai.errors import server_message, translate_errors
from shared.ai.provider import EmbeddingResult, estimate_tokens
from shared.ai.usage import ServiceMeter
from shared.ai.vectors import DIMENSIONS, batches, normalize_vectors, threshold_for, truncate_texts
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CreateEmbeddingResponse

BATCH_TEXTS, BATCH_BYTES = 2_048, 300_000
"""OpenAI's limits of one request; a token has at least one byte."""
SERVER_BATCH_TEXTS = 32
"""Texts per request to a compatible server, which may take seconds for each."""
MIN_SIMILARITY = {"text-embedding-3": 0.2}
"""See `shared.ai.vectors.threshold_for`."""
FIXED_WIDTH = re.compile(r"matryoshka|dimensions", re.IGNORECASE)


def embed_texts(
    client: OpenAI,
    endpoint: Endpoint,
    dimensions: int | None,
    texts: Sequence[str],
    meter: ServiceMeter,
    tick: Tick,
) -> EmbeddingResult:
    """Return one vector per text.

    Args:
        dimensions: Length of the vectors to request; None for the default. A model with only one length ignores or
            refuses it, and returns its own.

    Raises as `translate_errors` and `normalize_vectors`.
    """
    requested = dimensions or (DIMENSIONS if endpoint.is_vendor else None)
    options: dict[str, Any] = {"dimensions": requested} if requested else {}
    max_texts = BATCH_TEXTS if endpoint.is_vendor else SERVER_BATCH_TEXTS
    vectors: list[list[float]] = []
    for batch in batches(truncate_texts(texts), max_texts, BATCH_BYTES):
        meter.allow()
        tick(len(vectors) / len(texts), "Embedding texts")
        with translate_errors(endpoint):
            answer = _request(client, endpoint, batch, options)
            ordered = sorted(answer.data, key=lambda item: item.index)
        meter.count(endpoint.model, answer.usage.prompt_tokens if answer.usage else estimate_tokens(*batch), 0)
        vectors += normalize_vectors([item.embedding for item in ordered], len(batch), endpoint.model)
    width = len(vectors[0]) if vectors else requested or DIMENSIONS
    return EmbeddingResult(vectors, width, meter.total(endpoint.model), threshold_for(endpoint.model, MIN_SIMILARITY))


def _request(client: OpenAI, endpoint: Endpoint, texts: list[str], options: dict[str, Any]) -> CreateEmbeddingResponse:
    """Request vectors; at a compatible server that refuses `dimensions`, without them from now on."""
    from openai import APIStatusError

    try:
        return client.embeddings.create(model=endpoint.model, input=texts, **options)
    except APIStatusError as error:
        if endpoint.is_vendor or not options or not FIXED_WIDTH.search(server_message(error)):
            raise
    options.clear()
    return client.embeddings.create(model=endpoint.model, input=texts)
