"""The command line: `clipwise`.

Exit codes: 0 done; 1 the job failed or was cancelled; 2 asked wrongly, or no server answered; 130 interrupted;
143 terminated. `up` ends with 0 when it is interrupted or terminated.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from infra.cli import accounts, datasets
from infra.cli.options import LOCAL, Server
from infra.loopback import bypass_proxies

# What a command needs is imported in the command: `clipwise --help` is to answer at once.

app = typer.Typer(
    help="Turns videos into structured knowledge: submit a file or a URL, follow it, read what came out.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print only the job document, as JSON; progress goes to stderr.")]
Id = Annotated[str, typer.Argument(help="A job's id, as `clipwise jobs` shows it.")]
# Written out, and checked by a test: to look for them would take longer than all of `--help`.
KINDS = "recipe, reel, summary, transcript or metadata"
FORMATS = "md, html (recipe, reel, summary), jsonld (recipe), txt, srt, vtt (what is said), json."


app.add_typer(accounts.commands)
app.add_typer(datasets.commands, name="dataset")


@app.callback()
def options(
    token: Annotated[
        str | None, typer.Option(envvar="CLIPWISE_TOKEN", help="Access token to be used instead of `clipwise login`.")
    ] = None,
) -> None:
    if token:
        os.environ["CLIPWISE_TOKEN"] = token
    bypass_proxies(os.environ)


@app.command()
def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
    data: Annotated[Path | None, typer.Option(help="Folder that holds everything.  [default: .clipwise]")] = None,
    emulators: Annotated[bool, typer.Option("--emulators", help="Serve from Google's emulators.")] = False,
    fake_ai: Annotated[
        bool,
        typer.Option("--fake-ai", help="Try every kind without a key: stand-ins for the services make answers up."),
    ] = False,
) -> None:
    """Serve everything on this machine, until interrupted."""
    from infra.embedded.serve import AlreadyServed
    from infra.emulated.errors import EmulatorsUnavailable
    from shared.settings import SettingsError, read_settings

    try:
        if emulators:
            from infra.emulated.serve import serve
        else:
            from infra.embedded.serve import serve
        folder = data or read_settings(os.environ).clipwise_data
        with making_up(folder) if fake_ai else nullcontext(folder) as folder:
            serve(host, port, folder, ready=lambda url: print(f"Clipwise is ready at {url}", flush=True))
    except (AlreadyServed, EmulatorsUnavailable, SettingsError) as error:
        typer.echo(f"Cannot start: {error}", err=True)
        raise typer.Exit(2) from None
    except ModuleNotFoundError as error:
        if not emulators:
            raise
        typer.echo(f"Cannot start: {error.name} is not installed; run `make up-emulators`.", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        what = f"use {error.filename}" if error.filename else f"listen on {host}:{port}"
        typer.echo(f"Cannot {what}: {error.strerror}. Choose another --host, --port or --data.", err=True)
        raise typer.Exit(2) from None


@contextmanager
def making_up(data: Path) -> Iterator[Path]:
    """Let stand-ins answer for all AI services; gives the folder where what they make up is kept apart."""
    from infra.fakes.made_up.services import made_up_services

    folder = data / "fake-ai"
    with made_up_services(os.environ):
        typer.secho(
            "ALL AI ANSWERS ARE MADE UP (--fake-ai): stand-ins on this machine answer for OpenAI, Gemini and Apify. "
            f"Your keys and what belongs to them are not used; jobs are kept apart, in {folder}.",
            err=True,
            bold=True,
        )
        yield folder


@app.command()
def submit(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="A video on this machine or on the web.")],
    # The default is the kind that needs to be asked for: `metadata` is part of every job's document anyway.
    kind: Annotated[str, typer.Option(help=f"What to make of it: {KINDS}.")] = "recipe",
    language: Annotated[str | None, typer.Option(help="Language of the result, e.g. de.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do a URL anew, even when it was done before.")] = False,
    server: Server = LOCAL,
    json: Json = False,
) -> None:
    """Send a video and follow it to the end."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.submit(source, kind, language, json, fresh)


