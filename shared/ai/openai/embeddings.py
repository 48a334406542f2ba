"""Embeddings through OpenAI's endpoint, at most 2 048 texts and 300 000 tokens in a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.ai.meter import Meter
from shared.ai.openai.calls import optional_feature
from shared.ai.provider import EmbeddingResult
from shared.ai.vectors import DIMENSIONS, batches, normalize_vectors, truncate_texts
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI

BATCH_TEXTS, BATCH_BYTES = 2_048, 300_000
"""Of one request; a token has at least one byte."""


def embed(client: OpenAI, model: str, texts: Sequence[str], meter: Meter, tick: Tick) -> EmbeddingResult:
    """Raises what `shared.ai.openai.calls.optional` and `shared.ai.vectors.unit` do."""
    vectors: list[list[float]] = []
    for batch in batches(truncate_texts(texts), BATCH_TEXTS, BATCH_BYTES):
        meter.allow()
        tick(len(vectors) / len(texts), "Embedding texts")
        with optional_feature("embeddings"):
            answer = client.embeddings.create(model=model, input=batch, dimensions=DIMENSIONS)
            ordered = sorted(answer.data, key=lambda item: item.index)
        if answer.usage:
            meter.count("openai", model, answer.usage.prompt_tokens, 0)
        vectors += normalize_vectors([item.embedding for item in ordered], len(batch), model)
    return EmbeddingResult(vectors, DIMENSIONS, meter.total("openai", model))
