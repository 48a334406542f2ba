"""Whole recipes, from the screen, from subtitles and from captions, two in each language."""

from __future__ import annotations

from shared.ai.offline.recipe.parser import parse_recipe
from shared.models.recipe import Recipe
from tests.unit.ai.drawing import card, said


def listed(recipe: Recipe) -> list[str]:
    """Ingredients as one line each: amount, unit, name, and the note in brackets."""
    rows = []
    for one in recipe.ingredients:
        amount = "" if one.amount is None else f"{one.amount:g}"
        upper = "" if one.amount_max is None else f"-{one.amount_max:g}"
        note = f" ({one.note})" if one.note else ""
        rows.append(" ".join(part for part in (amount + upper, one.unit, one.name) if part) + note)
    return rows


def told(recipe: Recipe) -> list[str]:
    return [f"{step.number}. {step.text}" for step in recipe.steps]


def test_english_cards_with_subtitles() -> None:
    """Cards on the screen and subtitles that say the same give one list, each step once, with its heat and time."""
    recipe = parse_recipe(
        [
            *card(0, 2, "Baked Feta Pasta", "Serves 4", "Ready in 40 minutes", title=True),
            *card(3, 5, "Ingredients", "400 g cherry tomatoes", "200 g feta", "3 tbsp olive oil", "½ tsp chili flakes"),
            *card(6, 8, "1. Heat the oven", "to 200 °C."),
            *card(9, 11, "2. Mix tomatoes, feta and", "oil in a dish."),
            *card(12, 14, "3. Bake for 30 minutes."),
        ],
        said(
            "Baked feta pasta for four.",
            "These are the ingredients.",
            "Heat the oven to 200 degrees.",
            "Bake for 30 minutes.",
        ),
    )
    assert recipe.title == "Baked Feta Pasta"
    assert (recipe.servings, recipe.total_minutes, recipe.language) == (4, 40, "en")
    assert listed(recipe) == ["400 g cherry tomatoes", "200 g feta", "3 tbsp olive oil", "0.5 tsp chili flakes"]
    assert told(recipe) == [
        "1. Heat the oven to 200 °C.",
        "2. Mix tomatoes, feta and oil in a dish.",
        "3. Bake for 30 minutes.",
    ]
    assert [step.temperature_c for step in recipe.steps] == [200, None, None]
    assert [step.minutes for step in recipe.steps] == [None, None, 30]


def test_english_speech_without_punctuation() -> None:
    """Automatic subtitles in lower case, broken anywhere, still give amounts; small talk stays out."""
    recipe = parse_recipe(
        transcript=said(
            "hey guys welcome back", "so first mash three ripe bananas", "add one third of a cup of melted butter",
            "then you wanna add one egg and half a cup", "of sugar", "mix in one and a half cups of flour",
            "and a pinch of salt", "bake at 350 degrees for 50 minutes", "thanks for watching",
        )
    )  # fmt: skip
    assert listed(recipe) == [
        "3 ripe bananas", "0.3333 cup melted butter", "1 egg", "0.5 cup sugar", "1.5 cup flour", "1 pinch salt",
    ]  # fmt: skip
    assert [one.seen.time for one in recipe.ingredients if one.seen] == [3, 6, 9, 9, 15, 18]
    last = recipe.steps[-1]
    assert (last.text, last.minutes, last.temperature_c) == ("bake at 350 degrees for 50 minutes", 50, 177)
    assert not any("watching" in step.text or "guys" in step.text for step in recipe.steps)


def test_german_caption() -> None:
    """A caption as people post it: hashtags, labels, two lists with a heading, numbered steps, an appeal at the end."""
    recipe = parse_recipe(
        caption="""Die beste Kartoffelsuppe 🥔🥣 #suppe #Rezept #fyp
Portionen: 4
Vorbereitung: 15 Min | Kochzeit: 30 Min
Schwierigkeit: einfach

Zutaten:
- 1,5 kg Kartoffeln
- 2 Zwiebeln, gewürfelt
- 1 EL Öl
- 1 l Gemüsebrühe
- Salz und Pfeffer
Für das Topping:
100 g Speck
1/2 Bund Schnittlauch

Zubereitung:
1. Kartoffeln schälen und würfeln.
2. Zwiebeln in Öl 5 Minuten andünsten.
3. Mit Brühe ablöschen und 20-25 Minuten köcheln lassen.
Folgt mir für mehr! @kochprofi"""
    )
    assert recipe.title == "Die beste Kartoffelsuppe"
    assert (recipe.servings, recipe.prep_minutes, recipe.cook_minutes, recipe.total_minutes) == (4, 15, 30, None)
    assert (recipe.difficulty, recipe.language, recipe.tags) == ("easy", "de", ["suppe", "Rezept"])
    assert listed(recipe) == [
        "1.5 kg Kartoffeln", "2 Zwiebeln (gewürfelt)", "1 tbsp Öl", "1 l Gemüsebrühe", "Salz", "Pfeffer", "100 g Speck",
        "0.5 bunch Schnittlauch",
    ]  # fmt: skip
    assert [one.group for one in recipe.ingredients] == [None] * 6 + ["Für das Topping"] * 2
    assert told(recipe) == [
        "1. Kartoffeln schälen und würfeln.",
        "2. Zwiebeln in Öl 5 Minuten andünsten.",
        "3. Mit Brühe ablöschen und 20-25 Minuten köcheln lassen.",
    ]
    assert [step.minutes for step in recipe.steps] == [None, 5, 20]


