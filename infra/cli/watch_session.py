"""The command `watch`: checks its options, then processes files until it is interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from infra.cli.batch import Analysis
from infra.cli.progress import progress_view
from infra.cli.result_files import FORMATS, ResultWriter
from infra.cli.session import EXIT_INTERRUPTED, CliSession
from infra.cli.watch import FolderWatch, Watcher


def watch_folder(
    session: CliSession, folder: Path, out: Path | None, kind: str, language: str | None, formats: Sequence[str]
) -> None:
    """Watch a folder until interrupted; exits with code 130. Raises ApiError for a request that no retry can help."""
    if unknown := [format for format in formats if format not in FORMATS]:
        raise typer.BadParameter(f"{unknown[0]} is not one of {', '.join(FORMATS)}.", param_hint="--format")
    writer = ResultWriter((out or folder).resolve(), formats)
    session.print_message(f"Watching {folder.resolve()}. Press Ctrl-C to stop.")
    try:
        with progress_view(session.err) as view:
            watcher = Watcher(session.api, folder, Analysis(kind, language), writer, view, session.print_message)
            watcher.run(FolderWatch(folder, out))
    except KeyboardInterrupt:
        session.print_message("Stopped. Jobs keep running on the server. Run the same command again to continue.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
