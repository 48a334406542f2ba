"""A search leads to the very second."""

from __future__ import annotations

import pytest

from shared.chat.search import nearest_line, query_terms
from shared.models.chat import PassageLine

LINES = ["Keep the pile as wet as a sponge.", "Turn the pile every two weeks.", "Tomatoes need a lot of sun."]


@pytest.mark.parametrize(
    ("query", "similarities", "line"),
    [
        ("turn the pile", [0.9, 0.8, 0.1], 1),
        ("sun", [0.9, 0.8, 0.1], 2),
        ("how moist must the pile be", [0.9, 0.8, 0.1], 0),
        ("turn tomatoes", [0.1, 0.8, 0.9], 2),
        ("turn the pile often", [], 1),
        ("turn the pile often", [0.0, 0.0, 0.0], 1),
        ("what is it?", [0.1, 0.8, 0.2], 1),
    ],
)
def test_the_line_with_every_word_of_the_search_comes_first(query: str, similarities: list[float], line: int) -> None:
    """A user who types words of a sentence gets its second; else the nearest line in meaning, or with most words."""
    lines = [PassageLine(start=at * 10, end=at * 10 + 8, text=text) for at, text in enumerate(LINES)]
    assert nearest_line(lines, query_terms(query), similarities) == line
