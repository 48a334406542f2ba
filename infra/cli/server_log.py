"""The log of a server on this machine, for people to whom it is not shown."""

from __future__ import annotations

import re
from pathlib import Path

RECORD = re.compile(r"^(?=(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b)", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last):"


def last_error(log: Path) -> str | None:
    """The last record of an error; of its traceback, only the error itself. None when there is no such record."""
    records = RECORD.split(log.read_text(errors="replace"))
    errors = [record for record in records if record.startswith(("ERROR", "CRITICAL"))]
    if not errors:
        return None
    message, *details = errors[-1].strip().split(TRACEBACK)
    raised = next((line for line in details[-1].splitlines() if line and not line[0].isspace()), "") if details else ""
    return f"{message.strip()}\n{raised}".strip()
