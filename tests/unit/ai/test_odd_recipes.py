"""Videos that are no recipe, or tell one in their own way."""

from __future__ import annotations

from shared.ai.offline.recipe.parser import parse_recipe
from tests.unit.ai.drawing import card, ingredient_lines, step_lines, subtitles


def test_nothing_gives_an_empty_recipe_that_says_so() -> None:
    """A silent video without text is no error: the recipe is empty, sure of nothing, and a note says why."""
    recipe = parse_recipe()
    assert (recipe.title, recipe.ingredients, recipe.steps, recipe.language, recipe.confidence) == (
        None,
        [],
        [],
        None,
        0,
    )
    assert any("No recipe was found" in note for note in recipe.notes)


def test_talk_that_is_no_recipe_gives_none() -> None:
    """A holiday video does not turn into a dish."""
    recipe = parse_recipe(
        card(0, 3, "My trip to Rome", "Day 2", title=True),
        subtitles("We walked for 20 minutes.", "I have two brothers.", "It was 30 degrees in the city."),
        "Best holiday ever! #travel #rome",
    )
    assert (recipe.ingredients, recipe.steps, recipe.servings) == ([], [], None)
    assert recipe.tags == ["travel", "rome"]


def test_amounts_of_anything_else_are_no_recipe() -> None:
    """Where no food is named at all, neither weights nor instructions make a dish."""
    recipe = parse_recipe(
        card(0, 3, "Bench press 100 kg", "Squat 140 kg"), subtitles("Take the bar and press it.", "Now rest.")
    )
    assert (recipe.ingredients, recipe.steps, recipe.confidence) == ([], [], 0)


def test_small_talk_beside_a_recipe_stays_out() -> None:
    """Apples that were bought in a story are no ingredient; those that are needed are."""
    recipe = parse_recipe(
        transcript=subtitles(
            "Yesterday I bought two apples.", "For the cake you need three eggs.", "Beat the eggs well."
        )
    )
    assert [(one.amount, one.name) for one in recipe.ingredients] == [(3, "eggs")]


def test_a_caption_in_one_piece_is_taken_apart() -> None:
    """Title, list and method in one line, divided by emoji and headings only."""
    recipe = parse_recipe(
        caption="CREAMY CHICKEN 😍🍗 Save this for later! Ingredients: 2 chicken breasts, 1 tbsp olive oil, 3 cloves "
        "garlic (minced), salt & pepper to taste. Instructions: Sear the chicken for 5-6 min per side. Add garlic. "
        "#dinner #fyp"
    )
    assert recipe.title == "CREAMY CHICKEN"
    assert ingredient_lines(recipe) == [
        "2 chicken breasts", "1 tbsp olive oil", "3 clove garlic (minced)", "salt (to taste)", "pepper (to taste)",
    ]  # fmt: skip
    assert step_lines(recipe) == ["1. Sear the chicken for 5-6 min per side.", "2. Add garlic."]
    assert recipe.tags == ["dinner"]


def test_cards_in_small_letters() -> None:
    """Lists without capitals are lists, and their lines are not taken for one sentence."""
    recipe = parse_recipe(
        [
            *card(0, 2, "3-ingredient cookies", title=True),
            *card(3, 6, "you need:", "1 cup oats", "2 ripe bananas", "chocolate chips", "a little cinnamon"),
            *card(7, 9, "mash the bananas"),
            *card(10, 12, "bake 15 min at 180c"),
            *card(13, 15, "enjoy!!"),
        ]
    )
    assert recipe.title == "3-ingredient cookies"
    assert ingredient_lines(recipe) == ["1 cup oats", "2 ripe bananas", "chocolate chips", "cinnamon (a little)"]
    assert step_lines(recipe) == ["1. mash the bananas", "2. bake 15 min at 180c"]
    assert (recipe.steps[1].minutes, recipe.steps[1].temperature_c) == (15, 180)


