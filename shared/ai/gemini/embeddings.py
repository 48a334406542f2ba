"""Embeddings through Gemini, with a key or through Vertex AI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from shared.ai.gemini.calls import patiently
from shared.ai.meter import Meter
from shared.ai.provider import Embedded
from shared.ai.talking import estimated_tokens
from shared.ai.vectors import DIMENSIONS, batches, clipped, unit
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import EmbedContentResponse

TEXTS, BYTES = 100, 60_000
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
) -> Embedded:
    """Raises what `patiently` and `shared.ai.vectors.unit` do."""
    vectors: list[list[float]] = []
    for batch in batches(clipped(texts), TEXTS, BYTES):
        meter.allow()
        tick(len(vectors) / len(texts), "Embedding texts")
        answer = _answer(client, model, batch, purpose, tick)
        meter.count("gemini", model, _tokens(answer, batch), 0)
        vectors += unit([one.values or [] for one in answer.embeddings or []], len(batch), model)
    return Embedded(vectors, DIMENSIONS, meter.total("gemini", model))


def _answer(
    client: Client, model: str, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick
) -> EmbedContentResponse:
    from google.genai.types import Content, EmbedContentConfig, Part

    task = None if model.startswith(WITHOUT_TASKS) else TASKS[purpose]
    prefix = "" if task else PREFIXES[purpose]
    # Each text is a content of its own: plain strings would be taken for parts of one by models that also see.
    contents = [Content(parts=[Part.from_text(text=prefix + text)]) for text in texts]
    config = EmbedContentConfig(task_type=task, output_dimensionality=DIMENSIONS)
    return patiently(lambda: client.models.embed_content(model=model, contents=[*contents], config=config), tick)


def _tokens(answer: EmbedContentResponse, texts: Sequence[str]) -> int:
    """As the service tells them, for all or for each text; not everywhere does it."""
    if answer.usage_metadata and answer.usage_metadata.prompt_token_count:
        return answer.usage_metadata.prompt_token_count
    told = [one.statistics.token_count for one in answer.embeddings or [] if one.statistics]
    return round(sum(filter(None, told))) or estimated_tokens(*texts)
