"""Which tests run in the same process when several processes share the suite."""

from __future__ import annotations

import re
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
        if path.startswith("tests/integration/"):
            text = (Path(self.config.rootpath) / path).read_text(encoding="utf-8")
            if found := SHARED.search(text):
                return f"tests/integration, {found[1]}"
        return path
