"""API key commands."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from infra.cli.options import LOCAL, Server

commands = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@commands.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the key, such as the program that uses it.")],
    scope: Annotated[
        list[str], typer.Option("--scope", help="What the key may do: read, write or admin:own. Repeatable.")
    ],
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="Days until the key expires. Without it, the key works until revoked."),
    ] = None,
    server: Server = LOCAL,
) -> None:
    """Create an API key and print it. It is shown only once."""
    from infra.cli.session import open_session
    from shared import clock

    expires_at = (clock.now() + timedelta(days=days)).isoformat() if days else None
    with open_session(server) as session:
        body = {"name": name, "scopes": scope, "expiresAt": expires_at}
        made = session.api.request_json("POST", "/v1/auth/keys", json=body)
        typer.echo(made["key"])
        command = session.format_command(f"keys delete {made['id']}")
        session.print_message(f"Store the key now: it is not shown again. Revoke it with {command}.")


@commands.command("list")
def list_keys(server: Server = LOCAL) -> None:
    """List your API keys, newest first."""
    from infra.cli.session import open_session
    from infra.cli.views import keys_table

    with open_session(server) as session:
        # More than an account can have.
        keys = session.api.request_json("GET", "/v1/auth/keys", params={"limit": 100})["keys"]
        if keys:
            session.out.print(keys_table(keys))
        else:
            command = session.format_command("keys create NAME --scope read")
            session.print_message(f"No API keys found. Create one with {command}.")


@commands.command()
def delete(
    id: Annotated[str, typer.Argument(help="Key id, as `clipwise keys list` prints it.")], server: Server = LOCAL
) -> None:
    """Revoke an API key. It stops working at once."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.api.delete_resource(f"/v1/auth/keys/{id}")
        session.print_message(f"Revoked the API key {id}.")
