"""Media that many tests look at, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import media_samples


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def silent(folder: Path) -> Path:
    """Two seconds, 216 × 384, 30 frames a second, a cut at one second."""
    return media_samples.small_video(folder / "silent.mp4")


@pytest.fixture(scope="session")
def spoken(folder: Path, silent: Path) -> Path:
    """The same with a tone."""
    return media_samples.with_sound(folder / "spoken.mp4", silent)
