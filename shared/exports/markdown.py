"""A recipe as CommonMark."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from shared.exports.facts import nutrient_texts, recipe_facts
from shared.exports.quantities import ingredient_line
from shared.exports.text import escape_markdown, safe_url
from shared.exports.wording import recipe_wording
from shared.models.recipe import Recipe


def recipe_markdown(recipe: Recipe) -> str:
    """Without a picture: a link to one would soon lead nowhere."""
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
