"""The command line: `clipwise`.

Exit codes: 0 success; 1 a job failed or was cancelled; 2 invalid usage, or no server answered; 130 interrupted;
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

from infra.cli import accounts, backups, checks, datasets, keys, library, mcp_server, models
from infra.cli.options import LOCAL, Server, format_os_error, load_settings
from infra.runtimes.process import bypass_proxies

# Imports stay inside the commands, so that `clipwise --help` responds immediately.

app = typer.Typer(
    help="Turn videos into structured data: submit a file or a URL, follow its job, read the result.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[
    bool, typer.Option("--json", help="Print only the job document, as JSON. Progress is written to stderr.")
]
Id = Annotated[str, typer.Argument(help="Job id, as `clipwise jobs` lists it.")]
# Spelled out, since loading them would take longer than the rest of `--help`; a test compares.
KINDS = "recipe, reel, summary, transcript or metadata"
FORMATS = "File format: md, html (recipe, reel, summary), jsonld (recipe), txt, srt, vtt (transcript) or json."

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


@app.command()
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


@app.command()
def submit(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER|URL...",
            help="Videos: files, folders, patterns such as '*.mp4', text files of URLs, URLs of videos, playlists, "
            "channels and profiles.",
        ),
    ],
    # `metadata` is part of every job document anyway, so it is not the default.
    kind: Annotated[str, typer.Option(help=f"Kind of analysis: {KINDS}.")] = "recipe",
    language: Annotated[str | None, typer.Option(help="Language of the result, e.g. de.")] = None,
    audio_track: Annotated[
        str | None, typer.Option(help="Audio track to use: its index in the file, or its language.")
    ] = None,
    subtitle_track: Annotated[
        str | None, typer.Option(help="Subtitle track to use as the transcript: its index, its language, or none.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Process a URL again, even if a job has already finished it.")
    ] = False,
    max_videos: Annotated[
        int | None,
        typer.Option(min=1, max=500, help="Maximum number of videos to take from each list. Defaults to 50."),
    ] = None,
    server: Server = LOCAL,
    json: Json = False,
) -> None:
    """Submit videos and follow their jobs. After an interruption, the same command continues."""
    from infra.cli.batch import Analysis
    from infra.cli.batch_session import is_single, submit_many
    from infra.cli.session import open_session

    options = track_options(audio_track, subtitle_track)
    with open_session(server) as session:
        if is_single(sources):
            session.submit(sources[0], kind, language, options, json, fresh)
        else:
            submit_many(session, sources, Analysis(kind, language, options, fresh, max_videos), json)


@app.command()
def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Folder whose videos are submitted.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Defaults to the folder of each video.")
    ] = None,
    kind: Annotated[str, typer.Option(help=f"Kind of analysis: {KINDS}.")] = "recipe",
    language: Annotated[str | None, typer.Option(help="Language of the results, e.g. de.")] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="File format: md, json or srt. Repeatable. Defaults to md.")
    ] = None,
    server: Server = LOCAL,
) -> None:
    """Submit the videos that a folder contains and receives, and write their results, until interrupted."""
    from infra.cli.session import open_session
    from infra.cli.watch_session import watch_folder

    with open_session(server) as session:
        watch_folder(session, folder, out, kind, language, formats or ["md"])


def track_options(audio_track: str | None, subtitle_track: str | None) -> dict[str, str | int]:
    """Return the job options that name tracks; digits are the index of a track."""
    named = {"audio_track": audio_track, "subtitle_track": subtitle_track}
    return {name: int(track) if track.isdecimal() else track for name, track in named.items() if track is not None}


@app.command()
def jobs(
    status: Annotated[
        str | None,
        typer.Option(help="List only jobs with this status: queued, running, done, failed or cancelled."),
    ] = None,
    kind: Annotated[str | None, typer.Option(help=f"List only jobs of this kind: {KINDS}.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of jobs to list.")] = 20,
    server: Server = LOCAL,
) -> None:
    """List your jobs, newest first."""
    from infra.cli.session import open_session
    from infra.cli.views import jobs_table

    with open_session(server) as session:
        documents, more = session.api.list_jobs(status, kind, limit)
        if not documents:
            session.print_message("No jobs found. Submit a video with `clipwise submit FILE`.")
            return
        session.out.print(jobs_table(documents))
        if more:
            session.print_message(f"There are older jobs. List more with `clipwise jobs --limit {limit * 2}`.")


@app.command()
def show(id: Id, server: Server = LOCAL, json: Json = False) -> None:
    """Show a job with its result or error."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.print_job(session.api.get_job(id), json)


