"""The kind `recipe`: what is cooked, from what, and how."""

from __future__ import annotations

from statistics import fmean

from pydantic import BaseModel

from shared.analyses.evidence import Evidence, ground_sighting, nearest_frame
from shared.analyses.kinds import Kind
from shared.models.recipe import Recipe

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


def complete(result: BaseModel, evidence: Evidence, language: str) -> Recipe:
    """The model's recipe with everything that must come from stored data taken from there."""
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
    return recipe


def thumbnail_name(recipe: Recipe, evidence: Evidence) -> str | None:
    """Media name of the stored frame that shows the dish best, by the model's word; else of the video's thumbnail."""
    time = recipe.best_frame_time
    best = nearest_frame(time, evidence) if time is not None else None
    return best or (evidence.thumbnail.name if evidence.thumbnail else None)


KIND = Kind(
    name="recipe",
    does="Title, ingredients with amounts, steps, times and servings of a cooking video.",
    stages=("extract", "transcribe", "analyze", "persist"),
    schema=Recipe,
    prompt=PROMPT,
    prompt_version="3",
    complete=complete,
    reads_text=True,
    collection="recipes",
)
