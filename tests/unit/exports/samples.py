"""Recipes to be exported."""

from __future__ import annotations

from shared.analyses.recipe import Ingredient, Nutrition, Recipe, Step

SOUP = Recipe(
    title="Kürbissuppe",
    description="Samtig und schnell.",
    language="de-AT",
    servings=4,
    prep_minutes=15,
    cook_minutes=30,
    total_minutes=90.5,
    difficulty="easy",
    cuisine="Österreich",
    tags=["Suppe", "Herbst"],
    ingredients=[
        Ingredient(name="Kürbis", amount=1.5, unit="kg"),
        Ingredient(name="Zwiebeln", amount=2, unit="piece", note="fein gehackt"),
        Ingredient(name="Ingwer", amount=1.5, unit="tsp"),
        Ingredient(name="Knoblauch", amount=2, amount_max=3, unit="clove"),
        Ingredient(name="Salz"),
        Ingredient(name="Kürbiskerne", amount=1, unit="handful", group="Zum Bestreuen"),
    ],
    steps=[Step(number=1, text="Kürbis würfeln."), Step(number=2, text="Kochen und pürieren.")],
    equipment=["Stabmixer"],
    nutrition=Nutrition(calories_kcal=320, protein_g=6.5),
    source_url="https://example.com/suppe?a=1&b=2",
    author="Küchenfee",
    notes=["Vom Bildschirm gelesen."],
)

EVIL = "<script>alert(1)</script> [x](javascript:x) ![i](http://evil.example/i) \"'&\u202e\x00\n\n# 1"
HOSTILE = Recipe(
    title=EVIL,
    description=EVIL,
    language='"><script>',
    servings=2,
    cuisine=EVIL,
    tags=[EVIL],
    ingredients=[Ingredient(name=EVIL, amount=1, unit=EVIL, note=EVIL, group=EVIL)],
    steps=[Step(number=1, text=EVIL)],
    equipment=[EVIL],
    source_url='https://example.com/"><script>alert(1)</script>',
    author=EVIL,
    notes=[EVIL],
)
