"""Terminal view of reels, summaries and transcripts."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli.views.section import section_view
from infra.cli.words import clean_text
from shared.exports.outline import Entry, Outline


def outline_view(outline: Outline) -> RenderableType:
    parts: list[RenderableType] = [Text(clean_text(outline.title), style="bold")]
    if outline.facts:
        parts.append(Text(" · ".join(f"{label}: {clean_text(text)}" for label, text in outline.facts)))
    if outline.text:
        parts.append(Text(clean_text(outline.text)))
    for outline_section in outline.sections:
        parts += section_view(outline_section.heading, _entries_table(outline_section.entries))
    return Group(*parts)


def _entries_table(entries: list[Entry]) -> Table:
    """Render entries; names and times, if any, get their own column."""
    labelled = any(entry.label for entry in entries)
    table = Table.grid(padding=(0, 2) if labelled else (0, 1))
    if labelled:
        table.add_column(style="bold", max_width=28)
    else:
        table.add_column(no_wrap=True)
    table.add_column()
    for entry in entries:
        text = Text(clean_text(entry.text))
        for detail in entry.details:
            text.append(f"\n{clean_text(detail)}", style="dim")
        table.add_row(Text(clean_text(entry.label)) if labelled else Text("-"), text)
    return table
