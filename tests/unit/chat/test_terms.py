"""What of a text counts in a search, and vectors without a model."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.offline.embedding import MODEL, embed
from shared.ai.offline.provider import OfflineProvider
from shared.ai.offline.terms import terms
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS
from tests.recipe_samples import no_tick


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How are potatoes cooked?", "She cooks a potato"),
        ("Die Kartoffeln kochen", "eine Kartoffel kochen"),
        ("Сколько варить картошку?", "варит картошку"),
        ("Größe", "GROSSE"),
        ("twenty-five minutes", "25 minute"),
        ("fünfzehn Euro", "15 euro"),
        ("двадцать пять рублей", "25 рубль"),
        ("1,000 metres", "1000 metre"),
        ("3,5 Liter", "3.5 liter"),
        ("Сатурн", "Saturn"),
        ("ёлка", "елка"),
    ],
)
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    """A question finds its answer whatever form, script or notation words and numbers have."""
    assert set(terms(one)) & set(terms(other))
    assert not set(terms(one)) ^ set(terms(other))


@pytest.mark.parametrize("text", ["What is it about?", "Was ist denn das?", "А что это такое?", "", "?!"])
def test_words_that_say_nothing_are_no_terms(text: str) -> None:
    """A question made of them finds nothing by chance."""
    assert terms(text) == []


def test_scripts_without_spaces_are_searched_by_pairs() -> None:
    """A word of Japanese is found inside a sentence."""
    assert set(terms("電車")) <= set(terms("東京の電車は速い"))


@given(st.text(min_size=1).filter(str.strip))
def test_every_text_has_a_direction(text: str) -> None:
    """Law: a vector of length 1 for any text, and the same one every time."""
    vector = embed(text, DIMENSIONS)
    assert len(vector) == DIMENSIONS
    assert math.hypot(*vector) == pytest.approx(1)
    assert vector == embed(text, DIMENSIONS)


def likeness(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(embed(one, DIMENSIONS), embed(other, DIMENSIONS), strict=True))


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("roasting tomatoes", "Roast the tomatoes in the oven.", "Let the telescope cool down outside."),
        ("Zwiebelkuchen", "Der Kuchen mit Zwiebeln ist fertig.", "Das Teleskop steht draußen."),
        ("рецепт борща", "Варим борщ по рецепту бабушки.", "Ночью было холодно."),
        ("Who is Kasparow?", "Kasparov played white.", "The weather was fine."),
    ],
)
def test_texts_that_share_parts_of_words_are_near(question: str, near: str, far: str) -> None:
    """Inflected, compounded and mistyped words still lead to their texts."""
    assert likeness(question, near) > 0.12 > likeness(question, far)


def test_the_offline_provider_says_whose_vectors_they_are() -> None:
    """They cost nothing, and are never taken for those of another model."""
    made = OfflineProvider(meter=Meter()).embed(["soup", "stars"], "document", no_tick)
    assert (len(made.vectors), made.dimensions) == (2, DIMENSIONS)
    assert (made.usage.provider, made.usage.model, made.usage.cost_usd) == ("offline", MODEL, 0)
    with pytest.raises(ValueError, match="no meaning"):
        OfflineProvider().embed([" "], "query", no_tick)