@app.command()
def jobs(
    status: Annotated[str | None, typer.Option(help="queued, running, done, failed or cancelled.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"Only one kind: {KINDS}.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    server: Server = LOCAL,
) -> None:
    """List your jobs, newest first."""
    from infra.cli.result import jobs_table
    from infra.cli.session import open_session

    with open_session(server) as session:
        found, more = session.api.jobs(status, kind, limit)
        if not found:
            session.say("No jobs yet. Send a video with `clipwise submit FILE`.")
            return
        session.out.print(jobs_table(found))
        if more:
            session.say(f"There are older ones: `clipwise jobs --limit {limit * 2}`.")


@app.command()
def show(id: Id, server: Server = LOCAL, json: Json = False) -> None:
    """Show a job, with its result or its error."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.show(session.api.job(id), json)


@app.command()
def export(
    id: Id,
    format: Annotated[str, typer.Option(help=FORMATS)],
    servings: Annotated[float | None, typer.Option(help="Recalculate a recipe's amounts for so many.")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write to.  [default: stdout]")] = None,
    server: Server = LOCAL,
) -> None:
    """Write a recipe or a transcript for other programs, or for the printer."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        content = session.api.export(id, format, servings)
        if output:
            output.write_bytes(content)
        else:
            typer.echo(content, nl=False)


@app.command()
def ask(
    id: Annotated[str, typer.Argument(metavar="GROUP|VIDEO", help="The id of a group, or of a video (its first job).")],
    question: Annotated[str, typer.Argument(help="In any language.")],
    language: Annotated[str | None, typer.Option(help="Language of the answer, e.g. de.")] = None,
    server: Server = LOCAL,
) -> None:
    """Ask what is said in videos; the answer cites them by number and time."""
    from infra.cli.asking import ask
    from infra.cli.session import open_session

    with open_session(server) as session:
        ask(session, id, question, language)


@app.command()
def cancel(id: Id, server: Server = LOCAL) -> None:
    """Stop a job."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.api.cancel(id)
        session.say(f"Job {id} is cancelled.")


@app.command()
def retry(id: Id, server: Server = LOCAL, json: Json = False) -> None:
    """Take a failed job up again from the stage where it failed, and follow it."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.retry(id, json)


@app.command()
def delete(id: Id, server: Server = LOCAL) -> None:
    """Delete a job with everything that was made of it."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.api.delete(id)
        session.say(f"Job {id} is deleted.")


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Let the server run afterwards, until interrupted.")] = False,
) -> None:
    """Render a cooking video, send it through the whole pipeline on this machine, and check the recipe."""
    from infra.cli.demo import run_demo

    sys.exit(run_demo(keep))


@app.command()
def doctor(
    project: Annotated[
        str | None, typer.Option(help="Look at this Google Cloud project, or at the emulators, instead.")
    ] = None,
    function: Annotated[str | None, typer.Option(help="With --project: examine this function's rights.")] = None,
    online: Annotated[bool, typer.Option("--online", help="Ask the AI services if they take your keys.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder that is to be served.  [default: .clipwise]")] = None,
    host: Annotated[str, typer.Option(help="Address that is to be listened on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port that is to be listened on.")] = 8080,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look for what could be in the way, on this machine or in a project, and say what to do about it."""
    from infra.cli.doctor import report
    from infra.doctor.machine import check_machine
    from shared.wiring import wiring

    try:
        from infra.doctor.project import check_project
    except ModuleNotFoundError as error:
        if project:
            typer.echo(f"{error.name} is not installed; run `pip install 'clipwise[gcp]'`.", err=True)
            raise typer.Exit(2) from None
    if function and (not project or function not in wiring().functions):
        typer.echo(f"--function goes with --project and is one of: {', '.join(wiring().functions)}.", err=True)
        raise typer.Exit(2)
    findings = check_project(project, function) if project else check_machine(os.environ, data, host, port, online)
    raise typer.Exit(report(findings, json))


@app.command()
def smoke(
    server: Server = LOCAL,
    kind: Annotated[str, typer.Option(help=f"What to make of the video: {KINDS}.")] = "metadata",
    token: Annotated[str | None, typer.Option(envvar="CLIPWISE_TOKEN", help="Access token of an account.")] = None,
    patience: Annotated[float, typer.Option(min=1, help="Longest the job may take, in seconds.")] = 600,
) -> None:
    """Send a small video through a deployment, check what comes out, show the stages' times, and clean up."""
    from infra.cli.session import open_session
    from infra.cli.smoke import smoke
    from shared.settings import read_settings

    if token:
        os.environ["CLIPWISE_TOKEN"] = token
    with open_session(server) as session:
        data = read_settings(os.environ).clipwise_data
        code = smoke(session.api, kind, data, patience, session.out, session.err)
        raise typer.Exit(code)


if __name__ == "__main__":
    app()