def test_german_cards_with_more_in_the_subtitles() -> None:
    """What only the subtitles tell is added; a heading on a card of its own holds for the cards after it."""
    recipe = parse_recipe(
        [
            *card(0, 2, "Omas Pfannkuchen", "für 2 Personen", title=True),
            *card(3, 5, "Für den Teig:", "250 g Mehl", "l TL Salz", "2 Eier", "folgt mir @oma_kocht"),
            *card(6, 7, "Für die Soße:"),
            *card(8, 9, "200 g MehI", "1 EL ÖI"),
        ],
        said(
            "Heute backen wir Pfannkuchen.", "Das Mehl, die Eier und zweihundert Milliliter Milch verrühren.",
            "Dann eine Prise Zimt dazugeben.", "Jede Seite zwei Minuten braten.",
        ),
    )  # fmt: skip
    assert recipe.title == "Omas Pfannkuchen"
    assert recipe.servings == 2
    assert listed(recipe) == [
        "250 g Mehl", "1 tsp Salz", "2 Eier", "200 g Mehl", "1 tbsp Öl", "200 ml Milch", "1 pinch Zimt",
    ]  # fmt: skip
    assert [one.group for one in recipe.ingredients] == ["Für den Teig"] * 3 + ["Für die Soße"] * 2 + [None] * 2
    assert [one.seen.source for one in recipe.ingredients if one.seen] == ["screen"] * 5 + ["subtitle"] * 2
    assert [one.seen.time for one in recipe.ingredients if one.seen][-2:] == [3, 6]


def test_russian_subtitles() -> None:
    """Spoken Russian: number words, cases and fused halves."""
    recipe = parse_recipe(
        transcript=said(
            "Всем привет! Сегодня готовим сырники.", "Нам понадобится пятьсот граммов творога,",
            "два яйца и три столовые ложки сахара.", "Добавляем щепотку соли и полстакана муки.",
            "Всё хорошо перемешиваем.", "Обжариваем пять минут с каждой стороны.",
            "Выпекаем 15 минут при 180 градусах.", "Приятного аппетита!",
        ),
        language="ru",
    )  # fmt: skip
    assert listed(recipe) == ["500 g творога", "2 яйца", "3 tbsp сахара", "1 pinch соли", "0.5 cup муки"]
    assert told(recipe) == [
        "1. Добавляем щепотку соли и полстакана муки.",
        "2. Всё хорошо перемешиваем.",
        "3. Обжариваем пять минут с каждой стороны.",
        "4. Выпекаем 15 минут при 180 градусах.",
    ]
    assert [(step.minutes, step.temperature_c) for step in recipe.steps] == [(None, None)] * 2 + [(5, None), (15, 180)]
    assert recipe.language == "ru"


def test_russian_caption_with_names_first() -> None:
    """Russian lists put the name first: `Молоко – 500 мл`."""
    recipe = parse_recipe(
        caption="""Блины на молоке
Время приготовления: 1 ч 20 мин. На 6 порций
Ингредиенты:
Молоко – 500 мл
Мука – 200 г
Яйца – 3 шт.
Сахар - 2 ст. л.
Соль - щепотка
Масло растительное для жарки
Приготовление:
Взбить яйца с сахаром и солью.
Влить молоко, добавить муку и перемешать.
Жарить блины 2 минуты с каждой стороны."""
    )
    assert recipe.title == "Блины на молоке"
    assert (recipe.total_minutes, recipe.servings) == (80, 6)
    assert listed(recipe) == [
        "500 ml Молоко", "200 g Мука", "3 piece Яйца", "2 tbsp Сахар", "1 pinch Соль", "Масло растительное (для жарки)",
    ]  # fmt: skip
    assert len(recipe.steps) == 3
    assert recipe.steps[2].minutes == 2


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
    assert any("Nothing of a recipe was found" in note for note in recipe.notes)


