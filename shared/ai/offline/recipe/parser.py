"""Parse one recipe from on-screen text, transcript and caption, with its title and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, median
from typing import Literal

from shared.ai.offline.language.lexicon import LANGUAGES, Lexicon, detect_language, load_lexicon
from shared.ai.offline.language.tables import tokenize, words
from shared.ai.offline.recipe.draft import RecipeDraft, parse_lines, parse_speech
from shared.ai.offline.recipe.facts import RecipeFacts
from shared.ai.offline.recipe.line_kind import HANDLE, HASHTAG
from shared.ai.offline.recipe.lines import (
    CAPTION_CONFIDENCE,
    RecipeLine,
    caption_lines,
    speech_lines,
    split_sentences,
)
from shared.ai.offline.recipe.merge import merge_ingredients, merge_steps
from shared.ai.offline.recipe.screen_lines import is_right_below, join_lines, screen_lines
from shared.ai.offline.recipe.spoken import spoken_lines, spoken_title
from shared.ai.offline.recipe.text import normalize_text
from shared.ai.screen.lines import ScreenLine
from shared.analyses.evidence import Sighting
from shared.analyses.recipe import Ingredient, Nutrition, Recipe, Step
from shared.languages import primary_language
from shared.models.video import Segment

DEFAULT_LANGUAGE = "en"
MIN_LIST = 3
"""From so many entries on, a list counts as complete: foods named without an amount add nothing to it."""
MAX_DESCRIPTION = 500
MAX_TITLE_WORDS = 12
EARLY_SEC, EARLY_SHARE = 6.0, 0.25
"""A title appears in the first seconds, or the first quarter of a video."""
STANDS_OUT = 1.3
"""How many times as high as the median line a later title must be."""
EDGES = " .!-–|:•*\"'"
EXTRACTED_OFFLINE = (
    "Extracted by the offline provider from on-screen text, speech or subtitles, and caption; no model analyzed the "
    "images."
)
NO_RECIPE = "No recipe was found: no on-screen text, speech, subtitle or caption names ingredients or steps."
UNREAD = (
    "Cyrillic on-screen text could not be read. Run `clipwise models install screen-cyrillic`, or install Tesseract"
    " with Russian; then run the job again."
)


def parse_recipe(
    screen: Sequence[ScreenLine] = (),
    transcript: Sequence[Segment] = (),
    caption: str | None = None,
    *,
    title: str | None = None,
    language: str = DEFAULT_LANGUAGE,
    transcript_language: str | None = None,
    transcript_source: Literal["subtitle", "speech"] = "subtitle",
    transcript_model: str | None = None,
    unread: bool = False,
) -> Recipe:
    """Parse a recipe from the sources, in their own words; fields that no source has stay empty.

    Each source is parsed in its own language; `language` and `transcript_language` (BCP-47) only decide if its words do
    not. Priority: screen, caption, speech. `transcript_model`: what
    recognized the speech. `unread`: the screen had text that could not be read.
    """
    hint = primary_language(language)
    screen_lexicon = detect_lexicon((line.text for line in screen), hint)
    caption_lexicon = detect_lexicon((caption or "", title or ""), hint)
    speech_lexicon = detect_lexicon(
        (segment.text for segment in transcript), primary_language(transcript_language) or hint
    )
    lines = screen_lines(screen, screen_lexicon)
    screen_draft = parse_lines(lines, screen_lexicon)
    caption_draft = parse_lines(caption_lines(caption, caption_lexicon), caption_lexicon)
    clauses = transcript_lines(transcript, transcript_source, speech_lexicon)
    speech_draft = parse_speech(clauses, speech_lexicon)
    sources = [screen_draft, caption_draft, speech_draft]
    main_lexicon = max(sources, key=draft_weight).lexicon
    ingredients = choose_ingredients(sources, main_lexicon)
    steps = choose_steps(sources, main_lexicon)
    spoken = spoken_title(clauses, speech_lexicon) if transcript_source == "speech" else None
    heading, heading_sighting = choose_title(title_on_screen(screen_draft.prose, lines), title, caption_draft, spoken)
    if not has_food([heading or "", *(item.name for item in ingredients), *(step.text for step in steps)], sources):
        ingredients, steps = [], []
    facts = RecipeFacts()
    for source in sources:
        facts.fill_missing(source.facts)
    texts = [caption or "", title or "", *(line.text for line in screen), *(segment.text for segment in transcript)]
    has_language = detect_language(texts, hint) is not None
    possible_sightings = [heading_sighting, *(item.seen for item in ingredients), *(step.seen for step in steps)]
    sightings = [sighting for sighting in possible_sightings if sighting]
    recipe = Recipe(
        title=heading,
        title_seen=heading_sighting,
        description=caption_description(caption_draft.prose, heading),
        language=main_lexicon.code if sightings and has_language else None,
        ingredients=ingredients,
        steps=steps,
        prep_minutes=facts.prep_minutes,
        cook_minutes=facts.cook_minutes,
        total_minutes=facts.total_minutes,
        servings=facts.servings,
        yield_=facts.yield_,
        difficulty=facts.difficulty,
        cuisine=facts.cuisine,
        nutrition=nutrition_from_facts(facts),
        tags=unique_texts(tag for source in sources for tag in source.tags),
        equipment=unique_texts(thing for source in sources for thing in source.equipment),
        confidence=round(mean(item.confidence for item in sightings), 3) if sightings else 0,
    )
    others = {source.lexicon for source in sources if source.lexicon is not main_lexicon and draft_weight(source)}
    recipe.notes = recipe_notes(
        recipe, main_lexicon if recipe.language else None, hint, unread, sorted(others, key=lambda item: item.name)
    )
    if transcript and transcript_source == "speech":
        recipe.notes.insert(1, speech_note(transcript_model))
    return recipe


def transcript_lines(
    transcript: Sequence[Segment], source: Literal["subtitle", "speech"], lexicon: Lexicon
) -> list[RecipeLine]:
    """Return the sentences of subtitles, or the clauses of recognized speech."""
    return spoken_lines(transcript, lexicon) if source == "speech" else speech_lines(transcript, source, lexicon)


def detect_lexicon(texts: Iterable[str], hint: str | None) -> Lexicon:
    """Return the lexicon for texts; if their words do not decide, that of the hint, else English."""
    fallback = hint if hint in LANGUAGES else DEFAULT_LANGUAGE
    return load_lexicon(detect_language(texts, hint) or fallback)


def draft_weight(source: RecipeDraft) -> int:
    """Return how much of a recipe a source has; ingredients in lists count twice those in sentences."""
    return 2 * len(source.ingredients) + len(source.mentioned) + len(source.steps)


def choose_ingredients(sources: Sequence[RecipeDraft], main: Lexicon) -> list[Ingredient]:
    """Merge lists, then mentions. Sources in another language count only if the main language has none."""
    chosen = [source for source in sources if source.lexicon is main and (source.ingredients or source.mentioned)]
    chosen = chosen or [max(sources, key=draft_weight)]
    lexicon = chosen[0].lexicon
    from_lists = merge_ingredients([source.ingredients for source in chosen], lexicon)
    mentioned_lists = [source.mentioned for source in chosen]
    if len(from_lists) >= MIN_LIST:
        mentioned_lists = [
            [ingredient for ingredient in mentioned if ingredient.amount is not None or ingredient.note]
            for mentioned in mentioned_lists
        ]
    return merge_ingredients([from_lists, *mentioned_lists], lexicon)


def choose_steps(sources: Sequence[RecipeDraft], main: Lexicon) -> list[Step]:
    chosen = [source for source in sources if source.lexicon is main and source.steps]
    chosen = chosen or [max(sources, key=lambda source: len(source.steps))]
    return merge_steps([source.steps for source in chosen], chosen[0].lexicon)


def has_food(texts: Iterable[str], sources: Sequence[RecipeDraft]) -> bool:
    """Return True if any text names a known food: `bench press 100 kg` and `take the brush` are no recipe."""
    return any(source.lexicon.has_food(tokenize(text)) for text in texts for source in sources)


def choose_title(
    screen_title: RecipeLine | None,
    source_title: str | None,
    caption_draft: RecipeDraft,
    spoken: RecipeLine | None = None,
) -> tuple[str, Sighting] | tuple[None, None]:
    """Return the title: from the screen, else from the source of the video, the start of the caption, or the speech."""
    if screen_title:
        return screen_title.text, screen_title.sighting()
    first = caption_draft.prose[0].text if caption_draft.prose else ""
    for text in (normalize_text(source_title or ""), first):
        if title := title_in_text(text, caption_draft.lexicon):
            return title, Sighting(source="caption", text=text, confidence=CAPTION_CONFIDENCE)
    return (spoken.text, spoken.sighting()) if spoken else (None, None)


def title_on_screen(prose: Sequence[RecipeLine], lines: Sequence[RecipeLine]) -> RecipeLine | None:
    """Return the largest early line that is prose, joined with the lines that continue it."""
    if not prose:
        return None
    usual = median(line.height for line in lines)
    early = max(EARLY_SEC, EARLY_SHARE * max(line.end or 0 for line in lines))
    candidates = [
        line
        for line in join_title_lines(prose)
        if 1 <= len(words(line.text)) <= MAX_TITLE_WORDS
        and not line.text.endswith((",", ":", "?"))
        and line.height >= (1 if (line.start or 0) <= early else STANDS_OUT) * usual * 0.9
    ]
    return max(candidates, key=lambda line: (round(line.height / usual, 1), -(line.start or 0)), default=None)


def join_title_lines(prose: Sequence[RecipeLine]) -> list[RecipeLine]:
    """Join lines of one size that are right below each other."""
    titles: list[RecipeLine] = []
    for line in prose:
        if titles and titles[-1].overlaps(line) and is_right_below(titles[-1], line):
            titles[-1] = join_lines(titles[-1], line)
        else:
            titles.append(line)
    return titles


def title_in_text(text: str, lexicon: Lexicon) -> str | None:
    """Return the first sentence of a text, without tags and handles, if it is short enough for a title."""
    plain = " ".join(HASHTAG.sub(" ", HANDLE.sub(" ", text)).split())
    first = split_sentences(plain, lexicon)[0].strip(EDGES)
    return first if 1 <= len(words(first)) <= MAX_TITLE_WORDS else None


def caption_description(prose: Sequence[RecipeLine], title: str | None) -> str | None:
    """Return the prose of the caption without the title."""
    texts = [line.text for line in prose if not title or title not in line.text]
    return " ".join(texts)[:MAX_DESCRIPTION].strip() or None


def recipe_notes(
    recipe: Recipe, lexicon: Lexicon | None, language: str | None, unread: bool, omitted: list[Lexicon]
) -> list[str]:
    """Return notes in English. `language`: the job's language; `omitted`: lexicons of sources that were left out."""
    notes = [EXTRACTED_OFFLINE]
    if lexicon:
        translation = "it does not translate" if lexicon.code == language else "the offline provider does not translate"
        notes.append(f"The text is in {lexicon.name}, as in the video; {translation}.")
    elif recipe.title or recipe.ingredients or recipe.steps:
        notes.append("The text does not seem to be in a supported language: English, German or Russian.")
    for other in omitted:
        notes.append(f"Text in {other.name} was omitted.")
    if unread:
        notes.append(UNREAD)
    if not (recipe.ingredients or recipe.steps):
        return [*notes, NO_RECIPE]
    missing = [
        name
        for name, value in (
            ("a title", recipe.title),
            ("ingredients", recipe.ingredients),
            ("steps", recipe.steps),
            ("servings", recipe.servings),
        )
        if not value
    ]
    if missing:
        notes.append(f"Not found in the video: {', '.join(missing)}.")
    bare = [
        ingredient.name for ingredient in recipe.ingredients if ingredient.amount is None and ingredient.note is None
    ]
    if bare:
        notes.append(f"No amount was found for: {', '.join(bare)}.")
    return notes


def speech_note(model: str | None) -> str:
    """Return the note on a transcript of speech, in which words may be wrong."""
    recognizer = f"by the model {model}" if model else "automatically"
    return f"The speech was recognized {recognizer}; check amounts against the video, because words may be misheard."


def nutrition_from_facts(facts: RecipeFacts) -> Nutrition | None:
    values = Nutrition(
        calories_kcal=facts.calories_kcal,
        protein_g=facts.protein_g,
        fat_g=facts.fat_g,
        carbohydrates_g=facts.carbohydrates_g,
    )
    return values if values.model_dump(exclude_none=True) else None


def unique_texts(texts: Iterable[str]) -> list[str]:
    """Return texts in order, without those that differ only in case from an earlier one."""
    return list({text.casefold(): text for text in reversed(list(texts))}.values())[::-1]
