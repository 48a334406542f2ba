"""Recipes from recognized speech: misheard words, clauses, title, servings and the note."""

from __future__ import annotations

import pytest

from shared.ai.offline.language.lexicon import load_lexicon
from shared.ai.offline.recipe.parser import parse_recipe
from shared.ai.offline.recipe.spoken import spoken_lines
from shared.analyses.recipe import Recipe
from shared.models.video import Segment, Word


def read_speech(*texts: str, language: str = "en", model: str | None = None) -> Recipe:
    segments = [Segment(start=5.0 * at, end=5.0 * at + 4.8, text=text) for at, text in enumerate(texts)]
    return parse_recipe(transcript=segments, language=language, transcript_source="speech", transcript_model=model)


def amounts(recipe: Recipe) -> list[tuple[float | None, str | None, str]]:
    return [(item.amount, item.unit, item.name) for item in recipe.ingredients]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("to cup some flour", (2, "cup", "flour")),
        ("for cloves of garlic", (4, "clove", "garlic")),
        ("then add to eggs", (2, None, "eggs")),
        ("three tablespoons on sugar", (3, "tbsp", "sugar")),
        ("half at teaspoon of salt", (0.5, "tsp", "salt")),
        ("two cups, some flower", (2, "cup", "flour")),
        ("two table spoons of butter", (2, "tbsp", "butter")),
        ("fifty rams on sugar", (50, "g", "sugar")),
    ],
)
def test_misheard_words_are_what_a_kitchen_says(said: str, expected: tuple[float, str | None, str]) -> None:
    """`to cups` are two cups, and `on sugar` is of sugar: a speech model mishears the little words."""
    assert amounts(read_speech(f"You need {said}.")) == [expected]


@pytest.mark.parametrize(
    "said", ["Pour the milk into cups.", "Add the milk to eggs and stir.", "Cook for two minutes.", "Season to taste."]
)
def test_little_words_stay_what_they_are(said: str) -> None:
    """`to` and `for` are no numbers where they make sense as they are: a wrong amount is worse than none."""
    assert all(item.amount is None for item in read_speech("Add one onion.", said).ingredients[1:])


def test_a_german_split_unit_is_one_word() -> None:
    """`zwei Ess Löffel Öl` are two tablespoons."""
    assert amounts(read_speech("Wir brauchen zwei Ess Löffel Öl und eine Brise Salz.", language="de")) == [
        (2, "tbsp", "Öl"),
        (1, "pinch", "Salz"),
    ]


def test_each_instruction_is_a_step_without_full_stops() -> None:
    """Speech whose punctuation was lost is no single step of the whole speech."""
    recipe = read_speech(
        "Peel two potatoes, boil them in water, drain them in a sieve", "Mash them with three spoons of butter"
    )
    assert [step.text for step in recipe.steps] == [
        "Peel two potatoes",
        "Boil them in water",
        "Drain them in a sieve",
        "Mash them with three spoons of butter",
    ]


def test_a_pause_ends_a_clause() -> None:
    """Times of words cut speech where the speaker paused, although nothing was punctuated."""
    words = [
        Word(start=start, end=start + 0.3, text=text)
        for start, text in ((0.0, "stir"), (0.3, "the"), (0.6, "rice"), (2.0, "serve"), (2.3, "it"), (2.6, "warm"))
    ]
    segment = Segment(start=0, end=3, text="stir the rice serve it warm", words=words)
    lines = spoken_lines([segment], load_lexicon("en"))
    assert [(line.text, line.start) for line in lines] == [("Stir the rice", 0.0), ("Serve it warm", 2.0)]


@pytest.mark.parametrize(
    ("opening", "language", "title", "servings"),
    [
        ("Hi everyone, today I'm making my favorite banana bread. It serves eight.", "en", "Banana bread", 8),
        ("Today we're having garlic shrimp pasta for two.", "en", "Garlic shrimp pasta", 2),
        ("Hello friends, today we make banana pancakes, you need two eggs. Serves four.", "en", "Banana pancakes", 4),
        ("Heute machen wir Pfannkuchen für vier Personen.", "de", "Pfannkuchen", 4),
        ("Всем привет, сегодня готовим сырники на три порции.", "ru", "Сырники", 3),
    ],
)
def test_the_opening_names_dish_and_servings(opening: str, language: str, title: str, servings: float) -> None:
    """A spoken recipe has a title and servings, as a written one has."""
    cooking = {"en": "Add two eggs.", "de": "Zwei Eier dazugeben.", "ru": "Добавляем два яйца."}
    recipe = read_speech(opening, cooking[language], language=language)
    assert (recipe.title, recipe.servings) == (title, servings)


def test_the_note_says_which_model_heard_it() -> None:
    """A reader learns that amounts were heard, by which model, and should be checked."""
    recipe = read_speech("Add two eggs and a cup of flour.", model="tiny.en")
    assert "The speech was recognized by the model tiny.en" in recipe.notes[1]
    written = parse_recipe(caption="Ingredients:\n2 eggs")
    assert not any("recognized" in note for note in written.notes)


def test_a_food_that_refers_back_is_no_second_ingredient() -> None:
    """`the potatoes` after two pounds of potatoes, or `the vegetables`, is not listed again."""
    recipe = read_speech("You need two pounds of potatoes.", "Add the potatoes and stir in the vegetables.")
    assert amounts(recipe) == [(2, "lb", "potatoes")]
