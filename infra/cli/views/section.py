"""A heading with a table below it."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def section_view(heading: str, body: Table) -> list[RenderableType]:
    """Render a heading with a table; nothing for an empty table."""
    if not body.row_count:
        return []
    return [Text(), Text(heading, style="bold cyan"), Padding(body, (0, 0, 0, 2), expand=False)]
