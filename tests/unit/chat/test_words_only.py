"""Questions are answered by words where vectors are missing, of another model, or without an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins.compatible_servers import MODEL, SHAPES, WIDTH, CompatibleServer
from infra.stand_ins.server import Reply
from shared.ai.usage import Meter
from shared.chat.passages import indexed_model
from shared.chat.reindex import reindex_in_background
from shared.chat.search import embed_question, search
from shared.errors import IndexMissing
from shared.models.job import Usage
from shared.pipeline.job_storage import SEGMENTS
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Documents, Vector
from shared.settings import read_settings, settings
from tests.recipe_samples import no_tick
from tests.transcript_samples import SOUP, told


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return open_embedded_place(read_settings({"CLIPWISE_DATA": str(tmp_path)})).place.documents


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompatibleServer]:
    """A compatible server that embeds, and a machine without a sentence model."""
    with CompatibleServer(SHAPES["vllm"]) as service:
        monkeypatch.setenv("OPENAI_EMBED_BASE_URL", service.base_url)
        monkeypatch.setenv("OPENAI_EMBED_MODEL", MODEL)
        monkeypatch.setenv("OFFLINE_EMBED_MODEL", "hashing")
        settings.cache_clear()
        yield service
    settings.cache_clear()


def ask(documents: Documents, question: str, meter: Meter) -> list[str]:
    embeddings, _ = embed_question(question, meter, no_tick)
    results = search(documents, "ann", ["soup"], question, embeddings, 0.1, 5, meter.note)
    return [result.passage.video_id for result in results]


def models(documents: Documents) -> set[Any]:
    return {row.data["model"] for row in documents.query(SEGMENTS, limit=100).documents}


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (Reply({"error": {"message": "The model `x` does not exist.", "code": 404}}, 404), "does not have the model"),
        (Reply({"error": {"message": "no", "code": 401}}, 401), "rejected the API key"),
        (Reply({"error": {"message": "broken"}}, 500), "does not respond"),
    ],
)
def test_a_question_is_answered_without_the_vectors_of_the_provider(
    documents: Documents, server: CompatibleServer, reply: Reply, note: str
) -> None:
    """Chat never ends because embeddings cannot be made: words find the passage, and a note says why only they did."""
    told(documents, "ann", "soup", SOUP, lambda texts: None)
    meter = Meter(Usage())
    server.queue_replies(reply)
    assert ask(documents, "When does Harriet add salt?", meter) == ["soup"]
    assert any(note in text for text in meter.usage.notes)


def test_without_an_index_words_find(
    documents: Documents, server: CompatibleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cloud without an index for the model's width, words find, and a note names the width to add."""
    told(documents, "ann", "soup", SOUP, lambda texts: None)

    def nearest(*_: object) -> Sequence[Any]:
        raise IndexMissing("no index")

    monkeypatch.setattr(type(documents), "nearest", nearest)
    meter = Meter()
    assert ask(documents, "When does Harriet add salt?", meter) == ["soup"]
    assert any(f"Add {WIDTH} to embedding_dimensions" in note for note in meter.usage.notes)


def test_passages_of_another_model_are_found_by_words(documents: Documents, server: CompatibleServer) -> None:
    """After a change of the model, and of its width alone too, stored passages are found by words; a note says so."""
    told(documents, "ann", "soup", SOUP, lambda texts: None)
    for row in documents.query(SEGMENTS).documents:
        documents.put(SEGMENTS, row.id, row.data | {"model": "before", "embedding": Vector((1.0, 0.0))})
    meter = Meter()
    assert ask(documents, "When does Harriet add salt?", meter) == ["soup"]
    assert any("vectors of before" in note and "clipwise reindex" in note for note in meter.usage.notes)
    for row in documents.query(SEGMENTS).documents:
        documents.put(SEGMENTS, row.id, row.data | {"model": MODEL})
    assert ask(documents, "When does Harriet add salt?", Meter()) == ["soup"]


def test_the_own_servers_model_embeds_a_library_by_itself(
    documents: Documents, server: CompatibleServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that costs nothing embeds an existing library in the background, in its own width, once it responds."""
    told(documents, "ann", "soup", SOUP, lambda texts: None)
    server.queue_replies(Reply({"error": {"message": "broken"}}, 500))
    reindex_in_background(documents)
    assert models(documents) == {None}
    assert "found by words" in caplog.text
    reindex_in_background(documents)
    assert (models(documents), indexed_model(documents)) == ({MODEL}, MODEL)
    assert {len(row.data["embedding"].values) for row in documents.query(SEGMENTS).documents} == {WIDTH}


def test_a_server_with_a_price_embeds_on_request_only(
    documents: Documents, server: CompatibleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has set a price for the model is not billed for a whole library unasked."""
    told(documents, "ann", "soup", SOUP, lambda texts: None)
    monkeypatch.setenv("PRICES", f"{MODEL}=0.1/0")
    settings.cache_clear()
    reindex_in_background(documents)
    assert (models(documents), server.requests) == ({None}, [])
