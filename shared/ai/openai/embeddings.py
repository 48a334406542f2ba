"""Embeddings through OpenAI's endpoint, at most 2 048 texts and 300 000 tokens in a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.ai.meter import Meter
from shared.ai.openai.calls import optional
from shared.ai.provider import Embedded
from shared.ai.vectors import DIMENSIONS, batches, clipped, unit
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI

TEXTS, BYTES = 2_048, 300_000
"""Of one request; a token has at least one byte."""


def embed(client: OpenAI, model: str, texts: Sequence[str], meter: Meter, tick: Tick) -> Embedded:
    """Raises what `shared.ai.openai.calls.optional` and `shared.ai.vectors.unit` do."""
    vectors: list[list[float]] = []
    for batch in batches(clipped(texts), TEXTS, BYTES):
        meter.allow()
        tick(len(vectors) / len(texts), "Embedding texts")
        with optional("embeddings"):
            answer = client.embeddings.create(model=model, input=batch, dimensions=DIMENSIONS)
            in_order = sorted(answer.data, key=lambda one: one.index)
        if answer.usage:
            meter.count("openai", model, answer.usage.prompt_tokens, 0)
        vectors += unit([one.embedding for one in in_order], len(batch), model)
    return Embedded(vectors, DIMENSIONS, meter.total("openai", model))
