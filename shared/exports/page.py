"""A recipe as a page to be printed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from itertools import groupby

from shared.exports.facts import facts, nutrients
from shared.exports.html import html_document, safe
from shared.exports.quantities import name, quantity
from shared.exports.text import address
from shared.exports.wording import Wording, wording
from shared.models.recipe import Ingredient, Recipe


def page(recipe: Recipe, picture: bytes | None) -> str:
    """The recipe in one column, which fits A4 when it is printed.

    Args:
        picture: JPEG to be shown beside the title.
    """
    words = wording(recipe.language)
    title = safe(recipe.title or "") or words.recipe
    body = [
        "<header>",
        f'<img src="data:image/jpeg;base64,{b64encode(picture).decode()}" alt="">' if picture else "",
        f"<h1>{title}</h1>",
        f"<p>{safe(recipe.description)}</p>" if recipe.description else "",
        _facts(recipe, words),
        "</header>",
        *_ingredients(recipe.ingredients, words),
        *_section(words.steps, "<ol>", (step.text for step in recipe.steps), "</ol>"),
        *_section(words.equipment, '<ul class="line">', recipe.equipment, "</ul>"),
        *_section(words.nutrition, '<ul class="line">', nutrients(recipe.nutrition, words), "</ul>"),
        *_section(words.notes, '<ul class="notes">', recipe.notes, "</ul>"),
        _footer(recipe, words),
    ]
    return html_document(title, recipe.language, body)


def _facts(recipe: Recipe, words: Wording) -> str:
    items = [
        f"<li>{label} <b>{safe(text)}</b></li>" if label else f"<li>{safe(text)}</li>"
        for label, text in facts(recipe, words)
    ]
    return f'<ul class="facts">{"".join(items)}</ul>' if items else ""


def _ingredients(ingredients: list[Ingredient], words: Wording) -> Iterable[str]:
    if ingredients:
        yield f"<h2>{words.ingredients}</h2>"
    for heading, members in groupby(ingredients, key=lambda ingredient: ingredient.group):
        if heading:
            yield f"<h3>{safe(heading)}</h3>"
        yield '<ul class="ingredients">'
        for one in members:
            yield f'<li><span class="amount">{safe(quantity(one, words))}</span><span>{safe(name(one))}</span></li>'
        yield "</ul>"


def _section(heading: str, opening: str, items: Iterable[str], closing: str) -> list[str]:
    """Nothing when there are no items."""
    listed = [f"<li>{safe(item)}</li>" for item in items]
    return [f"<h2>{heading}</h2>", opening, *listed, closing] if listed else []


def _footer(recipe: Recipe, words: Wording) -> str:
    author = f"{words.author}: {safe(recipe.author)}" if recipe.author else ""
    link = escape(address(recipe.source_url) or "")
    source = f'{words.source}: <a href="{link}" rel="noopener noreferrer">{link}</a>' if link else ""
    return f"<footer>{' · '.join(filter(None, (author, source)))}</footer>" if author or source else ""
