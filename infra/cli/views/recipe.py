"""Terminal view of a recipe."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli import words
from infra.cli.views.section import section
from infra.cli.words import clean
from shared.exports.quantities import amount, duration, quantity
from shared.exports.wording import ENGLISH
from shared.models.recipe import Ingredient, Recipe, Sighting, Step


def recipe_view(recipe: Recipe) -> RenderableType:
    empty = not (recipe.title or recipe.ingredients or recipe.steps)
    title = "No recipe was found in this video." if empty else recipe.title or "Untitled recipe"
    parts: list[RenderableType] = [Text(clean(title), style="bold")]
    if facts := _facts(recipe):
        parts.append(Text(" · ".join(facts)))
    if recipe.description:
        parts.append(Text(clean(recipe.description)))
    parts += section("Ingredients", _ingredients(recipe.ingredients))
    parts += section("Steps", _steps(recipe.steps))
    parts += section("Notes", _notes(recipe.notes))
    return Group(*parts)


def _facts(recipe: Recipe) -> list[str]:
    times = ((recipe.prep_minutes, "preparation"), (recipe.cook_minutes, "cooking"), (recipe.total_minutes, "total"))
    return [
        *([f"serves {amount(recipe.servings, None, ENGLISH)}"] if recipe.servings else []),
        *(f"{duration(minutes, ENGLISH)} {what}" for minutes, what in times if minutes is not None),
        *(clean(fact) for fact in (recipe.difficulty, recipe.cuisine) if fact),
    ]


def _ingredients(ingredients: list[Ingredient]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for heading, members in groupby(ingredients, key=lambda ingredient: ingredient.group):
        if heading:
            table.add_row("", Text(clean(heading), style="italic"), "")
        for one in members:
            name = ", ".join(clean(part) for part in (one.name, one.note) if part)
            measure = clean(quantity(one, ENGLISH))
            table.add_row(Text(measure), Text(name), Text(_when(one.seen)))
    return table


def _steps(steps: list[Step]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for step in steps:
        table.add_row(Text(f"{step.number}."), Text(clean(step.text)), Text(_when(step.seen)))
    return table


def _notes(notes: list[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    for note in notes:
        table.add_row("-", Text(clean(note)))
    return table


def _when(seen: Sighting | None) -> str:
    return f"at {words.clock(seen.time)}" if seen and seen.time is not None else ""
