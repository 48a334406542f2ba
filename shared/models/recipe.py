"""A recipe extracted from a video.

`readOnly` marks fields that Clipwise sets itself: AI providers are not asked for them, and their values are dropped.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shared.models.base import Model

READ_ONLY: dict[str, Any] = {"readOnly": True}


class Sighting(Model):
    """Where in the video something was found."""

    source: Literal["screen", "subtitle", "speech", "caption", "vision"]
    time: float | None = Field(None, description="Seconds; None for the caption, which has no time.")
    frame: str | None = Field(None, description="Media name of a frame that shows it.", json_schema_extra=READ_ONLY)
    text: str = Field("", description="The words as they were seen or heard.")
    confidence: float = Field(ge=0, le=1)


class Measure(Model):
    """A further measure of an ingredient: the `1 tbsp` of `1/4 cup + 1 tbsp`, the `240 g` of `2 cups (240 g)`."""

    amount: float
    amount_max: float | None = None
    unit: str | None = None
    relation: Literal["plus", "same"] = Field(
        description="`plus`: to be added to the first measure. `same`: the same amount in another unit."
    )


class Ingredient(Model):
    name: str
    amount: float | None = None
    amount_max: float | None = Field(None, description="Upper end of a range such as 2-3.")
    unit: str | None = Field(None, description="Normalised: g, kg, ml, l, tsp, tbsp, cup, oz, lb, piece, pinch, …")
    measures: list[Measure] = Field([], description="Further measures beside the first: `amount` and `unit`.")
    note: str | None = Field(None, description="E.g. `finely chopped`.")
    group: str | None = Field(None, description="Heading it stood under, e.g. `For the sauce`.")
    seen: Sighting | None = None


class Step(Model):
    number: int
    text: str
    minutes: float | None = None
    minutes_max: float | None = Field(None, description="Upper end of a range such as 25-30 minutes.")
    temperature_c: float | None = None
    seen: Sighting | None = None


class RecipeYield(Model):
    """How much the recipe makes, where it does not count servings: 12 muffins, 0.75 cup."""

    amount: float
    unit: str | None = Field(None, description="Normalised as for ingredients, or what is counted, e.g. `cookies`.")


class Nutrition(Model):
    calories_kcal: float | None = None
    protein_g: float | None = None
    fat_g: float | None = None
    carbohydrates_g: float | None = None


class Recipe(Model):
    """What is not in the video stays None or empty."""

    title: str | None = None
    description: str | None = None
    language: str | None = Field(
        None, description="BCP-47 tag of the text in this result.", json_schema_extra=READ_ONLY
    )
    ingredients: list[Ingredient] = []
    steps: list[Step] = []
    prep_minutes: float | None = None
    cook_minutes: float | None = None
    total_minutes: float | None = None
    servings: float | None = None
    yield_: RecipeYield | None = Field(None, alias="yield")
    difficulty: Literal["easy", "medium", "hard"] | None = None
    cuisine: str | None = None
    tags: list[str] = []
    equipment: list[str] = []
    nutrition: Nutrition | None = None
    source_url: str | None = Field(None, json_schema_extra=READ_ONLY)
    author: str | None = None
    thumbnail: str | None = Field(None, description="Media name.", json_schema_extra=READ_ONLY)
    best_frame_time: float | None = Field(
        None, exclude=True, description="Seconds; of the frame that shows the finished dish best, null if none does."
    )
    title_seen: Sighting | None = None
    confidence: float = Field(
        0, ge=0, le=1, description="Mean confidence of all ingredients and steps.", json_schema_extra=READ_ONLY
    )
    notes: list[str] = Field(
        [], description="Remarks for the reader, e.g. limits of the provider.", json_schema_extra=READ_ONLY
    )
