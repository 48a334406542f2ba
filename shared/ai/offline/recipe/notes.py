"""Notes for the reader of an offline recipe."""

from __future__ import annotations

from shared.ai.offline.language.lexicon import Lexicon
from shared.models.recipe import Recipe

EXTRACTED_OFFLINE = (
    "Extracted by the offline provider from on-screen text, subtitles and caption; no model analyzed the images."
)
NOTHING = "No recipe was found: no on-screen text, subtitle or caption names ingredients or steps."
UNREAD = (
    "Cyrillic on-screen text could not be read. Install Tesseract with Russian (packages tesseract-ocr and "
    "tesseract-ocr-rus), then run the job again."
)


def recipe_notes(
    recipe: Recipe, lexicon: Lexicon | None, language: str | None, unread: bool, omitted: list[Lexicon]
) -> list[str]:
    """Sentences in English. `wanted`: the job's language; `others`: languages of sources that were left out."""
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
        return [*notes, NOTHING]
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
