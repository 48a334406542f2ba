"""Labels and headings of exported documents, by language. Languages other than German and Russian get English."""

from __future__ import annotations

from dataclasses import dataclass

from shared.languages import primary_language

UnitForms = tuple[str, str]
"""Singular and plural."""


@dataclass(frozen=True)
class RecipeWording:
    """Labels of recipes in one language.

    Attributes:
        decimal: Decimal separator.
        units: Unit forms by normalised name; other units keep their name.
        scaled: Note on calculated amounts, with the placeholders `{before}` and `{after}` (servings).
        converted: Note on amounts in other units than the video's.
    """

    recipe: str
    ingredients: str
    steps: str
    equipment: str
    nutrition: str
    notes: str
    servings: str
    makes: str
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
    converted: str


@dataclass(frozen=True)
class Headings:
    """Headings and labels of reels, summaries and transcripts in one language. `decimal`: decimal separator."""

    decimal: str
    reel: str
    keys: str
    script: str
    recommendations: str
    pace: str
    transcription: str
    translation: str
    summary: str
    key_points: str
    chapters: str
    transcript: str
    notes: str
    duration: str
    shots: str
    cuts_per_minute: str
    mean_shot: str
    longest_shot: str
    hook: str
    words_per_minute: str
    loudness: str
    silence: str
    text_share: str
    language: str
    words: str
    transcribed_by: str
    seconds: str


def recipe_wording(language: str | None) -> RecipeWording:
    """Return the recipe labels for a BCP-47 tag."""
    return _RECIPE_WORDING_BY_LANGUAGE.get(primary_language(language) or "en", ENGLISH_RECIPE)


def headings(language: str | None) -> Headings:
    """Return the headings for a BCP-47 tag."""
    return _HEADINGS_BY_LANGUAGE.get(primary_language(language) or "", ENGLISH_HEADINGS)


def _single_form(**units: str) -> dict[str, UnitForms]:
    """Return units whose singular and plural are the same."""
    return {unit: (form, form) for unit, form in units.items()}


