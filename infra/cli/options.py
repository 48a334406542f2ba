"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

LOCAL = "http://127.0.0.1:8080"

Server = Annotated[str, typer.Option(envvar="CLIPWISE_SERVER", help="Where the Clipwise API is.")]


def is_link(source: str) -> bool:
    """Whether what was typed is a link and no file."""
    return source.lower().startswith(("http://", "https://"))
