"""Which tests run in the same process when several processes share the suite."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

SHARED = re.compile(r"^def \w+\([^)]*\b(place: Server|sites: Sites)\b", re.MULTILINE)
"""What uses a fixture of tests/integration/conftest.py that starts servers."""


class SharingScheduling(LoadFileScheduling):
    """The tests of a file run in one process, as do all files that use the same servers.

    Otherwise each process would start servers of its own, above all the ten programs of the emulated place.
    """

    def _split_scope(self, nodeid: str) -> str:
        path: str = super()._split_scope(nodeid)
        servers = shared_servers(self.config.rootpath / path) if path.startswith("tests/integration/") else None
        return f"tests/integration, {servers}" if servers else path


@cache
def shared_servers(file: Path) -> str | None:
    """The fixture of servers that a file of tests shares with others."""
    found = SHARED.search(file.read_text(encoding="utf-8"))
    return found[1] if found else None
