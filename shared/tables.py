"""Tables of data beside the code, written in YAML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COMPILED_SUFFIX = ".json"
"""Of the copy of a table that a function's package contains: reading it takes no YAML parser."""


def read_table(path: Path) -> Any:
    """Return the content of a YAML file, from its copy in JSON where there is one."""
    compiled = path.with_suffix(COMPILED_SUFFIX)
    if compiled.exists():
        return json.loads(compiled.read_text(encoding="utf-8"))
    import yaml

    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
