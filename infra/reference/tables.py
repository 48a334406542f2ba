"""Generates the tables in docs/ and for Terraform from code: `python -m infra.reference.tables`; tests compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from infra.reference.deployment import SETTINGS, rights_rows, settings_json
from shared.settings import Settings
from shared.wiring import Trigger, wiring

DOCS = Path(__file__).parents[2] / "docs"


def pipeline_table() -> str:
    rows = [
        (
            f"`{row.name}`",
            row.does,
            trigger_text(row.trigger),
            ", ".join(f"`{name}`" for name in row.publishes) or "–",
            f"{row.memory_mb} MB",
            f"{row.timeout_sec} s",
            str(row.attempts) if row.weight else "–",
        )
        for row in wiring().functions.values()
    ]
    return markdown_table(
        ("function", "purpose", "triggered by", "publishes to", "memory", "timeout", "attempts"), rows
    )


def trigger_text(trigger: Trigger) -> str:
    if trigger.http:
        return "HTTP"
    if trigger.bucket:
        return f"object finalized in `{trigger.bucket}`"
    every = f", every {trigger.every_minutes} min" if trigger.every_minutes else ""
    return f"topic `{trigger.topic}`{every}"


def settings_table() -> str:
    rows = [
        (f"`{field.name.upper()}`", default_text(field.default.default), str(field.default.description))  # type: ignore[union-attr]
        for field in fields(Settings)
    ]
    return markdown_table(("variable", "default", "meaning"), rows)


def rights_table() -> str:
    return markdown_table(("function", "called by", "objects", "publishes to", "secrets", "also"), rights_rows())


def default_text(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value not in ("", None, {}) else "–"


def markdown_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "architecture.md": {"pipeline": pipeline_table},
    "configuration.md": {"settings": settings_table},
    "deploy.md": {"rights": rights_table},
}
"""The tables of each page in docs/, by the name of their markers."""


def fill_tables(page: str, text: str) -> str:
    """The page's text with each of its tables between `<!-- NAME -->` and `<!-- /NAME -->`."""
    return fill_markers(page, text, {name: table() for name, table in PAGES[page].items()})


def fill_markers(page: str, text: str, tables: Mapping[str, str]) -> str:
    """`text` with each table between its markers; raises ValueError for one without exactly one place."""
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, remainder = text.partition(begin)
        count = text.count(begin) if end in remainder else 0
        if count != 1:
            raise ValueError(f"docs/{page} has {count} places for the table {name!r}")
        text = f"{before}{begin}{table}\n{end}{remainder.partition(end)[2]}"
    return text


if __name__ == "__main__":
    for page in PAGES:
        path = DOCS / page
        path.write_text(fill_tables(page, path.read_text(encoding="utf-8")), encoding="utf-8")
    SETTINGS.write_text(settings_json(), encoding="utf-8")
