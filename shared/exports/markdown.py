"""A recipe as CommonMark."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from shared.exports.facts import facts, nutrients
from shared.exports.quantities import line
from shared.exports.text import address, commonmark
from shared.exports.wording import wording
from shared.models.recipe import Recipe


def markdown(recipe: Recipe) -> str:
    """Without a picture: a link to one would soon lead nowhere."""
    words = wording(recipe.language)
    shown = [f"**{label}:** {commonmark(text)}" if label else commonmark(text) for label, text in facts(recipe, words)]
    blocks = [
        f"# {commonmark(recipe.title or '') or words.recipe}",
        commonmark(recipe.description or ""),
        " · ".join(shown),
        f"## {words.ingredients}" if recipe.ingredients else "",
    ]
    for heading, members in groupby(recipe.ingredients, key=lambda ingredient: ingredient.group):
        blocks += [f"### {commonmark(heading)}" if heading else "", _list(line(member, words) for member in members)]
    if recipe.steps:
        steps = [f"{count}. {commonmark(step.text)}" for count, step in enumerate(recipe.steps, start=1)]
        blocks += [f"## {words.steps}", "\n".join(steps)]
    for heading, items in (
        (words.equipment, recipe.equipment),
        (words.nutrition, nutrients(recipe.nutrition, words)),
        (words.notes, recipe.notes),
    ):
        if items:
            blocks += [f"## {heading}", _list(items)]
    if recipe.author:
        blocks.append(f"{words.author}: {commonmark(recipe.author)}")
    if link := address(recipe.source_url):
        blocks.append(f"{words.source}: <{link}>")
    return "\n\n".join(filter(None, blocks)) + "\n"


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {commonmark(item)}" for item in items)
