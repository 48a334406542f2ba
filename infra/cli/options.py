"""Options shared by several commands."""

from __future__ import annotations

from typing import Annotated

import typer

LOCAL = "http://127.0.0.1:8080"

Server = Annotated[str, typer.Option(envvar="CLIPWISE_SERVER", help="URL of the Clipwise server.")]


def is_url(source: str) -> bool:
    """Return True if `source` is a URL rather than a path."""
    return source.lower().startswith(("http://", "https://"))