ENGLISH_RECIPE = RecipeWording(
    recipe="Recipe",
    ingredients="Ingredients",
    steps="Preparation",
    equipment="Equipment",
    nutrition="Nutrition",
    notes="Notes",
    servings="Servings",
    makes="Makes",
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
            "tub", "roll", "dessertspoon", "knife-tip", "wedge", "ear", "strip", "tube", "pot", "punnet", "nest", "net",
            "tray", "pod", "dollop", "squirt", "shot", "ladle", "mug", "strand", "chunk", "twist",
        )
    }
    | {unit: (unit, unit + "es") for unit in ("pinch", "dash", "bunch", "box", "glass", "inch", "splash")}
    | {"leaf": ("leaf", "leaves"), "loaf": ("loaf", "loaves")},
    scaled="Amounts are calculated from {before} to {after} servings; times, and amounts within the steps, are as in "
    "the video.",
    converted="Amounts are converted and rounded; amounts and temperatures within the steps are as in the video.",
)  # fmt: skip
GERMAN_RECIPE = RecipeWording(
    recipe="Rezept",
    ingredients="Zutaten",
    steps="Zubereitung",
    equipment="Küchengeräte",
    nutrition="Nährwerte",
    notes="Hinweise",
    servings="Portionen",
    makes="Ergibt",
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
        "tube": ("Tube", "Tuben"),
        "net": ("Netz", "Netze"),
        "punnet": ("Schale", "Schalen"),
        "strip": ("Streifen", "Streifen"),
        "wedge": ("Spalte", "Spalten"),
        "ladle": ("Kelle", "Kellen"),
        "loaf": ("Laib", "Laibe"),
        "nest": ("Nest", "Nester"),
        "pot": ("Topf", "Töpfe"),
    },
    scaled="Die Mengen sind von {before} auf {after} Portionen umgerechnet; Zeiten und die Mengen in den Schritten "
    "sind wie im Video.",
    converted="Die Mengen sind umgerechnet und gerundet; Mengen und Temperaturen in den Schritten sind wie im Video.",
)  # fmt: skip
# Abbreviations, because Russian nouns change their form with the number.
RUSSIAN_RECIPE = RecipeWording(
    recipe="Рецепт",
    ingredients="Ингредиенты",
    steps="Приготовление",
    equipment="Посуда и техника",
    nutrition="Пищевая ценность",
    notes="Примечания",
    servings="Порции",
    makes="Выход",
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
        cube="куб.", bar="плит.", tube="тюб.", strip="полос.", ladle="полов.", shot="рюм.", mug="круж.", pod="струч.",
    ),
    scaled="Количество пересчитано с {before} на {after} порц.; время и количество внутри шагов — как в видео.",
    converted="Количество пересчитано в другие единицы и округлено; количество и температура внутри шагов — как в "
    "видео.",
)  # fmt: skip
ENGLISH_HEADINGS = Headings(
    decimal=".",
    reel="Reel",
    keys="Keys",
    script="Script",
    recommendations="Recommendations",
    pace="Pace",
    transcription="Transcription",
    translation="Translation",
    summary="Summary",
    key_points="Key points",
    chapters="Chapters",
    transcript="Transcript",
    notes="Notes",
    duration="Duration",
    shots="Shots",
    cuts_per_minute="Cuts per minute",
    mean_shot="Mean shot",
    longest_shot="Longest shot",
    hook="Hook after",
    words_per_minute="Words per minute",
    loudness="Loudness",
    silence="Silence",
    text_share="Text on the screen",
    language="Language",
    words="Words",
    transcribed_by="Transcribed by",
    seconds="s",
)
GERMAN_HEADINGS = Headings(
    decimal=",",
    reel="Reel",
    keys="Schlüssel",
    script="Drehbuch",
    recommendations="Empfehlungen",
    pace="Tempo",
    transcription="Wortlaut",
    translation="Übersetzung",
    summary="Zusammenfassung",
    key_points="Kernpunkte",
    chapters="Kapitel",
    transcript="Wortlaut",
    notes="Hinweise",
    duration="Dauer",
    shots="Einstellungen",
    cuts_per_minute="Schnitte pro Minute",
    mean_shot="Mittlere Einstellung",
    longest_shot="Längste Einstellung",
    hook="Hook nach",
    words_per_minute="Wörter pro Minute",
    loudness="Lautheit",
    silence="Stille",
    text_share="Text im Bild",
    language="Sprache",
    words="Wörter",
    transcribed_by="Transkribiert von",
    seconds="s",
)
RUSSIAN_HEADINGS = Headings(
    decimal=",",
    reel="Рилс",
    keys="Ключи",
    script="Сценарий",
    recommendations="Рекомендации",
    pace="Темп",
    transcription="Расшифровка",
    translation="Перевод",
    summary="Краткое содержание",
    key_points="Главное",
    chapters="Главы",
    transcript="Расшифровка",
    notes="Примечания",
    duration="Длительность",
    shots="Планы",
    cuts_per_minute="Склеек в минуту",
    mean_shot="Средний план",
    longest_shot="Самый длинный план",
    hook="Хук через",
    words_per_minute="Слов в минуту",
    loudness="Громкость",
    silence="Тишина",
    text_share="Текст на экране",
    language="Язык",
    words="Слов",
    transcribed_by="Распознавание",
    seconds="с",
)
_RECIPE_WORDING_BY_LANGUAGE = {"en": ENGLISH_RECIPE, "de": GERMAN_RECIPE, "ru": RUSSIAN_RECIPE}
_HEADINGS_BY_LANGUAGE = {"en": ENGLISH_HEADINGS, "de": GERMAN_HEADINGS, "ru": RUSSIAN_HEADINGS}
