"""The commands about accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli.options import LOCAL, Server

commands = typer.Typer()

Name = Annotated[str, typer.Argument(help="Username or e-mail address.")]
MailedToken = Annotated[str, typer.Argument(metavar="TOKEN", help="From the mail.")]
Password = Annotated[str, typer.Option(envvar="CLIPWISE_PASSWORD", prompt=True, hide_input=True, help="Your password.")]
NewPassword = Annotated[
    str,
    typer.Option(
        envvar="CLIPWISE_PASSWORD",
        prompt=True,
        hide_input=True,
        confirmation_prompt=True,
        help="At least 8 characters.",
    ),
]


@commands.command()
def signup(
    username: Annotated[str, typer.Argument(help="Letters, digits and the signs . + - _")],
    email: Annotated[str, typer.Argument(help="A mail goes there, to be answered before you can log in.")],
    password: NewPassword,
    server: Server = LOCAL,
) -> None:
    """Make an account."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.say(session.api.account("signup", username=username, email=email, password=password)["message"])


@commands.command("verify-email")
def verify_email(token: MailedToken, server: Server = LOCAL) -> None:
    """Take up an account by the token from the mail."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        name = session.api.account("verify-email", token=token)["username"]
        session.say(f"The address is verified; go on with {session.command(f'login {name}')}.")


@commands.command()
def login(name: Name, password: Password, server: Server = LOCAL) -> None:
    """Sign in; the session is kept in your configuration folder."""
    from infra.cli.credentials import Credentials, Stored
    from infra.cli.session import open_session

    with open_session(server) as session:
        stored = Stored.of(session.api.account("login", username=name, password=password))
        Credentials().put(session.api.server, stored)
        session.say(f"You are signed in as {stored.username or name}.")


@commands.command()
def logout(server: Server = LOCAL) -> None:
    """End your session."""
    from infra.cli.credentials import Credentials
    from infra.cli.session import open_session
    from infra.client.api import Refused

    with open_session(server) as session:
        try:
            session.api.log_out()
        except Refused as refused:
            if refused.status != 401:
                raise
        Credentials().forget(session.api.server)
        session.say("You are signed out.")


@commands.command()
def whoami(server: Server = LOCAL) -> None:
    """Show who the server takes you for."""
    from infra.cli.session import open_session
    from infra.cli.words import clean

    with open_session(server) as session:
        me = session.api.me()
        name = me["username"] or me["id"]
        typer.echo(clean(f"{name} <{me['email']}>" if me["email"] else name))


@commands.command("forgot-password")
def forgot_password(email: Annotated[str, typer.Argument()], server: Server = LOCAL) -> None:
    """Have a mail sent to choose a new password."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.say(session.api.account("password-reset", email=email)["message"])


@commands.command("reset-password")
def reset_password(token: MailedToken, password: NewPassword, server: Server = LOCAL) -> None:
    """Choose a new password by the token from the mail."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.api.account("password-reset/confirm", token=token, password=password)
        session.say("The password is changed; sign in with it.")
