"""A recipe as CommonMark, as an HTML page for printing, and as schema.org/Recipe in JSON-LD."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import groupby
from typing import Any

from shared.analyses.recipe import Ingredient, Nutrition, Recipe
from shared.exports.markup import escape_html, escape_markdown, html_document, plain_text, safe_url
from shared.exports.quantities import (
    format_quantity,
    format_yield,
    ingredient_line,
    ingredient_name,
    nutrient_texts,
    recipe_facts,
)
from shared.exports.wording import ENGLISH_RECIPE, RecipeWording, recipe_wording

PLAYERS = (
    (
        re.compile(r"https?://(?:(?:www\.|m\.)?youtube\.com/(?:watch\?(?:.*&)?v=|shorts/)|youtu\.be/)([\w-]{11})\b"),
        "https://www.youtube.com/embed/",
    ),
    (re.compile(r"https?://(?:www\.)?tiktok\.com/@[\w.-]+/video/(\d+)"), "https://www.tiktok.com/player/v1/"),
)
"""Pages of videos, and the players of their platforms that other sites may embed."""


def recipe_markdown(recipe: Recipe) -> str:
    """Write a recipe as CommonMark, without a picture, because a link to it would soon expire."""
    words = recipe_wording(recipe.language)
    fact_texts = [
        f"**{label}:** {escape_markdown(text)}" if label else escape_markdown(text)
        for label, text in recipe_facts(recipe, words)
    ]
    blocks = [
        f"# {escape_markdown(recipe.title or '') or words.recipe}",
        escape_markdown(recipe.description or ""),
        " · ".join(fact_texts),
        f"## {words.ingredients}" if recipe.ingredients else "",
    ]
    for heading, members in groupby(recipe.ingredients, key=lambda ingredient: ingredient.group):
        blocks += [
            f"### {escape_markdown(heading)}" if heading else "",
            _bullet_list(ingredient_line(member, words) for member in members),
        ]
    if recipe.steps:
        steps = [f"{count}. {escape_markdown(step.text)}" for count, step in enumerate(recipe.steps, start=1)]
        blocks += [f"## {words.steps}", "\n".join(steps)]
    for heading, items in (
        (words.equipment, recipe.equipment),
        (words.nutrition, nutrient_texts(recipe.nutrition, words)),
        (words.notes, recipe.notes),
    ):
        if items:
            blocks += [f"## {heading}", _bullet_list(items)]
    if recipe.author:
        blocks.append(f"{words.author}: {escape_markdown(recipe.author)}")
    if link := safe_url(recipe.source_url):
        blocks.append(f"{words.source}: <{link}>")
    return "\n\n".join(filter(None, blocks)) + "\n"


def _bullet_list(items: Iterable[str]) -> str:
    return "\n".join(f"- {escape_markdown(item)}" for item in items)


def recipe_page(recipe: Recipe, picture: bytes | None) -> str:
    """Write a recipe as an HTML page in one column, which prints on A4.

    Args:
        picture: JPEG beside the title.
    """
    words = recipe_wording(recipe.language)
    title = escape_html(recipe.title or "") or words.recipe
    body = [
        "<header>",
        f'<img src="data:image/jpeg;base64,{b64encode(picture).decode()}" alt="">' if picture else "",
        f"<h1>{title}</h1>",
        f"<p>{escape_html(recipe.description)}</p>" if recipe.description else "",
        _facts_list(recipe, words),
        "</header>",
        *_ingredient_lists(recipe.ingredients, words),
        *_section(words.steps, "<ol>", (step.text for step in recipe.steps), "</ol>"),
        *_section(words.equipment, '<ul class="line">', recipe.equipment, "</ul>"),
        *_section(words.nutrition, '<ul class="line">', nutrient_texts(recipe.nutrition, words), "</ul>"),
        *_section(words.notes, '<ul class="notes">', recipe.notes, "</ul>"),
        _footer(recipe, words),
    ]
    return html_document(title, recipe.language, body)


def _facts_list(recipe: Recipe, words: RecipeWording) -> str:
    items = [
        f"<li>{label} <b>{escape_html(text)}</b></li>" if label else f"<li>{escape_html(text)}</li>"
        for label, text in recipe_facts(recipe, words)
    ]
    return f'<ul class="facts">{"".join(items)}</ul>' if items else ""


def _ingredient_lists(ingredients: list[Ingredient], words: RecipeWording) -> Iterable[str]:
    if ingredients:
        yield f"<h2>{words.ingredients}</h2>"
    for heading, members in groupby(ingredients, key=lambda ingredient: ingredient.group):
        if heading:
            yield f"<h3>{escape_html(heading)}</h3>"
        yield '<ul class="ingredients">'
        for member in members:
            amount, name = escape_html(format_quantity(member, words)), escape_html(ingredient_name(member))
            yield f'<li><span class="amount">{amount}</span><span>{name}</span></li>'
        yield "</ul>"


def _section(heading: str, opening: str, items: Iterable[str], closing: str) -> list[str]:
    """Return the HTML of a section; empty without items."""
    rows = [f"<li>{escape_html(item)}</li>" for item in items]
    return [f"<h2>{heading}</h2>", opening, *rows, closing] if rows else []


def _footer(recipe: Recipe, words: RecipeWording) -> str:
    author = f"{words.author}: {escape_html(recipe.author)}" if recipe.author else ""
    link = escape(safe_url(recipe.source_url) or "")
    source = f'{words.source}: <a href="{link}" rel="noopener noreferrer">{link}</a>' if link else ""
    return f"<footer>{' · '.join(filter(None, (author, source)))}</footer>" if author or source else ""


@dataclass(frozen=True)
class RecipeLinks:
    """What the document of a recipe says about its picture and its video.

    Attributes:
        image: Absolute URL of the picture.
        content_url: Absolute URL of the video file.
        embed_url: Absolute URL of a platform's player.
        published: When the recipe was published.
        uploaded: When the video was.
        caption: Text that describes the video.
    """

    image: str | None = None
    content_url: str | None = None
    embed_url: str | None = None
    published: datetime | None = None
    uploaded: datetime | None = None
    duration_sec: float | None = None
    caption: str | None = None


def recipe_jsonld(recipe: Recipe, links: RecipeLinks) -> str:
    """Write a recipe as JSON-LD, as Google's recipe results require. Omits fields that are unknown.

    See https://developers.google.com/search/docs/appearance/structured-data/recipe.
    """
    words = recipe_wording(recipe.language)
    document = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": plain_text(recipe.title or "") or words.recipe,
        "description": plain_text(recipe.description or ""),
        "inLanguage": recipe.language,
        "image": [links.image] if links.image else [],
        "datePublished": links.published.isoformat() if links.published else None,
        "author": {"@type": "Person", "name": plain_text(recipe.author)} if recipe.author else None,
        "url": safe_url(recipe.source_url),
        "prepTime": iso_duration(recipe.prep_minutes),
        "cookTime": iso_duration(recipe.cook_minutes),
        "totalTime": iso_duration(recipe.total_minutes),
        # Importers accept a number in any language, but not every importer accepts a decimal comma.
        "recipeYield": _yield_texts(recipe, words),
        "recipeCuisine": plain_text(recipe.cuisine or ""),
        "keywords": ", ".join(plain_text(tag) for tag in recipe.tags),
        "tool": [{"@type": "HowToTool", "name": plain_text(tool)} for tool in recipe.equipment],
        "recipeIngredient": [plain_text(ingredient_line(ingredient, words)) for ingredient in recipe.ingredients],
        "recipeInstructions": [
            {"@type": "HowToStep", "position": step.number, "text": plain_text(step.text)} for step in recipe.steps
        ],
        "nutrition": _nutrition_document(recipe.nutrition),
        "video": _video_document(recipe, links),
    }
    text = json.dumps(_drop_empty(document), ensure_ascii=False, indent=2)
    # Pages embed this in a <script> element, which no text in it may close.
    return text.replace("<", "\\u003c")


def _yield_texts(recipe: Recipe, words: RecipeWording) -> str | list[str] | None:
    """Return the number of servings, what the recipe makes, or both."""
    texts = [f"{recipe.servings:g}"] if recipe.servings else []
    texts += [plain_text(format_yield(recipe.yield_, words))] if recipe.yield_ else []
    return texts if len(texts) > 1 else next(iter(texts), None)


def _video_document(recipe: Recipe, links: RecipeLinks) -> dict[str, Any] | None:
    """Return the VideoObject; None unless all that Google requires of one is known, and where it plays."""
    name = plain_text(recipe.title or "")
    if not (name and links.image and links.uploaded and (links.content_url or links.embed_url)):
        return None
    document = {
        "@type": "VideoObject",
        "name": name,
        "description": plain_text(recipe.description or links.caption or ""),
        "thumbnailUrl": [links.image],
        "uploadDate": links.uploaded.isoformat(),
        "duration": iso_duration((links.duration_sec or 0) / 60),
        "contentUrl": links.content_url,
        "embedUrl": links.embed_url,
    }
    return _drop_empty(document)


def embed_url(page_url: str | None) -> str | None:
    """Return the address of the player for a video's page on YouTube or TikTok; None for any other page."""
    for page, player in PLAYERS:
        if match := page.match(page_url or ""):
            return player + match[1]
    return None


def iso_duration(minutes: float | None) -> str | None:
    """Return an ISO 8601 duration to the second, such as `PT1H30M` for 90 minutes; None for no or zero minutes."""
    seconds = round((minutes or 0) * 60)
    if seconds <= 0:
        return None
    hours, rest = divmod(seconds, 3600)
    parts = zip((hours, *divmod(rest, 60)), "HMS", strict=True)
    return "PT" + "".join(f"{count}{sign}" for count, sign in parts if count)


def _nutrition_document(nutrition: Nutrition | None) -> dict[str, Any] | None:
    if nutrition is None:
        return None
    values = {
        "calories": (nutrition.calories_kcal, ENGLISH_RECIPE.calories),
        "proteinContent": (nutrition.protein_g, "g"),
        "fatContent": (nutrition.fat_g, "g"),
        "carbohydrateContent": (nutrition.carbohydrates_g, "g"),
    }
    amounts = {name: f"{value:g} {unit}" for name, (value, unit) in values.items() if value is not None}
    return {"@type": "NutritionInformation", **amounts} if amounts else None


def _drop_empty(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value not in (None, "", [])}
