"""What makes searches among many segments fast: the tables beside the documents never say anything else than these."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Conflict
from shared.platform.embedded.database import Database
from shared.platform.embedded.documents import SqliteDocuments, cosine_distance, nearest_candidates, unit_vector
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.embedded.schema import MIGRATIONS
from shared.platform.ports import Documents, Filter, Vector
from tests.unit.embedded.conftest import reopen

numbers = st.floats(-1, 1, width=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[EmbeddedPlace, EmbeddedPlace]:
    """One data folder, open twice as by two processes."""
    path = tmp_path_factory.mktemp("data")
    return reopen(path), reopen(path)


def found(documents: Documents, word: str) -> list[str]:
    filters: list[Filter] = [("videoId", "in", ["v", "w"])]
    return [document.id for document in documents.matching("segments", "words", [word], 9, filters).documents]


def near(documents: Documents, *to: float) -> list[str]:
    return [document.id for document, _ in documents.nearest("segments", "embedding", Vector(to), 9)]


def segment(*words: str, embedding: Vector | None = None) -> dict[str, object]:
    data: dict[str, object] = {"videoId": "v", "words": list(words)}
    return data | ({"embedding": embedding} if embedding else {})


def test_words_are_found_as_they_stand_now(place: EmbeddedPlace) -> None:
    """Whatever happens to a segment, it is found by the words that it has, and by no others."""
    documents = place.place.documents
    documents.create("segments", "a", segment("soup", "salt", "salt", "12"))
    documents.put("segments", "b", segment("soup"))
    documents.create("other", "c", segment("soup"))
    assert (found(documents, "soup"), found(documents, "salt"), found(documents, "12")) == (["a", "b"], ["a"], ["a"])
    version = documents.put("segments", "b", segment("salt"))
    assert (found(documents, "soup"), found(documents, "salt")) == (["a"], ["a", "b"])
    with pytest.raises(Conflict):
        documents.replace("segments", "b", segment("pepper"), "old")
    assert found(documents, "pepper") == []
    documents.replace("segments", "b", segment("pepper"), version)
    documents.delete("segments", "a")
    assert (found(documents, "soup"), found(documents, "salt"), found(documents, "pepper")) == ([], [], ["b"])


def test_vectors_are_found_as_they_stand_now(place: EmbeddedPlace) -> None:
    """A search meets the vectors of documents as they were written last."""
    documents = place.place.documents
    version = documents.create("segments", "a", segment(embedding=Vector((1.0, 0.0))))
    documents.put("segments", "b", segment(embedding=Vector((0.0, 1.0))))
    assert near(documents, 1, 0) == ["a", "b"]
    documents.replace("segments", "a", segment(embedding=Vector((0.0, -1.0))), version)
    assert near(documents, 1, 0.1) == ["b", "a"]
    documents.put("segments", "a", segment())
    documents.delete("segments", "b")
    assert near(documents, 1, 0) == []
    assert place.database.connection.execute("SELECT count(*) FROM vectors").fetchone()[0] == 0


def test_searches_use_indexes(place: EmbeddedPlace) -> None:
    """A question among a hundred thousand segments looks at those of its videos only."""
    documents, connection = place.place.documents, place.database.connection
    documents.put("segments", "a", segment("soup", embedding=Vector((1.0,))))
    statements: list[str] = []
    within: list[Filter] = [("videoId", "in", ["v", "w"])]
    connection.set_trace_callback(statements.append)
    documents.nearest("segments", "embedding", Vector((1.0,)), 3, [*within, ("model", "==", "m")])
    documents.matching("segments", "words", ["soup"], 3, within)
    documents.query("segments", [("jobId", "==", "j")])
    connection.set_trace_callback(None)
    plans = [
        connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchone()["detail"]
        for statement in statements
        if statement.startswith("SELECT") and "number" not in statement.split("WHERE")[1]
    ]
    assert len(plans) == 4
    assert all(re.match(r"SEARCH \w+ USING (COVERING INDEX|INDEX|PRIMARY KEY)", plan) for plan in plans), plans


@given(
    st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=40),
    st.lists(numbers, min_size=3, max_size=3).filter(any),
    st.integers(1, 12),
)
def test_the_nearest_are_exactly_these(stored: list[list[float]], to: list[float], limit: int) -> None:
    """Law: floats of 32 bits only sift; what is found is what the documents' own numbers say."""
    wanted = Vector(tuple(to))
    vectors = {number: Vector(tuple(values)) for number, values in enumerate(stored)}
    kept = [(number, sifted) for number, vector in vectors.items() if (sifted := unit_vector(vector))]
    exact = sorted((cosine_distance(vectors[number], wanted), number) for number, _ in kept)[:limit]
    sifted = nearest_candidates(kept, wanted, limit)
    assert sorted((cosine_distance(vectors[number], wanted), number) for number in sifted)[:limit] == exact


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcde"), st.sampled_from("vw"), st.sampled_from("mn"), st.integers(-3, 3), st.booleans()
        ),
        max_size=30,
    ),
    st.sampled_from([["v"], ["w"], ["v", "w"], ["x"], ["x", "w"]]),
)
def test_the_index_in_memory_is_the_documents(
    folder: tuple[EmbeddedPlace, EmbeddedPlace],
    writes: list[tuple[str, str, str, int, bool]],
    videos: list[str],
) -> None:
    """Law: whatever is written, replaced and deleted, by whichever process, a search finds what stands there now."""
    here, elsewhere = folder
    mine: dict[str, tuple[str, str, int]] = {}
    for id in "abcde":
        here.place.documents.delete("segments", id)
    for id, video, model, height, by_other in writes:
        documents = (elsewhere if by_other else here).place.documents
        if height == 3:
            mine.pop(id, None)
            documents.delete("segments", id)
        else:
            mine[id] = (video, model, height)
            data = {"owner": "ann", "videoId": video, "model": model, "embedding": Vector((1.0, float(height)))}
            documents.put("segments", id, data)
        wanted = [id for id, (video, model, _) in mine.items() if video in videos and model == "m"]
        expected = sorted(wanted, key=lambda id: (abs(mine[id][2]), id))[:3]
        filters: list[Filter] = [("owner", "==", "ann"), ("videoId", "in", videos), ("model", "==", "m")]
        found = here.place.documents.nearest("segments", "embedding", Vector((2.0, 0.0)), 3, filters)
        assert [document.id for document, _ in found] == expected


