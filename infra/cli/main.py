"""The command line: `clipwise`.

Exit codes: 0 success; 1 a job failed or was cancelled; 2 invalid usage, or no server answered; 130 interrupted;
143 terminated. `up` ends with 0 when it is interrupted or terminated.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from infra.cli import accounts, backups, checks, datasets, jobs, keys, library, local_server, mcp_server, models
from infra.runtimes.process import bypass_proxies

# Imports stay inside the commands, so that `clipwise --help` responds immediately.

app = typer.Typer(
    help="Turn videos into structured data: submit a file or a URL, follow its job, read the result.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# In the order of `clipwise --help`.
app.add_typer(local_server.commands)
app.add_typer(jobs.commands)
app.add_typer(accounts.commands)
app.add_typer(backups.commands)
app.add_typer(checks.commands)
app.add_typer(library.commands)
app.add_typer(datasets.commands, name="dataset")
app.add_typer(mcp_server.commands)
app.add_typer(models.commands, name="models")
app.add_typer(keys.commands, name="keys")


def print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"clipwise {version('clipwise')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option(envvar="CLIPWISE_TOKEN", help="API key or access token to use instead of `clipwise login`."),
    ] = None,
) -> None:
    if token:
        os.environ["CLIPWISE_TOKEN"] = token
    bypass_proxies(os.environ)


if __name__ == "__main__":
    app()
