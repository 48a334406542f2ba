"""The command `submit` with many sources: one progress view, a table of what became of each, an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from infra.api_client import JobDocument
from infra.cli.batch import Analysis, BatchOutcome, is_complete, submit_batches
from infra.cli.options import is_url
from infra.cli.progress import ProgressView, progress_view, update_task
from infra.cli.session import EXIT_ERROR, EXIT_FAILED, EXIT_INTERRUPTED, CliSession, format_json
from infra.cli.sources import URL_LIST_SUFFIX, MediaFile, expand_sources, read_media_file
from shared.errors import PermanentError
from shared.exports.markup import clean_text


def is_single(arguments: Sequence[str]) -> bool:
    """Return True if the arguments name one file or the URL of one video."""
    if len(arguments) != 1:
        return False
    argument = arguments[0]
    if is_url(argument):
        return not _is_list(argument)
    path = Path(argument)
    return path.is_file() and path.suffix.lower() != URL_LIST_SUFFIX


def _is_list(url: str) -> bool:
    from shared.security.urls import parse_url
    from shared.sources.video.list_links import parse_list_url

    try:
        return parse_list_url(parse_url(url)) is not None
    except PermanentError:
        # The server says what is wrong with it.
        return False


def submit_many(session: CliSession, arguments: Sequence[str], analysis: Analysis, as_json: bool) -> None:
    """Submit all sources, follow them and exit: 0 if every video has a result, 1 if not, 2 if there is none."""
    sources = expand_sources(arguments)
    if not sources.paths and not sources.urls:
        session.print_message("There is nothing to submit: no media file and no URL was found.")
        raise typer.Exit(EXIT_ERROR)
    outcomes: list[BatchOutcome] = []
    try:
        with progress_view(session.err) as view:
            files = read_files(sources.paths, view)
            outcomes += submit_batches(session.api, files, sources.urls, analysis, view)
    except KeyboardInterrupt:
        session.print_message("Interrupted. Jobs keep running on the server. Run the same command again to continue.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    print_outcomes(session, outcomes, as_json)
    has_all = all(is_complete(outcome.batch) for outcome in outcomes)
    is_done = all(item["status"] == "done" for outcome in outcomes for item in outcome.items)
    raise typer.Exit(0 if has_all and is_done else EXIT_FAILED)


def read_files(paths: Sequence[Path], view: ProgressView) -> list[MediaFile]:
    """Determine the digest of each file; raises as `read_media_file`."""
    files = []
    for number, path in enumerate(paths, start=1):
        try:
            files.append(read_media_file(path))
        except PermanentError as error:
            raise PermanentError(error.code, f"{path}: {error.message}") from None
        update_task(view, "read", number / len(paths), f"{number} of {len(paths)} files")
    return files


def print_outcomes(session: CliSession, outcomes: Sequence[BatchOutcome], as_json: bool) -> None:
    """Print all batches and items as JSON, or a table of the items and what lists left out."""
    if as_json:
        value = {
            "batches": [outcome.batch for outcome in outcomes],
            "items": [item for outcome in outcomes for item in outcome.items],
        }
        typer.echo(format_json(value).encode())
        return
    session.out.print(items_table([item for outcome in outcomes for item in outcome.items]))
    for outcome in outcomes:
        for batch_list in outcome.batch["lists"]:
            session.print_message(describe_list(batch_list))
        session.print_message(f"Batch:  {outcome.batch['id']}")


def items_table(items: Sequence[JobDocument]) -> Table:
    """Render one row per item; on a narrow terminal the source is truncated, never the id."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold cyan")
    for heading in ("Job", "Status"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Source")
    for item in items:
        source = clean_text(item["url"] or item["filename"] or "")
        reason = f": {clean_text(item['error'])}" if item["error"] else ""
        status = f"{item['status']}, known" if item["known"] else item["status"]
        job_id = item["job"]["id"] if item["job"] else "–"
        table.add_row(job_id, status, Text(source + reason, no_wrap=not reason, overflow="ellipsis"))
    return table


def describe_list(batch_list: JobDocument) -> str:
    """Describe what became of a playlist, channel or profile."""
    name = clean_text(batch_list["title"] or batch_list["url"])
    if batch_list["status"] == "failed":
        return f"{name} was not read: {clean_text(batch_list['error']['message'])}"
    return f"{name}: {batch_list['found']} videos found, {batch_list['known']} of them skipped as known."
