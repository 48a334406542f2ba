"""Tables that follow from code, in the README and for Terraform: `python -m infra.tables` writes them, tests check."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from infra.deployment import SETTINGS, rights_rows, settings_file
from shared.settings import Settings
from shared.wiring import Trigger, wiring

README = Path(__file__).parents[1] / "README.md"


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
    return markdown(("function", "does", "triggered by", "sets off", "memory", "timeout", "attempts"), rows)


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
    return markdown(("variable", "default", "what it does"), rows)


def rights_table() -> str:
    return markdown(("function", "called by", "objects", "publishes to", "secrets", "also"), rights_rows())


def default_text(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value not in ("", None, {}) else "–"


def markdown(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {"pipeline": pipeline_table, "rights": rights_table, "settings": settings_table}


def filled(text: str) -> str:
    """`text` with every `<!-- NAME -->…<!-- /NAME -->` holding the table of that name."""
    for name, table in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        text, found = pattern.subn(lambda match, table=table: match[1] + table() + "\n" + match[2], text)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"the README has {found} places for the table {name!r}")
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    SETTINGS.write_text(settings_file(), encoding="utf-8")
