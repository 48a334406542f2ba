"""Options shared by several commands."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shared.settings import Settings

LOCAL = "http://127.0.0.1:8080"
# Spelled out, since loading them would take longer than the rest of `--help`; a test compares.
KINDS = "recipe, reel, summary, transcript or metadata"

Server = Annotated[str, typer.Option(envvar="CLIPWISE_SERVER", help="URL of the Clipwise server.")]


def is_url(source: str) -> bool:
    """Return True if `source` is a URL rather than a path."""
    return source.lower().startswith(("http://", "https://"))


def load_settings() -> Settings:
    """Return the settings from the environment; exits with code 2 and lists all invalid variables."""
    from shared.settings import SettingsError, read_settings

    try:
        return read_settings(os.environ)
    except SettingsError as error:
        typer.echo("\n".join(["Invalid settings. Correct or unset these variables:", *error.problems]), err=True)
        raise typer.Exit(2) from None


def format_os_error(error: OSError) -> str:
    """Describe an error of a file or folder; a folder is called a folder."""
    match error:
        case IsADirectoryError():
            reason = "This is a folder. Name a file."
        case NotADirectoryError() | FileExistsError():
            reason = "This is a file, or lies below one. Name a folder."
        case _:
            reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
