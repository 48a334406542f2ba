"""Hand-written results for the demo's video: recipe, reel analysis and summary.

For any other video they are wrong, and say so; their times are those of the demo's, scaled to its duration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from pydantic import BaseModel

from infra.demo.recipe import RECIPE, SCRIPT, ingredient_line, step_line
from shared.analyses.evidence import Sighting
from shared.analyses.recipe import Recipe
from shared.analyses.reel import KeyFactor, OriginalSpeech, Recommendation, Reel, Scene
from shared.analyses.summary import Chapter, KeyPoint, VideoSummary
from shared.models.video import TimeSpan

OPENING, FRESH, PANTRY, FIRST_STEP = range(4)
FRESH_COUNT = 4
"""Number of ingredients on the first panel."""
VISUALS = [
    ("The baked dish steams on the worktop.", "Starts with the result."),
    ("Tomatoes, feta and penne come to rest on a chopping board.", "From above; the card lies over it."),
    ("Cream, oil, spices and turning basil leaves.", "From above; a slow pan."),
    ("The light in the oven grows.", "The dial turns with it."),
    ("A spoon circles in the dish of tomatoes and feta.", "From above."),
    ("The dish bakes behind the oven's window.", "Steady; only the light moves."),
    ("Penne bob in a steaming pot.", "A pan upwards, with the steam."),
    ("Basil falls onto a bowl of pasta.", "Ends where the next meal begins."),
]
"""The picture of each shot, and a note on it."""


def disclaimer(language: str) -> str:
    return (
        f"Made up by a stand-in for an AI service, which has not looked at this video (asked for in “{language}”): "
        "this is what a real one could say of the demo's video."
    )


def shot_spans(duration_sec: float) -> list[TimeSpan]:
    """Return the time of each shot in a video of this duration."""
    scale = duration_sec / sum(line.seconds for line in SCRIPT)
    ends = [round(end * scale, 2) for end in accumulate(line.seconds for line in SCRIPT)]
    return [TimeSpan(start=start, end=end) for start, end in zip([0.0, *ends], ends, strict=False)]


def demo_recipe(duration_sec: float, language: str) -> Recipe:
    spans = shot_spans(duration_sec)
    cooked = RECIPE.model_copy(deep=True)
    cooked.description = disclaimer(language)
    for number, ingredient in enumerate(cooked.ingredients):
        shot = spans[FRESH if number < FRESH_COUNT else PANTRY]
        ingredient.seen = screen_sighting(shot, ingredient_line(ingredient))
    for number, step in enumerate(cooked.steps):
        step.seen = screen_sighting(spans[FIRST_STEP + number], step_line(step))
    cooked.title_seen = screen_sighting(spans[OPENING], str(cooked.title))
    cooked.prep_minutes, cooked.cook_minutes, cooked.difficulty = 10, 30, "easy"
    cooked.cuisine, cooked.tags, cooked.equipment = "Mediterranean", ["pasta", "vegetarian"], ["oven dish", "pot"]
    cooked.best_frame_time = span_middle(spans[-1])
    return cooked


def demo_reel(duration_sec: float, language: str) -> Reel:
    keys = [
        ("The dish comes first", "The finished dish steams in the opening shot, before a word of how it is made."),
        ("Everything at a glance", "Two cards name all eight ingredients with their amounts, three seconds each."),
        ("One step, one shot", "Each of the five steps has a shot of its own and one sentence, so nobody gets lost."),
        ("It never stands still", "Every picture pans or moves, and a cut comes every two to three seconds."),
        ("It ends on appetite", "The last shot serves the dish that the first one promised."),
    ]
    advice = [
        ("made up", disclaimer(language)),
        ("hook", "Say in the first second what it tastes like, not only what it is."),
        ("text", "Leave the cards a little longer: amounts are copied, not only read."),
        ("call to act", "Ask at the end who they would cook it for."),
    ]
    words = " ".join(line.text for line in SCRIPT)
    scenes = [
        Scene(start=shot.start, end=shot.end, visual=visual, text=line.text, note=note)
        for shot, line, (visual, note) in zip(shot_spans(duration_sec), SCRIPT, VISUALS, strict=True)
    ]
    return Reel(
        original=OriginalSpeech(transcription=words, translation=words),
        keys=[KeyFactor(title=title, description=description) for title, description in keys],
        script=scenes,
        recommendations=[Recommendation(category=category, text=text) for category, text in advice],
    )


def demo_summary(duration_sec: float, language: str) -> VideoSummary:
    spans = shot_spans(duration_sec)
    points = zip(spans[FIRST_STEP:], SCRIPT[FIRST_STEP:], strict=True)
    return VideoSummary(
        title=RECIPE.title,
        summary=f"{disclaimer(language)} Feta and tomatoes are baked in the oven, "
        "then mixed with penne, cream and herbs.",
        key_points=[KeyPoint(text=line.text, start=shot.start) for shot, line in points],
        chapters=[
            Chapter(title="The dish", start=spans[OPENING].start),
            Chapter(title="Ingredients", start=spans[FRESH].start),
            Chapter(title="Cooking", start=spans[FIRST_STEP].start),
        ],
    )


def screen_sighting(shot: TimeSpan, text: str) -> Sighting:
    return Sighting(source="screen", time=span_middle(shot), text=text, confidence=0.95)


def span_middle(shot: TimeSpan) -> float:
    return round((shot.start + shot.end) / 2, 2)


DEMO_ANSWERS: Sequence[tuple[type[BaseModel], Callable[[float, str], BaseModel]]] = (
    (Recipe, demo_recipe),
    (Reel, demo_reel),
    (VideoSummary, demo_summary),
)
"""Hand-written results by the result's model."""