def test_talk_that_is_no_recipe_gives_none() -> None:
    """A holiday video does not turn into a dish."""
    recipe = parse_recipe(
        card(0, 3, "My trip to Rome", "Day 2", title=True),
        said("We walked for 20 minutes.", "I have two brothers.", "It was 30 degrees in the city."),
        "Best holiday ever! #travel #rome",
    )
    assert (recipe.ingredients, recipe.steps, recipe.servings) == ([], [], None)
    assert recipe.tags == ["travel", "rome"]


def test_amounts_of_anything_else_are_no_recipe() -> None:
    """Where no food is named at all, neither weights nor instructions make a dish."""
    recipe = parse_recipe(
        card(0, 3, "Bench press 100 kg", "Squat 140 kg"), said("Take the bar and press it.", "Now rest.")
    )
    assert (recipe.ingredients, recipe.steps, recipe.confidence) == ([], [], 0)


def test_small_talk_beside_a_recipe_stays_out() -> None:
    """Apples that were bought in a story are no ingredient; those that are needed are."""
    recipe = parse_recipe(
        transcript=said("Yesterday I bought two apples.", "For the cake you need three eggs.", "Beat the eggs well.")
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
    assert listed(recipe) == [
        "2 chicken breasts", "1 tbsp olive oil", "3 clove garlic (minced)", "salt (to taste)", "pepper (to taste)",
    ]  # fmt: skip
    assert told(recipe) == ["1. Sear the chicken for 5-6 min per side.", "2. Add garlic."]
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
    assert listed(recipe) == ["1 cup oats", "2 ripe bananas", "chocolate chips", "cinnamon (a little)"]
    assert told(recipe) == ["1. mash the bananas", "2. bake 15 min at 180c"]
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
    assert told(recipe) == [
        "1. Boil the pasta in salted water",
        "2. Fry 100 g bacon until crispy",
        "3. Bake 30 min 230 °C",
    ]
    assert listed(recipe) == ["100 g bacon"]
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
        said("Add two hundred grams of flour.", "Then add the eggs and mix."),
    )
    assert recipe.language == "de"
    assert listed(recipe) == ["200 g Mehl", "2 Eier", "1 tsp Salz"]
    assert any("English" in note for note in recipe.notes)
    assert len(recipe.steps) == 2


def test_words_of_speech_shown_one_after_the_other() -> None:
    """Burned-in subtitles that break off in the middle of a phrase go on with what is shown next at their place."""
    shown = ["start with half a cup of", "softened butter", "then add", "four cloves of garlic", "and some parsley"]
    shown += ["mix it all together", "bake it", "for 12 minutes", "at 400 degrees", "so good"]
    recipe = parse_recipe([line for number, text in enumerate(shown) for line in card(number, number + 0.5, text)])
    assert listed(recipe) == ["0.5 cup softened butter", "4 clove garlic", "parsley (some)"]
    assert told(recipe) == [
        "1. then add four cloves of garlic and some parsley",
        "2. mix it all together",
        "3. bake it for 12 minutes at 400 degrees",
    ]


def test_another_language_is_not_called_english() -> None:
    """What is in none of the three languages is not given out for one of them."""
    recipe = parse_recipe(caption="Tarte aux pommes\n200 g de farine\nCuire 30 minutes", language="fr")
    assert recipe.language is None
    assert any("none of the languages" in note for note in recipe.notes)


def test_equipment_is_taken_from_its_own_list() -> None:
    """Tools stand under their heading, also those whose names are verbs, and are no steps."""
    recipe = parse_recipe(caption="Apple pie\nEquipment: large bowl, whisk\nPie tin\nMethod:\nWhisk the eggs.")
    assert recipe.equipment == ["large bowl", "whisk", "Pie tin"]
    assert told(recipe) == ["1. Whisk the eggs."]


def test_a_card_shown_twice_is_one() -> None:
    """A list that comes again at the end, and a step that flickers, are not doubled."""
    cards = card(0, 2, "200 g rice", "2 eggs"), card(3, 4, "Boil the rice"), card(6, 7, "Boil the rice")
    recipe = parse_recipe([line for part in (*cards, card(8, 9, "200 g rice", "2 eggs")) for line in part])
    assert listed(recipe) == ["200 g rice", "2 eggs"]
    assert told(recipe) == ["1. Boil the rice"]
