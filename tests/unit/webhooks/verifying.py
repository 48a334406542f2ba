"""The verification that docs/webhooks.md gives to receivers, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs" / "webhooks.md"


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    return str(code)


def verify(secret: str, headers: dict[str, str], body: bytes, now: float | None = None) -> bool:
    names: dict[str, Any] = {}
    exec(example("python"), names)  # noqa: S102  # our own documentation
    if now is not None:
        names["time"] = type("Clock", (), {"time": staticmethod(lambda: now)})
    return bool(names["verify"](secret, headers, body))
