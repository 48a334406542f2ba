"""Documents: the nearest by their vectors."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from shared.platform.ports import Documents, Vector


def random_vector(chance: random.Random, length: int = 8) -> Vector:
    return Vector(tuple(chance.uniform(-1, 1) for _ in range(length)))


def cosine_distance(one: Sequence[float], other: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return 1 - dot / (math.hypot(*one) * math.hypot(*other))


def test_a_vector_comes_back_as_it_was_stored(documents: Documents, fresh: str) -> None:
    """An embedding loses nothing on the way, wherever it stands in a document."""
    data = {"embedding": Vector((0.1, -2.5e-300, 3.0)), "inside": {"deep": Vector((1.0,))}}
    documents.create(fresh, "a", data)
    found = documents.get(fresh, "a")
    assert found is not None
    assert found.data == data


def test_the_nearest_come_first_with_their_distances(documents: Documents, fresh: str) -> None:
    """A search finds exactly the closest passages, in order, and says how close they are."""
    chance = random.Random(1)
    vectors = {f"d{number:02}": random_vector(chance) for number in range(40)}
    for id, vector in vectors.items():
        documents.create(fresh, id, {"embedding": vector, "text": id})
    to = random_vector(chance)
    expected = sorted((cosine_distance(vector.values, to.values), id) for id, vector in vectors.items())[:7]
    found = documents.nearest(fresh, "embedding", to, 7)
    assert [document.id for document, _ in found] == [id for _, id in expected]
    assert [distance for _, distance in found] == pytest.approx([distance for distance, _ in expected], abs=1e-6)
    assert found[0][0].data == {"embedding": vectors[found[0][0].id], "text": found[0][0].id}
    assert found[0][0] == documents.get(fresh, found[0][0].id)


def test_only_documents_that_match_are_searched(documents: Documents, fresh: str) -> None:
    """A search among one user's videos finds nothing of another's, however near it is."""
    to = Vector((1.0, 0.0))
    for number, (owner, video) in enumerate([("me", "a"), ("me", "b"), ("me", "c"), ("you", "a")]):
        documents.create(fresh, f"d{number}", {"owner": owner, "video": video, "v": Vector((1.0, float(number)))})
    found = documents.nearest(fresh, "v", to, 10, [("owner", "==", "me"), ("video", "in", ["b", "c"])])
    assert [document.id for document, _ in found] == ["d1", "d2"]
    assert documents.nearest(fresh, "v", to, 10, [("video", "in", [])]) == []


def test_what_has_no_vector_of_that_length_is_passed_over(documents: Documents, fresh: str) -> None:
    """Documents without an embedding, or with one of another model, do not disturb a search."""
    for id, data in {
        "none": {"text": "x"},
        "null": {"v": None},
        "list": {"v": [1.0, 2.0]},
        "longer": {"v": Vector((1.0, 2.0, 3.0))},
        "zero": {"v": Vector((0.0, 0.0))},
        "right": {"v": Vector((2.0, 4.0))},
    }.items():
        documents.create(fresh, id, data)
    found = documents.nearest(fresh, "v", Vector((1.0, 2.0)), 9)
    assert [document.id for document, _ in found] == ["right"]
    assert found[0][1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("values", [(), (math.nan,), (math.inf,), (0.5,) * 2049])
def test_a_vector_that_no_place_can_hold_is_refused(values: tuple[float, ...]) -> None:
    """A broken embedding is found where it is made."""
    with pytest.raises(ValueError, match="vector"):
        Vector(values)


@pytest.mark.parametrize(
    ("field", "to", "limit", "filters"),
    [
        ("v", Vector((0.0,)), 5, []),
        ("v", Vector((1.0,)), 0, []),
        ("v", Vector((1.0,)), 1001, []),
        ("v", Vector((1.0,)), 5, [("n", "<", 3)]),
        ("v'x", Vector((1.0,)), 5, []),
    ],
)
def test_a_search_that_means_nothing_is_refused(
    documents: Documents, fresh: str, field: str, to: Vector, limit: int, filters: list[tuple[str, str, int]]
) -> None:
    """The same mistakes are told everywhere."""
    with pytest.raises(ValueError, match=r"vector|limit|filtered|plain"):
        documents.nearest(fresh, field, to, limit, filters)  # type: ignore[arg-type]


def test_many_choices_are_one_search(documents: Documents, fresh: str) -> None:
    """The nearest among more videos than one query of Firestore names are exactly these, in order."""
    for number in range(70):
        documents.create(fresh, f"d{number:02}", {"video": f"v{number}", "v": Vector((1.0, number / 10))})
    videos = [f"v{number}" for number in range(69, 1, -1)]
    found = documents.nearest(fresh, "v", Vector((1.0, 0.0)), 3, [("video", "in", videos)])
    assert [document.id for document, _ in found] == ["d02", "d03", "d04"]


def test_values_are_searched_together(documents: Documents, fresh: str) -> None:
    """One search finds what has any of the words, within the videos it names, and counts how common each is."""

    def put(id: str, *words: str) -> None:
        data = {"owner": "ann", "videoId": f"{fresh}{id}", "words": list(words), "model": "m"}
        documents.put("segments", f"{fresh}{id}", data)

    put("a", "soup", "salt")
    put("b", "soup")
    put("c", "salt", "pepper")
    put("d", "honey")
    for number in range(40):
        put(f"more{number}", "soup")
    videos = [f"{fresh}{id}" for id in ("a", "b", "d", *(f"none{number}" for number in range(60)))]
    found = documents.matching("segments", "words", ["soup", "salt", "mint"], 48, [("videoId", "in", videos)])
    assert {document.id for document in found.documents} == {f"{fresh}a", f"{fresh}b"}
    assert found.counts == {"soup": 2, "salt": 1, "mint": 0}
    first = documents.get("segments", f"{fresh}a")
    assert first in found.documents
    none = documents.matching("segments", "words", [], 9, [("videoId", "in", videos)])
    assert (none.documents, none.counts) == ([], {})
    assert documents.matching("segments", "words", ["soup"], 9, [("videoId", "in", [])]).documents == []
    with pytest.raises(ValueError, match="limit"):
        documents.matching("segments", "words", ["soup"], 0, [])
