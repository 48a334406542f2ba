"""Terminal view of reels, summaries and transcripts."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli.views.section import section
from infra.cli.words import clean
from shared.exports.outline import Entry, Outline


def outline_view(outline: Outline) -> RenderableType:
    parts: list[RenderableType] = [Text(clean(outline.title), style="bold")]
    if outline.facts:
        parts.append(Text(" · ".join(f"{label}: {clean(text)}" for label, text in outline.facts)))
    if outline.text:
        parts.append(Text(clean(outline.text)))
    for one in outline.sections:
        parts += section(one.heading, _table(one.entries))
    return Group(*parts)


def _table(entries: list[Entry]) -> Table:
    """Render entries; names and times, if any, get their own column."""
    labelled = any(entry.label for entry in entries)
    table = Table.grid(padding=(0, 2) if labelled else (0, 1))
    if labelled:
        table.add_column(style="bold", max_width=28)
    else:
        table.add_column(no_wrap=True)
    table.add_column()
    for entry in entries:
        text = Text(clean(entry.text))
        for detail in entry.details:
            text.append(f"\n{clean(detail)}", style="dim")
        table.add_row(Text(clean(entry.label)) if labelled else Text("-"), text)
    return table
