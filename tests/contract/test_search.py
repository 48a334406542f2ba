"""Finding passages, over every place: the same ones, in the same order."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from shared.ai.offline.embedding import MODEL, embed
from shared.ai.provider import EmbeddingResult
from shared.ai.vectors import DIMENSIONS
from shared.chat import history
from shared.chat.passages import PassageSource, passage_id, passages_job_id, store_passages, visible_windows
from shared.chat.search import RANKING_DEPTH, QueryEmbedding, rank_passages, search
from shared.models.chat import ChatMessage
from shared.models.job import Usage
from shared.models.video import Segment
from shared.pipeline.job_storage import SCREENS, SEGMENTS, delete_passages
from shared.platform.ports import Documents, Vector
from tests.contract.adapters import Adapter
from tests.transcript_samples import SOUP, STARS, told

VIDEOS = 64


def vector(seed: str) -> list[float]:
    chance = random.Random(seed)
    values = [chance.gauss(0, 1) for _ in range(DIMENSIONS)]
    length = sum(value**2 for value in values) ** 0.5
    return [value / length for value in values]


def meaning(values: list[float], model: str = "m", least: float = -1) -> QueryEmbedding:
    return QueryEmbedding(model, Vector(tuple(values)), least)


@pytest.fixture(scope="module")
def library(adapter: Adapter) -> list[str]:
    """Many videos of one passage each, each with a vector and a number of its own."""
    documents = adapter.platform.documents
    ids = [f"library{number:03}" for number in range(VIDEOS)]
    for number, id in enumerate(ids):

        def embed(texts: list[str], id: str = id) -> EmbeddingResult:
            return EmbeddingResult([vector(id)] * len(texts), DIMENSIONS, Usage(model="m"))

        told(documents, "ann", id, [f"The number of this film is {2000 + number}."], embed)
    return ids


def test_the_nearest_of_many_videos_are_exactly_these(documents: Documents, library: list[str]) -> None:
    """With more videos than one query names, the best are found in order wherever they stand."""
    wanted = [a + b / 2 + c / 4 for a, b, c in zip(*(vector(library[at]) for at in (63, 0, 31)), strict=True)]
    hits = search(documents, "ann", library, "", [meaning(wanted)], 1, 5)
    near = sorted(library, key=lambda id: -sum(a * b for a, b in zip(wanted, vector(id), strict=True)))
    assert [hit.passage.video_id for hit in hits] == near[:5]
    assert near[:3] == [library[63], library[0], library[31]]


def test_numbers_are_found_where_vectors_miss(documents: Documents, library: list[str]) -> None:
    """A number that one of many videos names leads to it, though nothing is near by meaning."""
    for number in (0, 29, 30, 59, 60, 63):
        hits = search(documents, "ann", library, f"{2000 + number}?", [meaning(vector("elsewhere"), least=0.5)], 0.3, 5)
        assert [hit.passage.video_id for hit in hits] == [library[number]]


def test_vectors_of_another_model_are_never_compared(documents: Documents, library: list[str]) -> None:
    """A question is not measured by what another model made, near as it may seem."""
    same = vector(library[5])
    assert search(documents, "ann", library, "", [meaning(same, "other", 0)], 1, 5) == []
    assert search(documents, "ann", library, "", [meaning(same, "m", 0.9)], 1, 5)[0].passage.video_id == library[5]


def test_only_the_videos_that_are_asked_are_searched(documents: Documents, library: list[str]) -> None:
    """Neither another video's nor another owner's passage comes up."""
    asked = library[:2]
    hits = search(documents, "ann", asked, "number 2005", [meaning(vector(library[5]))], 0, RANKING_DEPTH)
    assert {hit.passage.video_id for hit in hits} == set(asked)
    assert search(documents, "ben", library, "number 2005", [meaning(vector(library[5]))], 0, 5) == []
    assert search(documents, "ann", [], "number 2005", [meaning(vector(library[5]))], 0, 5) == []


def test_words_and_vectors_together_find_best(documents: Documents, fresh: str) -> None:
    """A passage that both rankings like comes before one that only one of them likes."""
    soup, stars = f"{fresh}a", f"{fresh}b"
    told(documents, "ann", soup, SOUP)
    told(documents, "ann", stars, STARS)
    question = "When did Cassini see the rings?"
    wanted = QueryEmbedding(MODEL, Vector(tuple(embed(question, DIMENSIONS))), 0)
    hits = search(documents, "ann", [soup, stars], question, [wanted], 0, 5)
    assert hits[0].passage.video_id == stars
    assert hits[0].passage.text == " ".join(STARS)


def test_a_whole_library_is_searched_by_its_owner(documents: Documents, fresh: str) -> None:
    """All videos of one user are searched at once, those of others never, and what is shown apart from what is said."""
    ann, ben = f"{fresh}ann", f"{fresh}ben"
    told(documents, ann, f"{fresh}a", SOUP)
    told(documents, ann, f"{fresh}b", STARS)
    told(documents, ben, f"{fresh}c", SOUP)
    shown = visible_windows("Harriet's soup", [Segment(start=3, end=5, text="One kilo of tomatoes")])
    source = PassageSource(ann, f"{fresh}a", f"{fresh}a")
    store_passages(documents, SCREENS, source, shown, "en", None)
    for question, collection, expected in (
        ("What does Harriet add?", SEGMENTS, f"{fresh}a"),
        ("Which moon is called Titan?", SEGMENTS, f"{fresh}b"),
        ("tomatoes", SCREENS, f"{fresh}a"),
    ):
        wanted = [QueryEmbedding(MODEL, Vector(tuple(embed(question, DIMENSIONS))), 0.14)]
        ranked = rank_passages(documents, collection, [("owner", "==", ann)], ann, question, wanted, 0.35, 9)
        assert [hit.passage.video_id for hit in ranked if hit.relevant][:1] == [expected]
        assert {hit.passage.owner for hit in ranked} == {ann}
    ranked = rank_passages(documents, SCREENS, [("owner", "==", ann)], ann, "tomatoes soup", [], 0.1, 9)
    assert {(hit.passage.origin, hit.passage.start) for hit in ranked} == {("caption", 0), ("screen", 3)}


def test_passages_go_with_the_job_that_brought_them(documents: Documents, fresh: str) -> None:
    """Deleting by job leaves nothing, and other videos' passages alone."""
    one, other = f"{fresh}a", f"{fresh}b"
    told(documents, "ann", one, SOUP * 5)
    told(documents, "ann", other, STARS)
    assert (passages_job_id(documents, SEGMENTS, one), passages_job_id(documents, SEGMENTS, f"{fresh}c")) == (one, None)
    delete_passages(SEGMENTS, documents, one)
    assert passages_job_id(documents, SEGMENTS, one) is None
    assert documents.get(SEGMENTS, passage_id(other, 0)) is not None


def test_messages_come_in_order(documents: Documents, fresh: str) -> None:
    """A history is read backwards in pages, exported forwards, and deleted for its owner alone."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(5):
        for owner in (f"{fresh}ann", f"{fresh}ben"):
            made = start + timedelta(seconds=number)
            id = f"{owner}{number}"
            text = f"Question {number}"
            history.store_message(
                documents,
                ChatMessage(id=id, owner=owner, group_id="g", role="user", content=text, created_at=made),
            )
    owner, subject = f"{fresh}ann", history.subject_filters("g", None)
    first, cursor = history.list_messages(documents, owner, subject, 3, None)
    rest, end = history.list_messages(documents, owner, subject, 3, cursor)
    assert [one.content for one in first + rest] == [f"Question {number}" for number in (4, 3, 2, 1, 0)]
    assert end is None
    lines = b"".join(history.export_csv(documents, owner, subject)).decode("utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == [f"Question {number}" for number in range(5)]
    history.delete_messages(documents, owner, subject)
    assert history.list_messages(documents, owner, subject, 3, None) == ([], None)
    assert len(history.list_messages(documents, f"{fresh}ben", subject, 9, None)[0]) == 5
