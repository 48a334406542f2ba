"""Times, heat, servings and other statements."""

from __future__ import annotations

import pytest

from shared.ai.offline.language.lexicon import load_lexicon
from shared.ai.offline.recipe.facts import longest_duration, parse_facts, temperature_c
from shared.ai.offline.recipe.text import TokenizedText, normalize_text


def text(code: str, line: str) -> TokenizedText:
    return TokenizedText(normalize_text(line), load_lexicon(code))


@pytest.mark.parametrize(
    ("code", "line", "minutes"),
    [
        ("en", "Bake for 20 minutes", 20),
        ("en", "20-25 min", 20),
        ("en", "1 hour 30 minutes", 90),
        ("en", "1 h and 5 min", 65),
        ("en", "half an hour", 30),
        ("en", "an hour and a half", 90),
        ("en", "30 seconds", 0.5),
        ("en", "1.5 hours", 90),
        ("en", "a 10-minute rest", 10),
        ("en", "5 minutes, then 10 more minutes", 5),
        ("en", "stir every 5 minutes", None),
        ("en", "2 cups", None),
        ("de", "20 Min. backen", 20),
        ("de", "eine halbe Stunde", 30),
        ("de", "1 Std. 20 Min.", 80),
        ("de", "zwei bis drei Stunden", 120),
        ("de", "alle 5 Minuten", None),
        ("ru", "20 минут", 20),
        ("ru", "полчаса", 30),
        ("ru", "1 ч 20 мин", 80),
        ("ru", "полтора часа", 90),
        ("ru", "два часа", 120),
        ("ru", "каждые 5 минут", None),
    ],
)
def test_how_long(code: str, line: str, minutes: float | None) -> None:
    """A step tells its time however it is written; `every 5 minutes` is none."""
    longest = longest_duration(text(code, line))
    assert (longest.minutes if longest else None) == minutes


@pytest.mark.parametrize(
    ("code", "line", "celsius"),
    [
        ("en", "Bake at 180°C", 180),
        ("en", "350 °F", 177),
        ("en", "350°F / 175°C", 175),
        ("en", "400 degrees", 204),
        ("en", "165 degrees", None),
        ("en", "180 degrees Celsius", 180),
        ("en", "350F", 177),
        ("en", "180–200 °C", 180),
        ("en", "180 g", None),
        ("de", "bei 200 Grad", 200),
        ("de", "180 ℃ Umluft", 180),
        ("de", "180° backen", 180),
        ("ru", "при 180 градусах", 180),
        ("ru", "180 °С", 180),
        ("ru", "200°", 200),
        ("ru", "5 минут", None),
    ],
)
def test_how_hot(code: str, line: str, celsius: float | None) -> None:
    """Heat comes in °C; what may be either scale is left open and not guessed."""
    assert temperature_c(text(code, line)) == celsius


@pytest.mark.parametrize(
    ("code", "line", "servings"),
    [
        ("en", "Serves 4", 4),
        ("en", "Servings: 6", 6),
        ("en", "for 4 people", 4),
        ("en", "4-6 servings", 4),
        ("en", "Makes 12 cookies", None),
        ("en", "Yield: 4 portions", 4),
        ("de", "für 2 Personen", 2),
        ("de", "4 Portionen", 4),
        ("de", "Portionen: 4", 4),
        ("de", "ergibt 12 Stück", None),
        ("ru", "на 6 порций", 6),
        ("ru", "Порций: 4", 4),
        ("ru", "на четыре персоны", 4),
        ("ru", "Количество порций – 3", 3),
    ],
)
def test_for_how_many(code: str, line: str, servings: float | None) -> None:
    """Servings are what is called so: twelve cookies are not twelve servings."""
    assert parse_facts(text(code, line)).servings == servings


@pytest.mark.parametrize(
    ("code", "line", "field", "value"),
    [
        ("en", "Prep time: 10 min", "prep_minutes", 10),
        ("en", "Cook time 1 hour", "cook_minutes", 60),
        ("en", "Ready in 25 minutes", "total_minutes", 25),
        ("en", "Difficulty: medium", "difficulty", "medium"),
        ("en", "Cuisine: Italian", "cuisine", "Italian"),
        ("de", "Backzeit: 45 Min.", "cook_minutes", 45),
        ("de", "Arbeitszeit ca", "prep_minutes", None),
        ("de", "Schwierigkeitsgrad: leicht", "difficulty", "easy"),
        ("de", "Küche: thailändisch", "cuisine", "thailändisch"),
        ("ru", "Общее время: 1 час", "total_minutes", 60),
        ("ru", "Сложность: легко", "difficulty", "easy"),
        ("ru", "Кухня: грузинская", "cuisine", "грузинская"),
        ("ru", "Время подготовки – 15 минут", "prep_minutes", 15),
    ],
)
def test_labelled_facts(code: str, line: str, field: str, value: object) -> None:
    """What a label names arrives in the field of that name."""
    assert getattr(parse_facts(text(code, line)), field) == value


@pytest.mark.parametrize(
    ("code", "line", "expected"),
    [
        ("en", "450 kcal, 30 g protein, 12g fat, 40 g carbs", (450, 30, 12, 40)),
        ("en", "Calories: 300", (300, None, None, None)),
        ("en", "30 g protein", (None, None, None, None)),
        ("de", "520 kcal | Eiweiß: 20 g | Fett: 18 g | Kohlenhydrate: 60 g", (520, 20, 18, 60)),
        ("ru", "Калорийность 210 ккал, белки 12 г, жиры 8 г, углеводы 20 г", (210, 12, 8, 20)),
    ],
)
def test_nutrition(code: str, line: str, expected: tuple[float | None, ...]) -> None:
    """Nutrients count where energy or several of them are named; a lone `30 g protein` may be an ingredient."""
    facts = parse_facts(text(code, line))
    assert (facts.calories_kcal, facts.protein_g, facts.fat_g, facts.carbohydrates_g) == expected