def test_numbered_cards_with_the_text_below() -> None:
    """`STEP 1` on a line of its own belongs to the lines below it; a lone `230 °C` to the line above."""
    recipe = parse_recipe(
        [
            *card(0, 2, "STEP 1", "Boil the pasta in", "salted water"),
            *card(3, 5, "STEP 2", "Fry 100 g bacon", "until crispy"),
            *card(6, 8, "STEP 3", "Bake 30 min", "230 °C"),
        ]
    )
    assert step_lines(recipe) == [
        "1. Boil the pasta in salted water",
        "2. Fry 100 g bacon until crispy",
        "3. Bake 30 min 230 °C",
    ]
    assert ingredient_lines(recipe) == ["100 g bacon"]
    assert recipe.steps[2].temperature_c == 230


def test_notes_tell_the_language_and_what_is_missing() -> None:
    """The reader learns that nothing was translated, and which ingredients have no amount."""
    recipe = parse_recipe(caption="Zutaten:\nMehl\n200 g Zucker", language="en")
    notes = " ".join(recipe.notes)
    assert "offline provider" in notes
    assert "German" in notes
    assert "does not translate" in notes
    assert "steps" in notes
    assert "No amount was found for: Mehl" in notes


def test_two_languages_are_not_mixed() -> None:
    """German cards with English subtitles give one German list, and a note tells what was left out."""
    recipe = parse_recipe(
        card(0, 3, "Zutaten", "200 g Mehl", "2 Eier", "1 TL Salz"),
        subtitles("Add two hundred grams of flour.", "Then add the eggs and mix."),
    )
    assert recipe.language == "de"
    assert ingredient_lines(recipe) == ["200 g Mehl", "2 Eier", "1 tsp Salz"]
    assert any("English" in note for note in recipe.notes)
    assert len(recipe.steps) == 2


def test_words_of_speech_shown_one_after_the_other() -> None:
    """Burned-in subtitles that break off in the middle of a phrase go on with what is shown next at their place."""
    screen_texts = [
        "start with half a cup of",
        "softened butter",
        "then add",
        "four cloves of garlic",
        "and some parsley",
    ]
    screen_texts += ["mix it all together", "bake it", "for 12 minutes", "at 400 degrees", "so good"]
    recipe = parse_recipe(
        [line for number, text in enumerate(screen_texts) for line in card(number, number + 0.5, text)]
    )
    assert ingredient_lines(recipe) == ["0.5 cup softened butter", "4 clove garlic", "parsley (some)"]
    assert step_lines(recipe) == [
        "1. then add four cloves of garlic and some parsley",
        "2. mix it all together",
        "3. bake it for 12 minutes at 400 degrees",
    ]


def test_another_language_is_not_called_english() -> None:
    """What is in none of the three languages is not given out for one of them."""
    recipe = parse_recipe(caption="Tarte aux pommes\n200 g de farine\nCuire 30 minutes", language="fr")
    assert recipe.language is None
    assert any("not seem to be in a supported language" in note for note in recipe.notes)


def test_equipment_is_taken_from_its_own_list() -> None:
    """Tools stand under their heading, also those whose names are verbs, and are no steps."""
    recipe = parse_recipe(caption="Apple pie\nEquipment: large bowl, whisk\nPie tin\nMethod:\nWhisk the eggs.")
    assert recipe.equipment == ["large bowl", "whisk", "Pie tin"]
    assert step_lines(recipe) == ["1. Whisk the eggs."]


def test_a_card_shown_twice_is_one() -> None:
    """A list that comes again at the end, and a step that flickers, are not doubled."""
    cards = card(0, 2, "200 g rice", "2 eggs"), card(3, 4, "Boil the rice"), card(6, 7, "Boil the rice")
    recipe = parse_recipe([line for part in (*cards, card(8, 9, "200 g rice", "2 eggs")) for line in part])
    assert ingredient_lines(recipe) == ["200 g rice", "2 eggs"]
    assert step_lines(recipe) == ["1. Boil the rice"]
