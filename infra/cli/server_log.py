"""Reads the log of a local server."""

from __future__ import annotations

import re
from pathlib import Path

RECORD = re.compile(r"^(?=(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b)", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last):"


def last_error(log: Path) -> str | None:
    """Return the last error record, with only the exception of its traceback; None if there is none."""
    records = RECORD.split(log.read_text(errors="replace"))
    errors = [record for record in records if record.startswith(("ERROR", "CRITICAL"))]
    if not errors:
        return None
    message, *details = errors[-1].strip().split(TRACEBACK)
    raised = next((line for line in details[-1].splitlines() if line and not line[0].isspace()), "") if details else ""
    return f"{message.strip()}\n{raised}".strip()
