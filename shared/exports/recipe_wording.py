"""The words that stand around a recipe, by its language; other languages get the English ones."""

from __future__ import annotations

from dataclasses import dataclass

from shared.languages import primary_language

UnitForms = tuple[str, str]
"""One of it, and more of it."""


@dataclass(frozen=True)
class RecipeWording:
    """What a language calls things.

    Attributes:
        decimal: Between the whole and the decimals of a number.
        units: By their normalised names; those that are missing are shown as they are.
        scaled: Sentence with the places `{before}` and `{after}`, for a recipe whose amounts were calculated.
    """

    recipe: str
    ingredients: str
    steps: str
    equipment: str
    nutrition: str
    notes: str
    servings: str
    prep: str
    cook: str
    total: str
    author: str
    source: str
    hours: str
    minutes: str
    calories: str
    protein: str
    fat: str
    carbohydrates: str
    difficulty: dict[str, str]
    decimal: str
    units: dict[str, UnitForms]
    scaled: str


def _single_form(**units: str) -> dict[str, UnitForms]:
    """Units that have one form only."""
    return {unit: (form, form) for unit, form in units.items()}


ENGLISH_RECIPE = RecipeWording(
    recipe="Recipe",
    ingredients="Ingredients",
    steps="Preparation",
    equipment="Equipment",
    nutrition="Nutrition",
    notes="Notes",
    servings="Servings",
    prep="Prep",
    cook="Cooking",
    total="Total",
    author="By",
    source="Source",
    hours="h",
    minutes="min",
    calories="kcal",
    protein="protein",
    fat="fat",
    carbohydrates="carbohydrates",
    difficulty={"easy": "easy", "medium": "medium", "hard": "hard"},
    decimal=".",
    units={
        unit: (unit, unit + "s")
        for unit in (
            "cup", "pint", "quart", "gallon", "stick", "knob", "drop", "handful", "clove", "slice", "can",
            "jar", "bottle", "pack", "bag", "sprig", "stalk", "head", "sheet", "cube", "ball", "bar", "scoop", "spoon",
            "tub", "roll", "dessertspoon", "knife-tip",
        )
    }
    | {unit: (unit, unit + "es") for unit in ("pinch", "dash", "bunch", "box", "glass", "inch", "splash")}
    | {"leaf": ("leaf", "leaves")},
    scaled="Amounts are calculated from {before} to {after} servings; times, and amounts within the steps, are as in "
    "the video.",
)  # fmt: skip
GERMAN_RECIPE = RecipeWording(
    recipe="Rezept",
    ingredients="Zutaten",
    steps="Zubereitung",
    equipment="Küchengeräte",
    nutrition="Nährwerte",
    notes="Hinweise",
    servings="Portionen",
    prep="Vorbereitung",
    cook="Garzeit",
    total="Gesamt",
    author="Von",
    source="Quelle",
    hours="Std.",
    minutes="Min.",
    calories="kcal",
    protein="Eiweiß",
    fat="Fett",
    carbohydrates="Kohlenhydrate",
    difficulty={"easy": "leicht", "medium": "mittel", "hard": "schwer"},
    decimal=",",
    units=_single_form(
        tsp="TL", tbsp="EL", bunch="Bund", handful="Handvoll", dash="Schuss", drop="Tropfen", bag="Beutel",
        tub="Becher", cube="Würfel", spoon="Löffel",
    )
    | {
        "cup": ("Tasse", "Tassen"),
        "oz": ("Unze", "Unzen"),
        "pinch": ("Prise", "Prisen"),
        "knife-tip": ("Messerspitze", "Messerspitzen"),
        "clove": ("Zehe", "Zehen"),
        "slice": ("Scheibe", "Scheiben"),
        "can": ("Dose", "Dosen"),
        "glass": ("Glas", "Gläser"),
        "jar": ("Glas", "Gläser"),
        "bottle": ("Flasche", "Flaschen"),
        "pack": ("Packung", "Packungen"),
        "sprig": ("Zweig", "Zweige"),
        "stalk": ("Stange", "Stangen"),
        "leaf": ("Blatt", "Blätter"),
        "head": ("Kopf", "Köpfe"),
        "sheet": ("Platte", "Platten"),
        "ball": ("Kugel", "Kugeln"),
        "bar": ("Tafel", "Tafeln"),
        "roll": ("Rolle", "Rollen"),
    },
    scaled="Die Mengen sind von {before} auf {after} Portionen umgerechnet; Zeiten und die Mengen in den Schritten "
    "sind wie im Video.",
)  # fmt: skip
# Abbreviations have one form after every number, as Russian nouns have not.
RUSSIAN_RECIPE = RecipeWording(
    recipe="Рецепт",
    ingredients="Ингредиенты",
    steps="Приготовление",
    equipment="Посуда и техника",
    nutrition="Пищевая ценность",
    notes="Примечания",
    servings="Порции",
    prep="Подготовка",
    cook="Готовка",
    total="Всего",
    author="Автор",
    source="Источник",
    hours="ч",
    minutes="мин",
    calories="ккал",
    protein="белки",
    fat="жиры",
    carbohydrates="углеводы",
    difficulty={"easy": "просто", "medium": "средне", "hard": "сложно"},
    decimal=",",
    units=_single_form(
        g="г", kg="кг", mg="мг", ml="мл", dl="дл", l="л", tsp="ч. л.", tbsp="ст. л.", dessertspoon="дес. л.",
        cup="стак.", oz="унц.", lb="фунт", cm="см", pinch="щеп.", drop="кап.", bunch="пуч.", clove="зубч.",
        slice="ломт.", can="бан.", bottle="бут.", pack="уп.", sprig="веточ.", leaf="лист.", head="гол.",
        cube="куб.", bar="плит.",
    ),
    scaled="Количество пересчитано с {before} на {after} порц.; время и количество внутри шагов — как в видео.",
)  # fmt: skip
_RECIPE_WORDING_BY_LANGUAGE = {"en": ENGLISH_RECIPE, "de": GERMAN_RECIPE, "ru": RUSSIAN_RECIPE}


def recipe_wording(language: str | None) -> RecipeWording:
    """For a BCP-47 tag."""
    return _RECIPE_WORDING_BY_LANGUAGE.get(primary_language(language) or "en", ENGLISH_RECIPE)
