"""A command's session with a server: submits, follows and prints jobs and answers, and sets the exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EISDIR, ENOENT
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text

from infra.api_client import ApiClient, ApiError, JobDocument, ServerSentEvent, ServerUnreachable
from infra.cli.credentials import Credentials, SessionAuth
from infra.cli.options import LOCAL, format_os_error, is_url
from infra.cli.progress import ProgressView, follow_job, progress_view, update_job, update_upload
from infra.cli.upload import send_file
from infra.cli.views import empty_view, failure_view, job_view, result_view
from shared.chat.history import clock_time
from shared.error_codes.api import AccountCode
from shared.errors import PermanentError
from shared.exports.markup import clean_text

EXIT_FAILED, EXIT_ERROR, EXIT_INTERRUPTED = 1, 2, 130
PIPE_WIDTH = 120
"""Width in columns if the output is not a terminal."""
EXPORT_FORMATS = {"recipe": "md", "reel": "md", "summary": "md", "transcript": "txt"}
"""The format to suggest for a kind; `json` exists for every other kind."""
MAX_QUOTE_LENGTH = 300
"""Of a displayed quote, in characters."""


@dataclass(frozen=True)
class CleanText:
    """Displays something without the characters by which a stranger's text could control the terminal."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.content, options):
            yield segment if segment.control else Segment(clean_text(segment.text), segment.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.content)


class TextCleaner(RenderHook):
    """Cleans all that a console prints: titles, answers and error messages contain texts of strangers."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [CleanText(renderable) for renderable in renderables]


def open_console(stream: TextIO) -> Console:
    """Open a console: plain text if `stream` is not a terminal; unencodable characters become question marks."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    console = Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)
    console.push_render_hook(TextCleaner())
    return console


def format_json(value: Any) -> str:
    """Format JSON in which characters that could control a terminal are escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(sign if clean_text(sign) else json.dumps(sign)[1:-1] for sign in text)


@contextmanager
def open_session(server: str) -> Iterator[CliSession]:
    """Open a session; exits with code 2 and a message if the server does not respond or rejects a request."""
    err = open_console(sys.stderr)
    try:
        token = os.environ.get("CLIPWISE_TOKEN")
        with ApiClient(server, token, None if token else SessionAuth(server.rstrip("/"), Credentials())) as api:
            yield CliSession(api, open_console(sys.stdout), err)
    except ServerUnreachable as error:
        problem = str(error)
    except ApiError as error:
        problem = f"{error.detail} ({error.code})"
        if error.code == AccountCode.UNAUTHENTICATED:
            problem += " Run `clipwise login NAME`."
    except PermanentError as error:
        problem = f"{error.message} ({error.code})"
    except OSError as error:
        problem = format_os_error(error)
    else:
        return
    err.print(Text(problem, style="red"), soft_wrap=True)
    raise typer.Exit(EXIT_ERROR)


@dataclass(frozen=True)
class CliSession:
    """A session with a server; results go to `out`, everything else to `err`."""

    api: ApiClient
    out: Console
    err: Console

    def print_message(self, sentence: str) -> None:
        self.err.print(Text(sentence), soft_wrap=True)

    def format_command(self, words: str) -> str:
        """Format a command such as `clipwise show ID` for this server."""
        is_default = self.api.server == os.environ.get("CLIPWISE_SERVER", LOCAL).rstrip("/")
        return f"`clipwise {words}`" if is_default else f"`clipwise {words} --server {self.api.server}`"

    def submit(
        self,
        source: str,
        kind: str,
        language: str | None,
        options: Mapping[str, str | int],
        as_json: bool,
        fresh: bool,
    ) -> None:
        """Submit a file or a URL, follow its job and print the outcome."""
        with progress_view(self.err) as view:
            if is_url(source):
                job = self.api.create_job(source, kind, language, options, fresh)
                if job["status"] == "done":
                    self.print_message(
                        "This video was processed before; showing that result. Use --fresh to process it again."
                    )
            else:
                job = self._upload_file(source, kind, language, options, view)
            job = self._follow_job(job["id"], view)
        self._print_outcome(job, as_json)

    def retry(self, id: str, as_json: bool) -> None:
        """Retry a job, follow it and print the outcome."""
        self.api.retry_job(id)
        with progress_view(self.err) as view:
            job = self._follow_job(id, view)
        self._print_outcome(job, as_json)

    def print_job(self, job: JobDocument, as_json: bool) -> None:
        """Print a summary of the job, then its result or error if it has ended."""
        if as_json:
            self._print_json(job)
            return
        self.out.print(job_view(job))
        if job["status"] == "done":
            self.out.print("", result_view(job))
            self._print_empty(job)
        elif job["status"] == "failed":
            self.out.print("", failure_view(job, self.format_command(f"retry {job['id']}")), soft_wrap=True)

    def _upload_file(
        self, source: str, kind: str, language: str | None, options: Mapping[str, str | int], view: ProgressView
    ) -> JobDocument:
        path = Path(source)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "", source)
        if not path.is_file():
            raise FileNotFoundError(ENOENT, "No such file. A URL must begin with http:// or https://.", source)
        size = path.stat().st_size
        try:
            return send_file(self.api, path, kind, language, options, lambda sent: update_upload(view, sent, size))
        except KeyboardInterrupt:
            self.print_message("The upload was interrupted and its job cancelled.")
            raise typer.Exit(EXIT_INTERRUPTED) from None

    def _follow_job(self, id: str, view: ProgressView) -> JobDocument:
        try:
            for job in follow_job(self.api, id):
                update_job(view, job)
        except KeyboardInterrupt:
            self.print_message(
                f"The job keeps running on the server. Check it with {self.format_command(f'show {id}')}."
            )
            raise typer.Exit(EXIT_INTERRUPTED) from None
        return job

    def _print_outcome(self, job: JobDocument, as_json: bool) -> None:
        """Print the outcome and exit."""
        if as_json:
            self._print_json(job)
        elif job["status"] == "done":
            self.out.print("", result_view(job))
        self._print_empty(job)
        is_done = job["status"] == "done"
        if not is_done:
            self.err.print(failure_view(job, self.format_command(f"retry {job['id']}")), soft_wrap=True)
        self._print_places(job)
        raise typer.Exit(0 if is_done else EXIT_FAILED)

    def _print_empty(self, job: JobDocument) -> None:
        if view := empty_view(job):
            self.err.print()
            self.err.print(view, soft_wrap=True)

    def _print_places(self, job: JobDocument) -> None:
        """Print the job's id, its page in the console and, unless its result is empty, the command that exports it."""
        self.print_message(f"\nJob:    {job['id']}\nPage:   {self.api.server}/#/jobs/{job['id']}")
        if job["status"] == "done" and not job.get("resultEmpty"):
            command = f"export {job['id']} --format {EXPORT_FORMATS.get(job['kind'], 'json')}"
            self.print_message(f"Export: {self.format_command(command).strip('`')}")

    def _print_json(self, job: JobDocument) -> None:
        typer.echo(format_json(job).encode())


