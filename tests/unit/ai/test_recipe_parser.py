"""Whole recipes, from the screen, from subtitles and from captions, two in each language."""

from __future__ import annotations

from shared.ai.offline.recipe.parser import parse_recipe
from tests.unit.ai.drawing import card, ingredient_lines, step_lines, subtitles


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
        subtitles(
            "Baked feta pasta for four.",
            "These are the ingredients.",
            "Heat the oven to 200 degrees.",
            "Bake for 30 minutes.",
        ),
    )
    assert recipe.title == "Baked Feta Pasta"
    assert (recipe.servings, recipe.total_minutes, recipe.language) == (4, 40, "en")
    assert ingredient_lines(recipe) == [
        "400 g cherry tomatoes",
        "200 g feta",
        "3 tbsp olive oil",
        "0.5 tsp chili flakes",
    ]
    assert step_lines(recipe) == [
        "1. Heat the oven to 200 °C.",
        "2. Mix tomatoes, feta and oil in a dish.",
        "3. Bake for 30 minutes.",
    ]
    assert [step.temperature_c for step in recipe.steps] == [200, None, None]
    assert [step.minutes for step in recipe.steps] == [None, None, 30]


def test_english_speech_without_punctuation() -> None:
    """Automatic subtitles in lower case, broken anywhere, still give amounts; small talk stays out."""
    recipe = parse_recipe(
        transcript=subtitles(
            "hey guys welcome back", "so first mash three ripe bananas", "add one third of a cup of melted butter",
            "then you wanna add one egg and half a cup", "of sugar", "mix in one and a half cups of flour",
            "and a pinch of salt", "bake at 350 degrees for 50 minutes", "thanks for watching",
        )
    )  # fmt: skip
    assert ingredient_lines(recipe) == [
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
    assert ingredient_lines(recipe) == [
        "1.5 kg Kartoffeln", "2 Zwiebeln (gewürfelt)", "1 tbsp Öl", "1 l Gemüsebrühe", "Salz", "Pfeffer", "100 g Speck",
        "0.5 bunch Schnittlauch",
    ]  # fmt: skip
    assert [one.group for one in recipe.ingredients] == [None] * 6 + ["Für das Topping"] * 2
    assert step_lines(recipe) == [
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
        subtitles(
            "Heute backen wir Pfannkuchen.", "Das Mehl, die Eier und zweihundert Milliliter Milch verrühren.",
            "Dann eine Prise Zimt dazugeben.", "Jede Seite zwei Minuten braten.",
        ),
    )  # fmt: skip
    assert recipe.title == "Omas Pfannkuchen"
    assert recipe.servings == 2
    assert ingredient_lines(recipe) == [
        "250 g Mehl", "1 tsp Salz", "2 Eier", "200 g Mehl", "1 tbsp Öl", "200 ml Milch", "1 pinch Zimt",
    ]  # fmt: skip
    assert [one.group for one in recipe.ingredients] == ["Für den Teig"] * 3 + ["Für die Soße"] * 2 + [None] * 2
    assert [one.seen.source for one in recipe.ingredients if one.seen] == ["screen"] * 5 + ["subtitle"] * 2
    assert [one.seen.time for one in recipe.ingredients if one.seen][-2:] == [3, 6]


def test_russian_subtitles() -> None:
    """Spoken Russian: number words, cases and fused halves."""
    recipe = parse_recipe(
        transcript=subtitles(
            "Всем привет! Сегодня готовим сырники.", "Нам понадобится пятьсот граммов творога,",
            "два яйца и три столовые ложки сахара.", "Добавляем щепотку соли и полстакана муки.",
            "Всё хорошо перемешиваем.", "Обжариваем пять минут с каждой стороны.",
            "Выпекаем 15 минут при 180 градусах.", "Приятного аппетита!",
        ),
        language="ru",
    )  # fmt: skip
    assert ingredient_lines(recipe) == ["500 g творога", "2 яйца", "3 tbsp сахара", "1 pinch соли", "0.5 cup муки"]
    assert step_lines(recipe) == [
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
    assert ingredient_lines(recipe) == [
        "500 ml Молоко", "200 g Мука", "3 piece Яйца", "2 tbsp Сахар", "1 pinch Соль", "Масло растительное (для жарки)",
    ]  # fmt: skip
    assert len(recipe.steps) == 3
    assert recipe.steps[2].minutes == 2
