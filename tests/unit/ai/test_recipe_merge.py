"""What several sources say of one dish becomes one recipe."""

from __future__ import annotations

from shared.ai.offline.recipe.parser import parse_recipe
from tests.unit.ai.drawing import card, subtitles


def test_the_amount_on_the_screen_wins() -> None:
    """When the cook says another amount than the card, the card stands."""
    (flour,) = parse_recipe(card(0, 3, "200 g flour"), subtitles("Add 250 grams of flour.")).ingredients
    assert (flour.amount, flour.unit) == (200, "g")
    assert flour.seen is not None
    assert flour.seen.source == "screen"


def test_an_amount_that_is_only_said_is_not_lost() -> None:
    """A name on the card gets its amount from the subtitles."""
    recipe = parse_recipe(card(0, 3, "Ingredients", "flour", "2 eggs"), subtitles("Add 250 grams of flour."))
    assert [(one.name, one.amount, one.unit) for one in recipe.ingredients] == [("flour", 250, "g"), ("eggs", 2, None)]


def test_a_part_of_a_name_is_the_same_ingredient() -> None:
    """`oil` in the subtitles is the `olive oil` on the screen, whatever form the word has."""
    recipe = parse_recipe(
        card(0, 3, "3 tbsp olive oil", "2 onions"), subtitles("Add the oil, one onion and half a cup of water.")
    )
    assert [(one.name, one.amount) for one in recipe.ingredients] == [("olive oil", 3), ("onions", 2), ("water", 0.5)]


def test_russian_cases_are_one_ingredient() -> None:
    """`Мука` in the list and `муку` in the speech are the same."""
    recipe = parse_recipe(card(0, 3, "Мука - 200 г", "Яйца - 2 шт."), subtitles("Добавляем муку и два яйца."))
    assert [one.name for one in recipe.ingredients] == ["Мука", "Яйца"]


def test_one_list_may_name_a_thing_twice() -> None:
    """Butter for the dough and butter for the filling stay two."""
    recipe = parse_recipe(
        [*card(0, 3, "For the dough:", "100 g butter"), *card(4, 7, "For the filling:", "50 g butter")],
    )
    assert [(one.amount, one.group) for one in recipe.ingredients] == [(100, "For the dough"), (50, "For the filling")]


def test_a_food_only_named_adds_nothing_to_a_whole_list() -> None:
    """`Season with pepper` is an ingredient when there is no list, and none beside a list of three."""
    speech = subtitles("Season with salt and pepper.")
    assert [one.name for one in parse_recipe(transcript=speech).ingredients] == ["salt", "pepper"]
    recipe = parse_recipe(card(0, 3, "200 g rice", "2 eggs", "1 tsp salt"), speech)
    assert [one.name for one in recipe.ingredients] == ["rice", "eggs", "salt"]


def test_a_step_of_another_source_goes_where_its_time_is() -> None:
    """A step that stands only on the screen is put between those that are said."""
    recipe = parse_recipe(
        card(4, 5, "Preheat the oven to 180 °C"),
        subtitles("Chop the onions finely.", "Fry them gently in a pan.", "Pour the soup into bowls."),
    )
    assert [step.text for step in recipe.steps] == [
        "Chop the onions finely.",
        "Fry them gently in a pan.",
        "Preheat the oven to 180 °C",
        "Pour the soup into bowls.",
    ]
    assert [step.number for step in recipe.steps] == [1, 2, 3, 4]
    assert recipe.steps[2].temperature_c == 180


def test_time_and_heat_of_a_step_come_from_wherever_they_stand() -> None:
    """The card names the heat, the speech the minutes: the step has both."""
    recipe = parse_recipe(
        card(0, 3, "Bake the bread at 220 °C"), subtitles("Knead the dough.", "Now bake the bread for 40 minutes.")
    )
    assert [(step.text, step.minutes, step.temperature_c) for step in recipe.steps][-1] == (
        "Now bake the bread for 40 minutes.",
        40,
        220,
    )


def test_each_entry_tells_where_it_was_seen() -> None:
    """From every entry one can go to its moment and frame in the video, and to the words there."""
    recipe = parse_recipe(card(3, 5, "200 g rice"), subtitles("First.", "Add one onion."), "1 tsp salt")
    sightings = {one.name: one.seen for one in recipe.ingredients}
    assert sightings["rice"] is not None
    assert (sightings["rice"].source, sightings["rice"].time, sightings["rice"].frame, sightings["rice"].text) == (
        "screen",
        3,
        "samples/3.jpg",
        "200 g rice",
    )
    assert sightings["onion"] is not None
    assert (sightings["onion"].source, sightings["onion"].time, sightings["onion"].frame) == ("subtitle", 3, None)
    assert sightings["salt"] is not None
    assert (sightings["salt"].source, sightings["salt"].time) == ("caption", None)
