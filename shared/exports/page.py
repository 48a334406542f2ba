"""A recipe as a page to be printed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from itertools import groupby

from shared.exports.facts import nutrient_texts, recipe_facts
from shared.exports.html import escape_html, html_document
from shared.exports.quantities import format_quantity, ingredient_name
from shared.exports.text import safe_url
from shared.exports.wording import RecipeWording, recipe_wording
from shared.models.recipe import Ingredient, Recipe


def recipe_page(recipe: Recipe, picture: bytes | None) -> str:
    """The recipe in one column, which fits A4 when it is printed.

    Args:
        picture: JPEG to be shown beside the title.
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
    """Nothing when there are no items."""
    rows = [f"<li>{escape_html(item)}</li>" for item in items]
    return [f"<h2>{heading}</h2>", opening, *rows, closing] if rows else []


def _footer(recipe: Recipe, words: RecipeWording) -> str:
    author = f"{words.author}: {escape_html(recipe.author)}" if recipe.author else ""
    link = escape(safe_url(recipe.source_url) or "")
    source = f'{words.source}: <a href="{link}" rel="noopener noreferrer">{link}</a>' if link else ""
    return f"<footer>{' · '.join(filter(None, (author, source)))}</footer>" if author or source else ""
