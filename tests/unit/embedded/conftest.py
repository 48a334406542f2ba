"""A data folder for each test, and a clock that can be moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared import clock
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.settings import read_settings


class Clock:
    """The real clock, moved forward by what a test asks for."""

    def __init__(self) -> None:
        self._moved = timedelta()
        self._now = clock.now

    def now(self) -> datetime:
        return self._now() + self._moved

    def move(self, seconds: float) -> None:
        self._moved += timedelta(seconds=seconds)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(clock, "now", moved.now)
    return moved


def reopen(folder: Path) -> EmbeddedPlace:
    """The place as another process would open it."""
    return open_embedded_place(read_settings({"CLIPWISE_DATA": str(folder / "data")}))


@pytest.fixture
def place(tmp_path: Path) -> EmbeddedPlace:
    return reopen(tmp_path)