def test_distances_are_those_of_another_library() -> None:
    """The distance of two long vectors is right to the last digits."""
    dice = np.random.default_rng(1)
    one, other = dice.standard_normal((2, 768))
    expected = 1 - one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    assert cosine_distance(Vector(tuple(one)), Vector(tuple(other))) == pytest.approx(expected, abs=1e-12)


def test_an_older_folder_is_taken_over(tmp_path: Path) -> None:
    """Documents from before stay, with their versions, and new segments are found among them."""
    path = tmp_path / "clipwise.db"
    before = [migration.name for migration in MIGRATIONS].index("segments")
    old = Database(path, MIGRATIONS[:before])
    with old.transaction() as connection:
        connection.execute(
            "INSERT INTO documents (collection, id, version, data) VALUES ('jobs', 'a', 'v1', '{\"owner\": \"ann\"}')"
        )
    old.close()
    database = Database(path)
    documents = SqliteDocuments(database)
    kept = documents.get("jobs", "a")
    assert kept is not None
    assert (kept.version, kept.data) == ("v1", {"owner": "ann", "shard": 1})
    documents.replace("jobs", "a", {"owner": "ben"}, "v1")
    documents.put("segments", "a", segment("soup", embedding=Vector((1.0,))))
    assert (found(documents, "soup"), near(documents, 1)) == (["a"], ["a"])
    database.close()