@app.command()
def export(
    id: Id,
    format: Annotated[str, typer.Option(help=FORMATS)],
    servings: Annotated[
        float | None, typer.Option(help="Scale the amounts of a recipe to this number of servings.")
    ] = None,
    units: Annotated[str | None, typer.Option(help="Convert the amounts of a recipe: metric or us.")] = None,
    share: Annotated[
        str | None,
        typer.Option(help="Token of a share link that shows the video, for lasting picture and video links in jsonld."),
    ] = None,
    line_length: Annotated[
        int | None,
        typer.Option(help="Maximum number of characters in a line of srt and vtt. Defaults to 42, or to 16 in CJK."),
    ] = None,
    max_lines: Annotated[int | None, typer.Option(help="Maximum number of lines of a subtitle. Defaults to 2.")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write to. Defaults to standard output.")] = None,
    server: Server = LOCAL,
) -> None:
    """Export a job's result or transcript."""
    from infra.cli.session import open_session
    from shared.exports.markup import clean_text

    with open_session(server) as session:
        content = session.api.export_job(
            id, format, servings=servings, units=units, share=share, lineLength=line_length, maxLines=max_lines
        )
        if output:
            output.write_bytes(content)
        elif sys.stdout.isatty():
            typer.echo(clean_text(content.decode()), nl=False)
        else:
            typer.echo(content, nl=False)


@app.command()
def ask(
    id: Annotated[
        str, typer.Argument(metavar="GROUP|VIDEO", help="Id of a group, or of a video (the id of its first job).")
    ],
    question: Annotated[str, typer.Argument(help="Question, in any language.")],
    language: Annotated[str | None, typer.Option(help="Language of the answer, e.g. de.")] = None,
    server: Server = LOCAL,
) -> None:
    """Ask a question about videos. The answer cites its sources by number and time."""
    from infra.cli.session import open_session, print_answer

    with open_session(server) as session:
        print_answer(session, id, question, language)


@app.command()
def cancel(
    id: Annotated[str, typer.Argument(help="Id of a job or a batch.")],
    server: Server = LOCAL,
) -> None:
    """Cancel a job, or a batch with all its active jobs."""
    from infra.api_client import ApiError
    from infra.cli.session import open_session

    with open_session(server) as session:
        try:
            session.api.cancel_job(id)
        except ApiError as error:
            if error.status != 404:
                raise
            session.api.cancel_batch(id)
            session.print_message(f"Cancelled batch {id}.")
        else:
            session.print_message(f"Cancelled job {id}.")


@app.command()
def retry(id: Id, server: Server = LOCAL, json: Json = False) -> None:
    """Retry a failed job from the stage that failed, and follow it."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.retry(id, json)


@app.command()
def delete(id: Id, server: Server = LOCAL) -> None:
    """Delete a job with its media and results."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.api.delete_job(id)
        session.print_message(f"Deleted job {id}.")


@app.command()
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


@app.command()
def smoke(
    server: Server = LOCAL,
    kind: Annotated[str, typer.Option(help=f"Kind of analysis: {KINDS}.")] = "metadata",
    token: Annotated[str | None, typer.Option(envvar="CLIPWISE_TOKEN", help="API key or access token.")] = None,
    patience: Annotated[float, typer.Option(min=1, help="Time limit for the job, in seconds.")] = 600,
) -> None:
    """Test a deployment with a small video: check the result, print stage timings, clean up."""
    from infra.cli.session import open_session
    from infra.cli.smoke import run_smoke_test

    if token:
        os.environ["CLIPWISE_TOKEN"] = token
    with open_session(server) as session:
        data = load_settings().clipwise_data
        code = run_smoke_test(session.api, kind, data, patience, session.out, session.err)
        raise typer.Exit(code)


if __name__ == "__main__":
    app()
