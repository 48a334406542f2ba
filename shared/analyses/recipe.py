"""The kind `recipe`: title, ingredients, steps, times and servings of a cooking video."""

from __future__ import annotations

from statistics import fmean
from typing import Literal

from pydantic import BaseModel, Field

from shared.analyses.evidence import Evidence, Sighting, ground_sighting, nearest_frame
from shared.analyses.kinds import Kind
from shared.analyses.transcript import GAP_SENTENCES
from shared.models import READ_ONLY, Model
from shared.wiring import ANALYZE, EXTRACT, PERSIST, TRANSCRIBE

PROMPT = """\
Take the recipe out of this cooking video: title, ingredients, steps, times, servings, equipment.

- List every ingredient once, with the amount and unit that the video gives. Normalise units to g, kg, ml, l, tsp, tbsp,
  cup, oz, lb, piece, pinch or the video's own word; do not convert between systems. A range such as 2-3 is an amount
  and an upper amount. `amount` and `unit` are the first measure; `measures` lists the others: `plus` is added to the
  first (1/4 cup + 1 tbsp), `same` is the same amount in another unit (2 cups (240 g)). An amount that is neither said
  nor shown is null: do not estimate it.
- Give the steps in the order of cooking, each one sentence or two, with its duration in minutes and its temperature in
  degrees Celsius where they are told; of 25-30 minutes, 30 is the upper end. Convert Fahrenheit to Celsius.
- Servings count portions or people. What the recipe makes otherwise, such as 12 muffins or 0.75 cup, is its yield.
- For the title, each ingredient and each step say where you found it: `screen` for words shown, `subtitle` or `speech`
  for words of the transcript, `caption` for the text posted with the video, `vision` for what is only seen; the time in
  seconds (null for the caption); the words as they were; and how sure you are, from 0 to 1.
- For the recipe's picture say at which time, of a key frame if there are any, the finished dish is seen best: whole,
  sharp, large, without hands or text in front of it. Null when it is never seen.
- Difficulty, cuisine and tags may be concluded from the rest. Nutrition only if the video tells it.
- A video without a recipe has empty lists and a null title.
"""


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


def complete(result: BaseModel, evidence: Evidence, language: str) -> Recipe:
    """Return the model's recipe with grounded sightings, and with the fields that come from stored data."""
    recipe = Recipe.model_validate(result)
    for number, step in enumerate(recipe.steps, start=1):
        step.number = number
        step.seen = ground_sighting(step.seen, evidence)
    for ingredient in recipe.ingredients:
        ingredient.seen = ground_sighting(ingredient.seen, evidence)
    recipe.title_seen = ground_sighting(recipe.title_seen, evidence) if recipe.title else None
    sightings = [ingredient.seen for ingredient in recipe.ingredients] + [step.seen for step in recipe.steps]
    confidences = [sighting.confidence if sighting else 0 for sighting in sightings]
    recipe.confidence = round(fmean(confidences), 3) if confidences else 0
    recipe.language = language
    recipe.author = evidence.author or recipe.author
    recipe.source_url = evidence.url
    recipe.thumbnail = thumbnail_name(recipe, evidence)
    recipe.notes = [] if confidences else ["No recipe was found in this video."]
    is_doubtful = not confidences or evidence.is_speech_unknown
    if is_doubtful and evidence.transcript_gap and not evidence.model_hears_audio:
        recipe.notes.append(GAP_SENTENCES[evidence.transcript_gap])
    return recipe


def thumbnail_name(recipe: Recipe, evidence: Evidence) -> str | None:
    """Return the media name of the frame that the model chose as the best of the dish, else of the thumbnail."""
    time = recipe.best_frame_time
    best = nearest_frame(time, evidence) if time is not None else None
    return best or (evidence.thumbnail.name if evidence.thumbnail else None)


KIND = Kind(
    name="recipe",
    does="Title, ingredients with amounts, steps, times and servings of a cooking video.",
    stages=(EXTRACT, TRANSCRIBE, ANALYZE, PERSIST),
    schema=Recipe,
    prompt=PROMPT,
    prompt_version="3",
    complete=complete,
    reads_text=True,
    is_empty=lambda result: not result.ingredients and not result.steps,
    collection="recipes",
)
