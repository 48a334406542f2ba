"""The commands that submit videos, and follow, read and change their jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.options import KINDS, LOCAL, Server

commands = typer.Typer()

Json = Annotated[
    bool, typer.Option("--json", help="Print only the job document, as JSON. Progress is written to stderr.")
]
Id = Annotated[str, typer.Argument(help="Job id, as `clipwise jobs` lists it.")]
FORMATS = "File format: md, html (recipe, reel, summary), jsonld (recipe), txt, srt, vtt (transcript) or json."


@commands.command()
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


@commands.command()
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


@commands.command()
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


@commands.command()
def show(id: Id, server: Server = LOCAL, json: Json = False) -> None:
    """Show a job with its result or error."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.print_job(session.api.get_job(id), json)


@commands.command()
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


@commands.command()
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


@commands.command()
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


@commands.command()
def retry(id: Id, server: Server = LOCAL, json: Json = False) -> None:
    """Retry a failed job from the stage that failed, and follow it."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.retry(id, json)


@commands.command()
def delete(id: Id, server: Server = LOCAL) -> None:
    """Delete a job with its media and results."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.api.delete_job(id)
        session.print_message(f"Deleted job {id}.")
