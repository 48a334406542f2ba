"""`clipwise ask`: a question and its answer on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import typer
from rich.text import Text

from infra.cli.session import EXIT_FAILED, CliSession
from infra.client.api import ApiError
from infra.client.sse import ServerSentEvent
from shared.chat.history import clock_time

QUOTE = 300
"""Maximum length of a displayed quote, in characters."""


def print_answer(session: CliSession, id: str, question: str, language: str | None) -> None:
    """Print the answer while it arrives, then its citations; exits with code 1 if it is interrupted."""
    done = False
    for event in stream_answer(session, id, question, language):
        data = json.loads(event.data)
        match event.type:
            case "piece":
                session.out.print(Text(data["text"]), end="", soft_wrap=True)
            case "done":
                done = True
                session.out.print()
                for citation in data["citations"]:
                    session.out.print(format_citation(citation), soft_wrap=True)
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
        yield from session.api.stream_answer({"group_id": id}, question, language)
    except ApiError as refused:
        if refused.status != 404:
            raise
        yield from session.api.stream_answer({"video_id": id}, question, language)


def format_citation(citation: dict[str, Any]) -> Text:
    """Format a citation as `[1] Soup, 1:05–1:40: “Boil it.”`, with the link to the moment."""
    times = f"{clock_time(citation['start'])}–{clock_time(citation['end'])}"
    quote = citation["quote"] if len(citation["quote"]) <= QUOTE else citation["quote"][: QUOTE - 1] + "…"
    return Text.assemble(
        f"\n[{citation['number']}] ",
        (citation["title"] or citation["videoId"], "bold"),
        f", {times}\n    “{quote}”\n    ",
        (citation["link"], "dim"),
    )
