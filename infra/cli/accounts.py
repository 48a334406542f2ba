"""Account commands."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli.options import LOCAL, Server

commands = typer.Typer()

Name = Annotated[str, typer.Argument(help="Username or email address.")]
MailedToken = Annotated[str, typer.Argument(metavar="TOKEN", help="Token from the email.")]
Password = Annotated[str, typer.Option(envvar="CLIPWISE_PASSWORD", prompt=True, hide_input=True, help="Your password.")]
NewPassword = Annotated[
    str,
    typer.Option(
        envvar="CLIPWISE_PASSWORD",
        prompt=True,
        hide_input=True,
        confirmation_prompt=True,
        help="New password of at least 8 characters.",
    ),
]


@commands.command()
def signup(
    username: Annotated[str, typer.Argument(help="Username. Letters, digits and the characters . + - _ are allowed.")],
    email: Annotated[str, typer.Argument(help="Email address. You must verify it before you can sign in.")],
    password: NewPassword,
    server: Server = LOCAL,
) -> None:
    """Create an account."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.print_message(
            session.api.post_auth("signup", username=username, email=email, password=password)["message"]
        )


@commands.command("verify-email")
def verify_email(token: MailedToken, server: Server = LOCAL) -> None:
    """Verify an email address with the token from the email."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        name = session.api.post_auth("verify-email", token=token)["username"]
        session.print_message(f"The email address is verified. Sign in with {session.format_command(f'login {name}')}.")


@commands.command()
def login(name: Name, password: Password, server: Server = LOCAL) -> None:
    """Sign in. The session is stored in your configuration folder."""
    from infra.cli.credentials import Credentials, StoredSession
    from infra.cli.session import open_session

    with open_session(server) as session:
        stored = StoredSession.from_response(session.api.post_auth("login", username=name, password=password))
        Credentials().put(session.api.server, stored)
        session.print_message(f"Signed in as {stored.username or name}.")


@commands.command()
def logout(server: Server = LOCAL) -> None:
    """Sign out."""
    from infra.api_client import ApiError
    from infra.cli.credentials import Credentials
    from infra.cli.session import open_session

    with open_session(server) as session:
        try:
            session.api.log_out()
        except ApiError as error:
            if error.status != 401:
                raise
        Credentials().delete(session.api.server)
        session.print_message("Signed out.")


@commands.command()
def whoami(server: Server = LOCAL) -> None:
    """Show the account you are signed in with."""
    from infra.cli.session import open_session
    from shared.exports.markup import clean_text

    with open_session(server) as session:
        me = session.api.current_user()
        name = me["username"] or me["id"]
        typer.echo(clean_text(f"{name} <{me['email']}>" if me["email"] else name))


@commands.command("forgot-password")
def forgot_password(
    email: Annotated[str, typer.Argument(help="Email address of the account.")], server: Server = LOCAL
) -> None:
    """Request an email to reset your password."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.print_message(session.api.post_auth("password-reset", email=email)["message"])


@commands.command("reset-password")
def reset_password(token: MailedToken, password: NewPassword, server: Server = LOCAL) -> None:
    """Set a new password with the token from the email."""
    from infra.cli.session import open_session

    with open_session(server) as session:
        session.api.post_auth("password-reset/confirm", token=token, password=password)
        session.print_message("The password is changed. Sign in with the new password.")
