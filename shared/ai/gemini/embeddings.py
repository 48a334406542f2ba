"""Embeddings through Gemini, with a key or through Vertex AI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from shared.ai.gemini.calls import with_retries
from shared.ai.meter import Meter
from shared.ai.provider import EmbeddingResult
from shared.ai.talking import estimate_tokens
from shared.ai.vectors import DIMENSIONS, batches, normalize_vectors, truncate_texts
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import EmbedContentResponse

BATCH_TEXTS, BATCH_BYTES = 100, 60_000
"""Of one request: a batch has at most 100 texts, and Vertex AI takes 20 000 tokens."""
TASKS = {"document": "RETRIEVAL_DOCUMENT", "query": "RETRIEVAL_QUERY"}
WITHOUT_TASKS = "gemini-embedding-2"
"""Its texts say themselves what they are for."""
PREFIXES = {"document": "title: none | text: ", "query": "task: search result | query: "}


def embed(
    client: Client,
    model: str,
    texts: Sequence[str],
    purpose: Literal["document", "query"],
    meter: Meter,
    tick: Tick,
) -> EmbeddingResult:
    """Raises what `patiently` and `shared.ai.vectors.unit` do."""
    vectors: list[list[float]] = []
    for batch in batches(truncate_texts(texts), BATCH_TEXTS, BATCH_BYTES):
        meter.allow()
        tick(len(vectors) / len(texts), "Embedding texts")
        answer = _request_embeddings(client, model, batch, purpose, tick)
        meter.count("gemini", model, _count_tokens(answer, batch), 0)
        vectors += normalize_vectors(
            [embedding.values or [] for embedding in answer.embeddings or []], len(batch), model
        )
    return EmbeddingResult(vectors, DIMENSIONS, meter.total("gemini", model))


def _request_embeddings(
    client: Client, model: str, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick
) -> EmbedContentResponse:
    from google.genai.types import Content, EmbedContentConfig, Part

    task = None if model.startswith(WITHOUT_TASKS) else TASKS[purpose]
    prefix = "" if task else PREFIXES[purpose]
    # Each text is a content of its own: plain strings would be taken for parts of one by models that also see.
    contents = [Content(parts=[Part.from_text(text=prefix + text)]) for text in texts]
    config = EmbedContentConfig(task_type=task, output_dimensionality=DIMENSIONS)
    return with_retries(lambda: client.models.embed_content(model=model, contents=[*contents], config=config), tick)


def _count_tokens(answer: EmbedContentResponse, texts: Sequence[str]) -> int:
    """As the service tells them, for all or for each text; not everywhere does it."""
    if answer.usage_metadata and answer.usage_metadata.prompt_token_count:
        return answer.usage_metadata.prompt_token_count
    token_counts = [embedding.statistics.token_count for embedding in answer.embeddings or [] if embedding.statistics]
    return round(sum(filter(None, token_counts))) or estimate_tokens(*texts)
