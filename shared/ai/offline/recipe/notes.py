"""Notes for the reader of an offline recipe."""

from __future__ import annotations

from shared.ai.offline.language.lexicon import Lexicon
from shared.models.recipe import Recipe

READ_BY = "Extracted by the offline provider from on-screen text, subtitles and caption; no model analyzed the images."
NOTHING = "No recipe was found: no on-screen text, subtitle or caption names ingredients or steps."
UNREAD = (
    "Cyrillic on-screen text could not be read. Install Tesseract with Russian (packages tesseract-ocr and "
    "tesseract-ocr-rus), then run the job again."
)


def notes_on(
    recipe: Recipe, tongue: Lexicon | None, wanted: str | None, unread: bool, others: list[Lexicon]
) -> list[str]:
    """Sentences in English. `wanted`: the job's language; `others`: languages of sources that were left out."""
    notes = [READ_BY]
    if tongue:
        translation = "it does not translate" if tongue.code == wanted else "the offline provider does not translate"
        notes.append(f"The text is in {tongue.name}, as in the video; {translation}.")
    elif recipe.title or recipe.ingredients or recipe.steps:
        notes.append("The text does not seem to be in a supported language: English, German or Russian.")
    for other in others:
        notes.append(f"Text in {other.name} was omitted.")
    if unread:
        notes.append(UNREAD)
    if not (recipe.ingredients or recipe.steps):
        return [*notes, NOTHING]
    missing = [
        name
        for name, found in (
            ("a title", recipe.title),
            ("ingredients", recipe.ingredients),
            ("steps", recipe.steps),
            ("servings", recipe.servings),
        )
        if not found
    ]
    if missing:
        notes.append(f"Not found in the video: {', '.join(missing)}.")
    bare = [one.name for one in recipe.ingredients if one.amount is None and one.note is None]
    if bare:
        notes.append(f"No amount was found for: {', '.join(bare)}.")
    return notes
