"""Stored transcripts get the vectors of the model that the settings name."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from shared.ai.offline.embedding import MODEL as WORDS
from shared.ai.offline.sentence_model import MODEL, sentence_model
from shared.ai.usage import Meter
from shared.chat import reindex as rebuilding
from shared.chat.passages import indexed_model
from shared.chat.reindex import reindex, reindex_in_background
from shared.chat.search import embed_question, search
from shared.pipeline.job_storage import SEGMENTS
from shared.platform import place
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Documents, Vector
from shared.settings import HASHING, read_settings, settings
from tests.recipe_samples import no_tick
from tests.transcript_samples import SOUP, STARS, told

OTHER = "multilingual-e5-small"


class Interrupted(Exception):
    """The process ends."""


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return open_embedded_place(read_settings({"CLIPWISE_DATA": str(tmp_path)})).place.documents


@pytest.fixture
def other_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's name is in the settings; its vectors are those of words, which are made in no time."""
    monkeypatch.setenv("OFFLINE_EMBED_MODEL", OTHER)
    monkeypatch.setattr(type(sentence_model()), "fault", lambda self: "")
    monkeypatch.setattr(
        type(sentence_model()), "embed", lambda self, texts, purpose: [[1.0, *[0.0] * 383]] * len(texts)
    )
    settings.cache_clear()


@pytest.fixture(autouse=True)
def fresh_settings() -> None:
    settings.cache_clear()


def models(documents: Documents) -> set[str | None]:
    return {row.data["model"] for row in documents.query(SEGMENTS, limit=100).documents}


def quiet(done: int, total: int) -> None:
    """Nobody looks."""


def test_all_passages_get_the_new_model(documents: Documents, other_model: None) -> None:
    """After a change of the model, every passage is found by it, and the words that are stored stay the same."""
    told(documents, "ann", "soup", SOUP * 9)
    told(documents, "ben", "stars", STARS, lambda texts: None)
    before = {row.id: row.data for row in documents.query(SEGMENTS).documents}
    seen: list[tuple[int, int]] = []
    made = reindex(documents, lambda done, total: seen.append((done, total)))
    assert (made.model, made.count) == (MODEL, len(before))
    assert seen[0] == (0, len(before))
    assert seen[-1] == (len(before), len(before))
    for row in documents.query(SEGMENTS).documents:
        assert len(row.data["embedding"].values) == 384
        assert isinstance(row.data["lineVectors"], str)
        kept = set(before[row.id]) - {"model", "embedding", "lineVectors"}
        assert {name: row.data[name] for name in kept} == {name: before[row.id][name] for name in kept}
    assert reindex(documents, quiet).count == 0


def test_an_interrupted_rebuild_goes_on(documents: Documents, other_model: None) -> None:
    """A server that is stopped meanwhile does only the rest after its next start, and both models are searched."""
    told(documents, "ann", "soup", SOUP * 9)
    told(documents, "ann", "stars", STARS * 9)
    total = len(documents.query(SEGMENTS).documents)

    def stop(done: int, of: int) -> None:
        if done:
            raise Interrupted

    with pytest.raises(Interrupted):
        reindex(documents, stop)
    assert models(documents) == {WORDS, MODEL}
    assert indexed_model(documents) is None
    embeddings, _ = embed_question("Harriet", Meter(), no_tick)
    assert [embedding.model for embedding in embeddings] == [MODEL, WORDS]
    hits = search(documents, "ann", ["soup", "stars"], "Harriet and Cassini", embeddings, 0.1, 30)
    assert {hit.passage.model for hit in hits} == {WORDS, MODEL}
    rest = sum(row.data["model"] == WORDS for row in documents.query(SEGMENTS).documents)
    assert 0 < rest < total
    assert reindex(documents, quiet).count == rest
    assert (models(documents), indexed_model(documents)) == ({MODEL}, MODEL)


def test_what_a_job_writes_meanwhile_stays(
    documents: Documents, other_model: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A passage that changes or goes while its old text is embedded is not written over."""
    told(documents, "ann", "soup", SOUP)
    told(documents, "ann", "stars", STARS)
    embed = rebuilding.embed_windows

    def embed_slowly(*arguments: object) -> object:
        documents.delete(SEGMENTS, "soup-00000")
        row = documents.get(SEGMENTS, "stars-00000")
        assert row is not None
        documents.put(SEGMENTS, "stars-00000", row.data | {"text": "new", "embedding": Vector((1.0,))})
        return embed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuilding, "embed_windows", embed_slowly)
    assert reindex(documents, quiet).count == 0
    assert documents.get(SEGMENTS, "soup-00000") is None
    stored = documents.get(SEGMENTS, "stars-00000")
    assert stored is not None
    assert stored.data["text"] == "new"


def test_a_server_notices_another_model(
    documents: Documents, other_model: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After an update, an existing library is embedded by itself, once, and the log tells how far it is."""
    told(documents, "ann", "soup", SOUP)
    with caplog.at_level(logging.INFO):
        reindex_in_background(documents)
    assert models(documents) == {MODEL}
    assert "1 of 1 stored passages" in caplog.text
    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "reindex", None)
        reindex_in_background(documents)
    # Somebody's setting embeds a video by words: the next start looks again.
    told(documents, "ann", "stars", STARS)
    reindex_in_background(documents)
    assert models(documents) == {MODEL}


@pytest.mark.parametrize(
    "environ", [{"OFFLINE_EMBED_MODEL": HASHING}, {"OPENAI_API_KEY": "sk-1", "OFFLINE_EMBED_MODEL": OTHER}]
)
def test_nothing_is_rebuilt_unasked_for_money_or_words(
    documents: Documents, other_model: None, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """A paid service embeds a library only on request, and vectors of a model are not replaced by those of words."""
    told(documents, "ann", "soup", SOUP, lambda texts: None)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    reindex_in_background(documents)
    assert models(documents) == {None}


def test_the_command_embeds_a_data_folder(tmp_path: Path, documents: Documents) -> None:
    """`clipwise reindex` says what it did, on a folder without a server too."""
    told(documents, "ann", "soup", SOUP, lambda texts: None)
    try:
        result = CliRunner().invoke(app, ["reindex", "--data", str(tmp_path)], env={"CLIPWISE_DATA": ""})
    finally:
        place._open_place.cache_clear()
    assert result.exit_code == 0, result.output
    assert f"All passages have vectors of {WORDS}; 1 new." in result.output
    assert models(documents) == {WORDS}


def test_another_folder_is_not_reported_as_done(tmp_path: Path) -> None:
    """Outside the server's working directory the command names `--data` and creates no empty data folder."""
    elsewhere = tmp_path / "elsewhere"
    try:
        result = CliRunner().invoke(app, ["reindex", "--data", str(elsewhere)], env={"CLIPWISE_DATA": ""})
    finally:
        settings.cache_clear()
        place._open_place.cache_clear()
    assert (result.exit_code, elsewhere.exists()) == (2, False), result.output
    assert "Name the server's folder with --data." in result.stderr