def print_answer(session: CliSession, id: str, question: str, language: str | None) -> None:
    """Print the answer while it arrives, then its citations; exits with code 1 if it is interrupted.

    The text of a citation is omitted where the answer quotes it.
    """
    done, answer = False, ""
    for event in stream_answer(session, id, question, language):
        data = json.loads(event.data)
        match event.type:
            case "piece":
                answer += data["text"]
                session.out.print(Text(data["text"]), end="", soft_wrap=True)
            case "done":
                done = True
                session.out.print()
                for citation in data["citations"]:
                    is_quoted = citation["quote"] in answer
                    session.out.print(format_citation(citation, with_quote=not is_quoted), soft_wrap=True)
            case "error":
                session.out.print()
                raise ApiError(0, data["code"], data["detail"])
    if not done:
        session.out.print()
        session.print_message("The answer was interrupted. Ask again.")
        raise typer.Exit(EXIT_FAILED)


def stream_answer(session: CliSession, id: str, question: str, language: str | None) -> Iterator[ServerSentEvent]:
    """Yield the answer from the group with this id or, if there is none, from the video."""
    try:
        yield from session.api.stream_answer({"groupId": id}, question, language)
    except ApiError as error:
        if error.status != 404:
            raise
        yield from session.api.stream_answer({"videoId": id}, question, language)


def format_citation(citation: dict[str, Any], with_quote: bool = True) -> Text:
    """Format a citation as `[1] Soup, 1:05–1:40`, its text if `with_quote`, and the link to the moment."""
    times = f"{clock_time(citation['start'])}–{clock_time(citation['end'])}"
    quote = citation["quote"]
    if len(quote) > MAX_QUOTE_LENGTH:
        quote = quote[: MAX_QUOTE_LENGTH - 1] + "…"
    return Text.assemble(
        f"\n[{citation['number']}] ",
        (citation["title"] or citation["videoId"], "bold"),
        f", {times}\n    ",
        f"“{quote}”\n    " if with_quote else "",
        (citation["link"], "dim"),
    )
