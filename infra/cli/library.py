"""Commands about the videos of a library as a whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.options import LOCAL, Server, load_settings

commands = typer.Typer()


@commands.command()
def search(
    query: Annotated[str, typer.Argument(help="Words, a sentence or a question, in any language.")],
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Search only this: speech, screen or caption. Repeat it for several."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of moments to list.")] = 10,
    server: Server = LOCAL,
    json: Annotated[bool, typer.Option("--json", help="Print the moments as JSON.")] = False,
) -> None:
    """Find moments in all your videos by speech, on-screen text and captions."""
    from infra.cli.session import format_json, open_session
    from infra.cli.views import moment_view

    with open_session(server) as session:
        moments = session.api.search(query, origin or [], limit)
        if json:
            typer.echo(format_json(moments))
            return
        if not moments:
            session.print_message("No moments found.")
        for moment in moments:
            session.out.print(moment_view(moment), soft_wrap=True)


@commands.command()
def reindex(
    data: Annotated[Path | None, typer.Option(help="Data folder of the server. Defaults to .clipwise.")] = None,
) -> None:
    """Embed stored transcripts again with the current embedding model.

    The server may run meanwhile. With an AI key, the provider charges for embedding the texts.
    """
    from infra.cli.session import open_console
    from shared.ai.offline.sentence_model import sentence_model
    from shared.chat.reindex import reindex
    from shared.errors import ClipwiseError
    from shared.platform.place import current_place
    from shared.settings import HASHING, settings

    if data:
        os.environ["CLIPWISE_DATA"] = str(data)
    load_settings()
    settings.cache_clear()
    folder = settings().clipwise_data
    if settings().clipwise_place == "embedded" and not (folder / "clipwise.db").exists():
        typer.echo(f"{folder} is not a data folder of Clipwise. Name the server's folder with --data.", err=True)
        raise typer.Exit(2)
    if settings().offline_embed_model != HASHING and (fault := sentence_model().fault()):
        typer.echo(f"Without an AI key, texts are compared by words: {fault}.", err=True)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Embedding passages"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=open_console(sys.stderr)) as progress:
            task = progress.add_task("")
            result = reindex(
                current_place().documents, lambda done, total: progress.update(task, completed=done, total=total)
            )
    except ClipwiseError as error:
        typer.echo(f"{error} What is done is kept.", err=True)
        raise typer.Exit(1) from None
    cost = f" Estimated cost: US${result.usage.cost_usd:.4f}." if result.usage.cost_usd else ""
    typer.echo(f"All passages have vectors of {result.model}; {result.count} new.{cost}")
