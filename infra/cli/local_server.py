"""The commands that run the server on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.options import format_os_error, load_settings

commands = typer.Typer()


@commands.command()
def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on. 0 picks a free port.")] = 8080,
    data: Annotated[Path | None, typer.Option(help="Folder for all data. Defaults to .clipwise.")] = None,
    emulators: Annotated[bool, typer.Option("--emulators", help="Run on Google's emulators.")] = False,
    fake_ai: Annotated[
        bool,
        typer.Option("--fake-ai", help="Try every kind without an API key: local stand-ins return made-up results."),
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the console in the browser.")] = False,
) -> None:
    """Run the server on this machine until interrupted. Open its address in a browser to use the console."""
    from infra.runtimes.emulated.installation import EmulatorsUnavailable
    from shared.errors import StorageUnavailable
    from shared.platform.embedded.database import DataFolderError, DataFolderMoved
    from shared.settings import SettingsError

    folder = data or load_settings().clipwise_data
    try:
        if emulators:
            from infra.runtimes.emulated.serve import serve
        else:
            from infra.runtimes.embedded.serve import serve
        with fake_ai_services(folder) if fake_ai else nullcontext(folder) as folder:
            serve(host, port, folder, ready=lambda line: print_ready(line, open_browser))
    except (DataFolderError, EmulatorsUnavailable, SettingsError, StorageUnavailable) as error:
        typer.echo(f"{'Stopped' if isinstance(error, DataFolderMoved) else 'Cannot start'}: {error}", err=True)
        raise typer.Exit(2) from None
    except ModuleNotFoundError as error:
        if not emulators:
            raise
        typer.echo(f"Cannot start: {error.name} is not installed. Run `make up-emulators`.", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        if error.filename:
            reason = format_os_error(error).rstrip(".")
            typer.echo(f"Cannot use the data folder. {reason}. Choose another folder with --data.", err=True)
        else:
            problem = f"Cannot listen on {host}:{port}: {error.strerror}. Use a different --host or --port."
            typer.echo(problem, err=True)
        raise typer.Exit(2) from None


def print_ready(line: str, open_browser: bool = False) -> None:
    """Print where the server listens and, to stderr, what this installation can do and where its console is."""
    from infra.cli.browser import open_in_browser
    from infra.doctor.capabilities import capabilities_line

    url = line.rpartition(" ")[2]
    print(line, flush=True)
    typer.echo(capabilities_line(load_settings()), err=True)
    typer.echo(f"Open {url} in a browser to use the console.", err=True)
    if open_browser and not open_in_browser(url):
        typer.echo("No browser was opened: this shell has no desktop.", err=True)


@contextmanager
def fake_ai_services(data: Path) -> Iterator[Path]:
    """Replace all AI services by stand-ins; yields the separate folder for their results."""
    from infra.stand_ins.services import stand_in_services

    folder = data / "fake-ai"
    with stand_in_services(os.environ):
        typer.secho(
            "ALL AI RESULTS ARE MADE UP (--fake-ai): local stand-ins replace OpenAI, Gemini and Apify. "
            f"Your API keys and their settings are not used. Jobs are stored separately, in {folder}.",
            err=True,
            bold=True,
        )
        yield folder


@commands.command()
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the server running afterwards, until interrupted.")
    ] = False,
    open_browser: Annotated[
        bool,
        typer.Option("--open", help="On a desktop, open the recipe in the browser and keep the server running."),
    ] = False,
) -> None:
    """Render a cooking video, process it on this machine, and check the resulting recipe."""
    from infra.cli.demo import run_demo

    sys.exit(run_demo(keep, open_browser))
