"""Recipes as schema.org JSON-LD."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints

from shared.analyses.recipe import Ingredient, Recipe, RecipeYield
from shared.exports.recipe import RecipeLinks, embed_url, iso_duration, recipe_jsonld
from tests.unit.exports.samples import HOSTILE, SOUP

IMAGE = "https://example.com/thumbnail.jpg"
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False)]
Duration = Annotated[str, StringConstraints(min_length=4, pattern=r"^PT(\d+H)?([1-5]?\dM)?([1-5]?\dS)?$")]
Yield = Annotated[str, StringConstraints(pattern=r"^[\d.½¼¾]+( \w.*)?$")]
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


class VideoObject(Strict):
    """Google requires name, thumbnail and upload date of a video, and recommends the rest."""

    type: Literal["VideoObject"] = Field(alias="@type")
    name: Text
    description: Text | None = None
    thumbnailUrl: Annotated[list[AnyHttpUrl], Field(min_length=1)]
    uploadDate: datetime
    duration: Duration | None = None
    contentUrl: AnyHttpUrl | None = None
    embedUrl: AnyHttpUrl | None = None


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
    recipeYield: Yield | list[Yield] | None = None
    recipeCuisine: Text | None = None
    keywords: Text | None = None
    tool: Annotated[list[HowToTool], Field(min_length=1)] | None = None
    recipeIngredient: Annotated[list[Text], Field(min_length=1)] | None = None
    recipeInstructions: Annotated[list[HowToStep], Field(min_length=1)] | None = None
    nutrition: NutritionInformation | None = None
    datePublished: datetime | None = None
    video: VideoObject | None = None


def test_a_whole_recipe() -> None:
    """All that is known of a recipe stands where search engines and recipe managers look for it."""
    text = recipe_jsonld(SOUP, RecipeLinks(image=IMAGE))
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
    text = recipe_jsonld(recipe, RecipeLinks())
    document = SchemaRecipe.model_validate_json(text)

    assert document.image is None
    assert "<" not in text


WHEN = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
SHARED = RecipeLinks(
    image=IMAGE,
    content_url="https://example.com/v1/shared/t/videos/1/source",
    published=WHEN,
    uploaded=WHEN,
    duration_sec=19.6,
    caption="Soup for autumn.",
)


def test_a_shared_recipe_has_all_that_search_engines_ask_of_a_recipe_with_a_video() -> None:
    """A search engine that reads the document finds every required field of recipe and video, with times in UTC."""
    document = json.loads(recipe_jsonld(SOUP, SHARED))
    SchemaRecipe.model_validate(document)

    assert document.keys() >= {"name", "image", "author", "datePublished", "recipeYield", "video"}
    assert document["datePublished"] == "2026-02-03T04:05:06+00:00"
    assert document["video"] == {
        "@type": "VideoObject",
        "name": "Kürbissuppe",
        "description": document.get("description", "Soup for autumn."),
        "thumbnailUrl": [IMAGE],
        "uploadDate": "2026-02-03T04:05:06+00:00",
        "duration": "PT20S",
        "contentUrl": "https://example.com/v1/shared/t/videos/1/source",
    }


@pytest.mark.parametrize("unknown", ["image", "uploaded", "content_url"])
def test_a_video_without_a_required_fact_is_omitted(unknown: str) -> None:
    """No date or address is invented: a video that search engines would reject is left out."""
    assert "video" not in json.loads(recipe_jsonld(SOUP, replace(SHARED, **{unknown: None})))


@pytest.mark.parametrize(
    ("page", "player"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3", "https://www.youtube.com/embed/dQw4w9WgXcQ"),
        ("https://youtu.be/dQw4w9WgXcQ", "https://www.youtube.com/embed/dQw4w9WgXcQ"),
        ("https://youtube.com/shorts/dQw4w9WgXcQ", "https://www.youtube.com/embed/dQw4w9WgXcQ"),
        (
            "https://www.tiktok.com/@cook/video/7106594312292453675",
            "https://www.tiktok.com/player/v1/7106594312292453675",
        ),
        ("https://example.com/watch?v=dQw4w9WgXcQ", None),
        (None, None),
    ],
)
def test_a_video_of_a_platform_plays_in_its_player(page: str | None, player: str | None) -> None:
    """A reader of the recipe can play the video where its author published it."""
    assert embed_url(page) == player


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


def test_servings_and_yield_are_both_stated() -> None:
    """An importer finds the servings first, and what the recipe makes beside them."""
    muffins = RecipeYield(amount=12, unit="muffins")
    texts = [
        json.loads(recipe_jsonld(Recipe(title="Muffins", servings=servings, yield_=muffins), RecipeLinks()))[
            "recipeYield"
        ]
        for servings in (None, 6)
    ]
    assert texts == ["12 muffins", ["6", "12 muffins"]]
