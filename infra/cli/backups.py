"""Commands that back up and restore everything a server has stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.options import format_os_error, load_settings

if TYPE_CHECKING:
    from infra.backup.data_folder import Report

commands = typer.Typer()

Data = Annotated[Path | None, typer.Option(help="Data folder of the server. Defaults to .clipwise.")]
Project = Annotated[
    str | None,
    typer.Option(help="Google Cloud project whose Firestore and buckets to use instead of a data folder."),
]


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file to write to, such as clipwise.tar.")],
    data: Data = None,
    project: Project = None,
) -> None:
    """Back up all documents, files and accounts, also while the server runs. The file contains secrets."""
    from infra.cli.views import format_megabytes

    with reporting("backup") as report:
        if project:
            from infra.backup.project import back_up_project, project_settings

            size = back_up_project(project_settings(load_settings(), project), file, report)
        else:
            from infra.backup.data_folder import back_up_folder

            size = back_up_folder(data or load_settings().clipwise_data, file, report)
    typer.echo(f"Wrote {file} ({format_megabytes(size)}).")
    typer.echo(
        "It contains secrets: videos, results, password hashes and signing keys. Keep it where only you can read it.",
        err=True,
    )


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File that `clipwise backup` has written.")],
    data: Data = None,
    project: Project = None,
) -> None:
    """Restore a backup into an empty data folder or project. After an interruption, run it again."""
    with reporting("restore") as report:
        if project:
            from infra.backup.project import project_settings, restore_project

            restore_project(file, project_settings(load_settings(), project), report)
            message = f"Restored the project {project}."
        else:
            from infra.backup.data_folder import restore_folder

            folder = data or load_settings().clipwise_data
            restore_folder(file, folder, report)
            message = f"Restored {folder}. Start the server with `clipwise up --data {folder}`."
    typer.echo(message)


@contextmanager
def reporting(name: str) -> Iterator[Report]:
    """Show progress on stderr; end the command with a sentence and code 2 if it fails."""
    from infra.backup.archive import BackupError
    from infra.cli.progress import progress_view, update_task
    from infra.cli.session import open_console
    from shared.platform.embedded.database import DataFolderError

    try:
        with progress_view(open_console(sys.stderr)) as view:
            yield partial(update_task, view, name)
    except ModuleNotFoundError as error:
        typer.echo(f"{error.name} is not installed. Run `pip install 'clipwise[gcp]'`.", err=True)
        raise typer.Exit(2) from None
    except (BackupError, DataFolderError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"Error: {format_os_error(error)}", err=True)
        raise typer.Exit(2) from None
