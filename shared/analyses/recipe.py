"""The kind `recipe`: what is cooked, from what, and how."""

from __future__ import annotations

from shared.analyses.kinds import Kind
from shared.models.recipe import Recipe

KIND = Kind(
    name="recipe",
    does="Title, ingredients with amounts, steps, times and servings of a cooking video.",
    stages=("extract", "analyze", "persist"),
    schema=Recipe,
    reads_text=True,
    collection="recipes",
)
