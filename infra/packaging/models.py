"""Local models in the functions' packages: which ones a package contains, and what its function then needs.

`functions/pipeline.yaml` says which models a function may have, and how much memory it then takes. By default, packages
contain none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from shared.ai.catalogue import CatalogueModel, installed_folder, read_catalogue
from shared.ai.offline.sentence_model import DIMENSIONS
from shared.settings import settings
from shared.wiring import wiring

FOLDER = "models"
"""Folder of model files in a package; the function's MODELS_DIR."""
NEEDS = "needs.json"
"""File beside the packages from which Terraform reads what they need."""
TASK_EXTRAS = {"speech": "whisper"}
"""Extra of `pyproject.toml` with the library that runs downloaded models of a task, where no function has it anyway."""


class UnusableModel(ValueError):
    """A model cannot be put into packages; the message says what to do."""


def choose_models(names: Sequence[str]) -> list[CatalogueModel]:
    """Return the named models.

    Raises UnusableModel if no function may contain one, if one is not installed here, or if two are for one task.
    """
    allowed = list(dict.fromkeys(name for function in wiring().functions.values() for name in function.models))
    chosen: dict[str, CatalogueModel] = {}
    for name in dict.fromkeys(names):
        if name not in allowed:
            raise UnusableModel(f"{name} cannot be packaged. Choose from: {', '.join(allowed)}.")
        model = read_catalogue()[name]
        if model.task in chosen:
            raise UnusableModel(f"{name} and {chosen[model.task].name} do the same. Choose one of them.")
        if not model.package and installed_folder(model, settings()) is None:
            raise UnusableModel(f"{name} is not installed. Run `clipwise models install {name}`, then package again.")
        chosen[model.task] = model
    return list(chosen.values())


def models_for(function: str, chosen: Sequence[CatalogueModel]) -> list[CatalogueModel]:
    """Return those of the chosen models that the function's package contains."""
    return [model for model in chosen if model.name in wiring().functions[function].models]


def model_extras(models: Sequence[CatalogueModel]) -> list[str]:
    """Return the extras of `pyproject.toml` that bring the models, or the libraries that run them."""
    extras = (model.name if model.package else TASK_EXTRAS.get(model.task) for model in models)
    return [extra for extra in extras if extra]


def copy_models(models: Sequence[CatalogueModel], package: Path) -> bool:
    """Copy the files of downloaded models into a package; return True if there are any."""
    downloaded = [model for model in models if not model.package]
    for model in downloaded:
        source = installed_folder(model, settings())
        assert source  # noqa: S101  # `choose_models` has checked it
        for name in model.files:
            target = package / FOLDER / model.name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)
    return bool(downloaded)


def write_needs(out: Path, chosen: Sequence[CatalogueModel]) -> None:
    """Write what the packages with the chosen models need, for Terraform."""
    memory = {
        name: max(row.models[model.name] for model in models)
        for name, row in wiring().functions.items()
        if (models := models_for(name, chosen))
    }
    needs = {
        "memory_mb": memory,
        "embedding_dimensions": [DIMENSIONS] if any(model.task == "meaning" for model in chosen) else [],
        "models": [model.name for model in chosen],
    }
    (out / NEEDS).write_text(json.dumps(needs, indent=2) + "\n", encoding="utf-8")
