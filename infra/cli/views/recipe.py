"""Terminal view of a recipe."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli import words
from infra.cli.views.section import section_view
from infra.cli.words import clean_text
from shared.exports.quantities import amount, duration, quantity
from shared.exports.wording import ENGLISH
from shared.models.recipe import Ingredient, Recipe, Sighting, Step


def recipe_view(recipe: Recipe) -> RenderableType:
    empty = not (recipe.title or recipe.ingredients or recipe.steps)
    title = "No recipe was found in this video." if empty else recipe.title or "Untitled recipe"
    parts: list[RenderableType] = [Text(clean_text(title), style="bold")]
    if facts := _recipe_facts(recipe):
        parts.append(Text(" · ".join(facts)))
    if recipe.description:
        parts.append(Text(clean_text(recipe.description)))
    parts += section_view("Ingredients", _ingredients_table(recipe.ingredients))
    parts += section_view("Steps", _steps_table(recipe.steps))
    parts += section_view("Notes", _notes_table(recipe.notes))
    return Group(*parts)


def _recipe_facts(recipe: Recipe) -> list[str]:
    times = ((recipe.prep_minutes, "preparation"), (recipe.cook_minutes, "cooking"), (recipe.total_minutes, "total"))
    return [
        *([f"serves {amount(recipe.servings, None, ENGLISH)}"] if recipe.servings else []),
        *(f"{duration(minutes, ENGLISH)} {label}" for minutes, label in times if minutes is not None),
        *(clean_text(fact) for fact in (recipe.difficulty, recipe.cuisine) if fact),
    ]


def _ingredients_table(ingredients: list[Ingredient]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for heading, members in groupby(ingredients, key=lambda ingredient: ingredient.group):
        if heading:
            table.add_row("", Text(clean_text(heading), style="italic"), "")
        for item in members:
            name = ", ".join(clean_text(part) for part in (item.name, item.note) if part)
            measure = clean_text(quantity(item, ENGLISH))
            table.add_row(Text(measure), Text(name), Text(_format_sighting_time(item.seen)))
    return table


def _steps_table(steps: list[Step]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for step in steps:
        table.add_row(Text(f"{step.number}."), Text(clean_text(step.text)), Text(_format_sighting_time(step.seen)))
    return table


def _notes_table(notes: list[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    for note in notes:
        table.add_row("-", Text(clean_text(note)))
    return table


def _format_sighting_time(sighting: Sighting | None) -> str:
    return f"at {words.format_clock(sighting.time)}" if sighting and sighting.time is not None else ""
