"""What is said in the demo's video, shot by shot."""

from __future__ import annotations

from dataclasses import dataclass

from infra.demo.recipe import RECIPE


@dataclass(frozen=True)
class ScriptLine:
    """A shot's words, and how long it lasts in seconds."""

    seconds: float
    text: str


SCRIPT = [
    ScriptLine(2.6, f"{RECIPE.title} for four."),
    ScriptLine(3, "These are the ingredients."),
    ScriptLine(3, "Some more from the pantry."),
    *(ScriptLine(seconds, step.text) for seconds, step in zip((2, 2.4, 2, 2, 2.6), RECIPE.steps, strict=True)),
]
"""About 19 seconds; a card of ingredients stays for three."""
