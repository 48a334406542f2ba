"""One recipe out of what stands on the screen, what is said and what the caption tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean
from typing import Literal

from shared.ai.offline.language.detect import detect
from shared.ai.offline.language.lexicon import LANGUAGES, Lexicon, lexicon
from shared.ai.offline.language.text import tidy
from shared.ai.offline.language.tokens import tokenize
from shared.ai.offline.recipe.facts import Facts
from shared.ai.offline.recipe.lines import CAPTION_CONFIDENCE, Line, caption_lines, spoken_lines
from shared.ai.offline.recipe.merge import merged_ingredients, merged_steps
from shared.ai.offline.recipe.notes import notes_on
from shared.ai.offline.recipe.reading import Reading, read_lines
from shared.ai.offline.recipe.titles import title_in_text, title_on_screen
from shared.ai.offline.recipe.wrapping import screen_lines
from shared.ai.screen.line import ScreenLine
from shared.languages import primary_language
from shared.models.recipe import Ingredient, Nutrition, Recipe, Sighting, Step
from shared.models.video import Segment

DEFAULT_LANGUAGE = "en"
MIN_LIST = 3
"""From so many entries on, a list is taken to be whole: foods that are only named add nothing to it."""
MAX_DESCRIPTION = 500


def parse_recipe(
    screen: Sequence[ScreenLine] = (),
    transcript: Sequence[Segment] = (),
    caption: str | None = None,
    *,
    title: str | None = None,
    language: str = DEFAULT_LANGUAGE,
    transcript_language: str | None = None,
    transcript_source: Literal["subtitle", "speech"] = "subtitle",
    unread: bool = False,
) -> Recipe:
    """The recipe that the sources tell, in their own words; what none of them tells stays empty.

    Each source is read in the language it is in; `language` and `transcript_language` (BCP-47) only decide where the
    words do not. Trust: screen before caption before speech. `unread`: there was text that could not be read.
    """
    hint = primary_language(language)
    on_screen = tongue_of((line.text for line in screen), hint)
    written = tongue_of((caption or "", title or ""), hint)
    spoken = tongue_of((segment.text for segment in transcript), primary_language(transcript_language) or hint)
    lines = screen_lines(screen, on_screen)
    seen = read_lines(lines, on_screen)
    told = read_lines(caption_lines(caption, written), written)
    said = read_lines(spoken_lines(transcript, transcript_source, spoken), spoken, spoken=True)
    sources = [seen, told, said]
    main = max(sources, key=weight).tongue
    ingredients = ingredients_of(sources, main)
    steps = steps_of(sources, main)
    heading, heading_seen = heading_of(title_on_screen(seen.prose, lines), title, told)
    if not names_food([heading or "", *(one.name for one in ingredients), *(step.text for step in steps)], sources):
        ingredients, steps = [], []
    facts = Facts()
    for source in sources:
        facts.fill(source.facts)
    texts = [caption or "", title or "", *(line.text for line in screen), *(segment.text for segment in transcript)]
    known = detect(texts, hint) is not None
    found = [heading_seen, *(one.seen for one in ingredients), *(step.seen for step in steps)]
    sightings = [sighting for sighting in found if sighting]
    recipe = Recipe(
        title=heading,
        title_seen=heading_seen,
        description=description(told.prose, heading),
        language=main.code if sightings and known else None,
        ingredients=ingredients,
        steps=steps,
        prep_minutes=facts.prep_minutes,
        cook_minutes=facts.cook_minutes,
        total_minutes=facts.total_minutes,
        servings=facts.servings,
        difficulty=facts.difficulty,
        cuisine=facts.cuisine,
        nutrition=nutrition(facts),
        tags=unique(tag for source in sources for tag in source.tags),
        equipment=unique(thing for source in sources for thing in source.equipment),
        confidence=round(mean(one.confidence for one in sightings), 3) if sightings else 0,
    )
    others = {source.tongue for source in sources if source.tongue is not main and weight(source)}
    recipe.notes = notes_on(
        recipe, main if recipe.language else None, hint, unread, sorted(others, key=lambda one: one.name)
    )
    return recipe


def tongue_of(texts: Iterable[str], hint: str | None) -> Lexicon:
    """The lexicon for some texts; the hint's, else English, where their words do not tell."""
    fallback = hint if hint in LANGUAGES else DEFAULT_LANGUAGE
    return lexicon(detect(texts, hint) or fallback)


def weight(source: Reading) -> int:
    """How much of a recipe a source tells; a list counts more than what is named in passing."""
    return 2 * len(source.ingredients) + len(source.mentioned) + len(source.steps)


def ingredients_of(sources: Sequence[Reading], main: Lexicon) -> list[Ingredient]:
    """Lists first, then what is only named. Sources in another language count only when the main one has none."""
    chosen = [source for source in sources if source.tongue is main and (source.ingredients or source.mentioned)]
    chosen = chosen or [max(sources, key=weight)]
    tongue = chosen[0].tongue
    listed = merged_ingredients([source.ingredients for source in chosen], tongue)
    named = [source.mentioned for source in chosen]
    if len(listed) >= MIN_LIST:
        named = [[one for one in mentioned if one.amount is not None or one.note] for mentioned in named]
    return merged_ingredients([listed, *named], tongue)


def steps_of(sources: Sequence[Reading], main: Lexicon) -> list[Step]:
    chosen = [source for source in sources if source.tongue is main and source.steps]
    chosen = chosen or [max(sources, key=lambda source: len(source.steps))]
    return merged_steps([source.steps for source in chosen], chosen[0].tongue)


def names_food(texts: Iterable[str], sources: Sequence[Reading]) -> bool:
    """Whether a known food is named at all: `bench press 100 kg` and `take the brush` are no recipe."""
    return any(source.tongue.names_food(tokenize(text)) for text in texts for source in sources)


def heading_of(shown: Line | None, given: str | None, told: Reading) -> tuple[str, Sighting] | tuple[None, None]:
    """The title: from the screen, else as the source of the video gives it, else the start of the caption."""
    if shown:
        return shown.text, shown.sighting()
    first = told.prose[0].text if told.prose else ""
    for text in (tidy(given or ""), first):
        if found := title_in_text(text, told.tongue):
            return found, Sighting(source="caption", text=text, confidence=CAPTION_CONFIDENCE)
    return None, None


def description(prose: Sequence[Line], title: str | None) -> str | None:
    """The prose of the caption, but for the title."""
    texts = [line.text for line in prose if not title or title not in line.text]
    return " ".join(texts)[:MAX_DESCRIPTION].strip() or None


def nutrition(facts: Facts) -> Nutrition | None:
    found = Nutrition(
        calories_kcal=facts.calories_kcal,
        protein_g=facts.protein_g,
        fat_g=facts.fat_g,
        carbohydrates_g=facts.carbohydrates_g,
    )
    return found if found.model_dump(exclude_none=True) else None


def unique(texts: Iterable[str]) -> list[str]:
    """In their order, the first of those that differ only in case."""
    return list({text.casefold(): text for text in reversed(list(texts))}.values())[::-1]
