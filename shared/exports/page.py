"""A recipe as a page to be printed: one HTML file with everything in it, no script, nothing loaded."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from itertools import groupby

from shared.exports.facts import facts, nutrients
from shared.exports.quantities import name, quantity
from shared.exports.text import address, plain
from shared.exports.wording import Wording, wording
from shared.models.recipe import Ingredient, Recipe

STYLE = """
@page { size: A4; margin: 18mm 20mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem; max-width: 44rem; color: #1d1d1b; background: #fff;
  font: 11pt/1.45 Charter, "Bitstream Charter", "Noto Serif", "DejaVu Serif", Georgia, serif; overflow-wrap: anywhere; }
header { display: flow-root; border-bottom: 1.5pt solid #b4512a; padding-bottom: 1rem; }
header img { float: inline-end; max-width: 38mm; max-height: 50mm; margin-inline-start: 1.5rem; border-radius: 2mm; }
h1 { font-size: 25pt; line-height: 1.15; margin: 0 0 .5rem; font-weight: 600; }
h2 { font-size: 14pt; margin: 1.3rem 0 .5rem; color: #b4512a; font-weight: 600; break-after: avoid; }
h3 { font-size: 11pt; margin: 1rem 0 .3rem; font-style: italic; font-weight: 600; break-after: avoid; }
p { margin: .4rem 0; orphans: 3; widows: 3; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: .8rem 0 0; padding: 0; list-style: none; }
.facts b, .amount { font-weight: 600; }
.ingredients { margin: 0; padding: 0; list-style: none; }
.ingredients li { display: grid; grid-template-columns: 6.5rem 1fr; gap: 1rem; padding: .18rem 0;
  border-bottom: .5pt solid #e6ddd6; break-inside: avoid; }
.amount { text-align: end; font-variant-numeric: tabular-nums; }
ol { margin: 0; padding-inline-start: 1.9rem; }
ol li { padding-inline-start: .4rem; margin: .45rem 0; break-inside: avoid; }
ol li::marker { color: #b4512a; font-weight: 600; }
.line, .notes { margin: 0; padding: 0; list-style: none; }
.notes { font-size: 9.5pt; }
.line li { display: inline; }
.line li + li::before { content: "· "; color: #b4512a; }
footer { margin-top: 2rem; padding-top: .6rem; border-top: .5pt solid #c9bdb3; font-size: 9pt; color: #55504b; }
a { color: inherit; }
@media print { body { padding: 0; max-width: none; } }
"""
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
"""The Content-Security-Policy under which the page works: its own style and picture, and nothing else."""


def page(recipe: Recipe, picture: bytes | None) -> str:
    """The recipe in one column, which fits A4 when it is printed.

    Args:
        picture: JPEG to be shown beside the title.
    """
    words = wording(recipe.language)
    title = _safe(recipe.title or "") or words.recipe
    body = [
        "<header>",
        f'<img src="data:image/jpeg;base64,{b64encode(picture).decode()}" alt="">' if picture else "",
        f"<h1>{title}</h1>",
        f"<p>{_safe(recipe.description)}</p>" if recipe.description else "",
        _facts(recipe, words),
        "</header>",
        *_ingredients(recipe.ingredients, words),
        *_section(words.steps, "<ol>", (step.text for step in recipe.steps), "</ol>"),
        *_section(words.equipment, '<ul class="line">', recipe.equipment, "</ul>"),
        *_section(words.nutrition, '<ul class="line">', nutrients(recipe.nutrition, words), "</ul>"),
        *_section(words.notes, '<ul class="notes">', recipe.notes, "</ul>"),
        _footer(recipe, words),
    ]
    head = [
        "<!DOCTYPE html>",
        f'<html lang="{_safe(recipe.language or "")}">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style></head>",
        '<body dir="auto">',
    ]
    return "\n".join(filter(None, [*head, *body, "</body></html>"])) + "\n"


def _safe(text: str) -> str:
    return escape(plain(text))


def _facts(recipe: Recipe, words: Wording) -> str:
    items = [
        f"<li>{label} <b>{_safe(text)}</b></li>" if label else f"<li>{_safe(text)}</li>"
        for label, text in facts(recipe, words)
    ]
    return f'<ul class="facts">{"".join(items)}</ul>' if items else ""


def _ingredients(ingredients: list[Ingredient], words: Wording) -> Iterable[str]:
    if ingredients:
        yield f"<h2>{words.ingredients}</h2>"
    for heading, members in groupby(ingredients, key=lambda ingredient: ingredient.group):
        if heading:
            yield f"<h3>{_safe(heading)}</h3>"
        yield '<ul class="ingredients">'
        for one in members:
            yield f'<li><span class="amount">{_safe(quantity(one, words))}</span><span>{_safe(name(one))}</span></li>'
        yield "</ul>"


def _section(heading: str, opening: str, items: Iterable[str], closing: str) -> list[str]:
    """Nothing when there are no items."""
    listed = [f"<li>{_safe(item)}</li>" for item in items]
    return [f"<h2>{heading}</h2>", opening, *listed, closing] if listed else []


def _footer(recipe: Recipe, words: Wording) -> str:
    author = f"{words.author}: {_safe(recipe.author)}" if recipe.author else ""
    link = escape(address(recipe.source_url) or "")
    source = f'{words.source}: <a href="{link}" rel="noopener noreferrer">{link}</a>' if link else ""
    return f"<footer>{' · '.join(filter(None, (author, source)))}</footer>" if author or source else ""
