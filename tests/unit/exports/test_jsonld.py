"""Recipes as schema.org JSON-LD."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints

from shared.analyses.recipe import Ingredient, Recipe
from shared.exports.recipe import iso_duration, recipe_jsonld
from tests.unit.exports.samples import HOSTILE, SOUP

IMAGE = "https://example.com/thumbnail.jpg"
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False)]
Duration = Annotated[str, StringConstraints(min_length=4, pattern=r"^PT(\d+H)?([1-5]?\dM)?([1-5]?\dS)?$")]
Grams = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? g$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Person(Strict):
    type: Literal["Person"] = Field(alias="@type")
    name: Text


class HowToStep(Strict):
    type: Literal["HowToStep"] = Field(alias="@type")
    position: int = Field(ge=1)
    text: Text


class HowToTool(Strict):
    type: Literal["HowToTool"] = Field(alias="@type")
    name: Text


class NutritionInformation(Strict):
    type: Literal["NutritionInformation"] = Field(alias="@type")
    calories: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? kcal$")] | None = None
    proteinContent: Grams | None = None
    fatContent: Grams | None = None
    carbohydrateContent: Grams | None = None


class SchemaRecipe(Strict):
    """What schema.org/Recipe and Google's recipe results expect, as far as we use it; nothing else may stand there."""

    context: Literal["https://schema.org"] = Field(alias="@context")
    type: Literal["Recipe"] = Field(alias="@type")
    name: Text
    description: Text | None = None
    inLanguage: Text | None = None
    image: Annotated[list[AnyHttpUrl], Field(min_length=1)] | None = None
    author: Person | None = None
    url: AnyHttpUrl | None = None
    prepTime: Duration | None = None
    cookTime: Duration | None = None
    totalTime: Duration | None = None
    recipeYield: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?$")] | None = None
    recipeCuisine: Text | None = None
    keywords: Text | None = None
    tool: Annotated[list[HowToTool], Field(min_length=1)] | None = None
    recipeIngredient: Annotated[list[Text], Field(min_length=1)] | None = None
    recipeInstructions: Annotated[list[HowToStep], Field(min_length=1)] | None = None
    nutrition: NutritionInformation | None = None


def test_a_whole_recipe() -> None:
    """All that is known of a recipe stands where search engines and recipe managers look for it."""
    text = recipe_jsonld(SOUP, IMAGE)
    SchemaRecipe.model_validate_json(text)
    document = json.loads(text)

    assert document["name"] == "Kürbissuppe"
    assert document["image"] == [IMAGE]
    assert document["author"] == {"@type": "Person", "name": "Küchenfee"}
    assert document["recipeYield"] == "4"
    assert [document[name] for name in ("prepTime", "cookTime", "totalTime")] == ["PT15M", "PT30M", "PT1H30M30S"]
    assert document["recipeIngredient"] == [
        "1,5 kg Kürbis",
        "2 Zwiebeln, fein gehackt",
        "1½ TL Ingwer",
        "2–3 Zehen Knoblauch",
        "Salz",
        "1 Handvoll Kürbiskerne",
    ]
    assert document["recipeInstructions"][1] == {"@type": "HowToStep", "position": 2, "text": "Kochen und pürieren."}
    assert document["nutrition"] == {
        "@type": "NutritionInformation",
        "calories": "320 kcal",
        "proteinContent": "6.5 g",
    }


@pytest.mark.parametrize("recipe", [HOSTILE, Recipe(ingredients=[Ingredient(name="salt")])])
def test_what_is_unknown_or_strange_leaves_a_valid_document(recipe: Recipe) -> None:
    """What the video does not tell is left out, and no text of a stranger breaks the document or the page around it."""
    text = recipe_jsonld(recipe, None)
    document = SchemaRecipe.model_validate_json(text)

    assert document.image is None
    assert "<" not in text


@given(st.integers(1, 10**6))
def test_durations_are_told_exactly(seconds: int) -> None:
    """No second is lost or gained in the ISO 8601 form."""
    text = iso_duration(seconds / 60)
    assert text is not None
    size, total, digits = {"H": 3600, "M": 60, "S": 1}, 0, ""
    for sign in text.removeprefix("PT"):
        if sign in size:
            total, digits = total + size[sign] * int(digits), ""
        else:
            digits += sign
    assert total == seconds


@pytest.mark.parametrize(
    ("minutes", "text"), [(None, None), (0, None), (30, "PT30M"), (60, "PT1H"), (0.5, "PT30S"), (1501, "PT25H1M")]
)
def test_durations(minutes: float | None, text: str | None) -> None:
    """Times are written as search engines read them."""
    assert iso_duration(minutes) == text
