"""Local models on the emulated place."""

from __future__ import annotations

from pathlib import Path

from infra.runtimes.emulated.serve import local_models
from shared.ai.catalogue import installed_folder, read_catalogue
from shared.settings import read_settings


def test_functions_find_the_models_that_a_command_has_installed(tmp_path: Path) -> None:
    """What `clipwise models install` brings is used by the functions, whose own data folder is another one."""
    cyrillic = read_catalogue()["screen-cyrillic"]
    for name, file in cyrillic.files.items():
        path = tmp_path / "models" / cyrillic.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as empty:
            empty.truncate(file.size)
    environ = local_models(read_settings({"CLIPWISE_DATA": str(tmp_path)}))
    assert installed_folder(cyrillic, read_settings({**environ, "CLIPWISE_DATA": str(tmp_path / "emulated")}))
    assert environ["PACKAGED_MODELS"].split(",") == ["screen-cyrillic", "meaning", "speech-english"]
