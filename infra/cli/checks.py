"""The commands that check a machine, a cloud project or a service, and prepare a deployment's smoke test."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.accounts import Password
from infra.cli.options import KINDS, LOCAL, Server, load_settings

commands = typer.Typer()


@commands.command()
def doctor(
    project: Annotated[
        str | None,
        typer.Option(help="Check this Google Cloud project, or the emulators, instead of this machine."),
    ] = None,
    function: Annotated[
        str | None, typer.Option(help="Check only the permissions of this function. Requires --project.")
    ] = None,
    before_apply: Annotated[
        bool,
        typer.Option("--before-apply", help="Check whether `terraform apply` can succeed in it. Requires --project."),
    ] = False,
    region: Annotated[str, typer.Option(help="Region to deploy to, for --before-apply.")] = "europe-west1",
    online: Annotated[
        bool, typer.Option("--online", help="Send a request to each AI service to verify your API keys.")
    ] = False,
    ai: Annotated[
        bool, typer.Option("--ai", help="Try a tiny request of each task with each configured AI provider instead.")
    ] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Check instead whether yt-dlp can read the video platforms from here.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder to check. Defaults to .clipwise.")] = None,
    host: Annotated[str, typer.Option(help="Address to check.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to check.")] = 8080,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check this machine or a Google Cloud project for problems, with advice for each."""
    from infra.cli.session import open_console
    from infra.doctor.findings import print_findings
    from infra.doctor.machine import check_machine
    from shared.wiring import wiring

    try:
        from infra.doctor.project import check_project
    except ModuleNotFoundError as error:
        if project:
            typer.echo(f"{error.name} is not installed. Run `pip install 'clipwise[gcp]'`.", err=True)
            raise typer.Exit(2) from None
    if function and (not project or function not in wiring().functions):
        typer.echo(f"--function requires --project and must be one of: {', '.join(wiring().functions)}.", err=True)
        raise typer.Exit(2)
    if before_apply and not project:
        typer.echo("--before-apply requires --project.", err=True)
        raise typer.Exit(2)
    if ai:
        from infra.doctor.ai_tasks import check_ai

        findings = check_ai(load_settings())
    elif sources:
        from infra.doctor.sources import check_sources

        findings = check_sources(load_settings())
    elif project and before_apply:
        from infra.doctor.before_apply import check_before_apply

        findings = check_before_apply(project, region)
    elif project:
        findings = check_project(project, function)
    else:
        findings = check_machine(os.environ, data, host, port, online)
    raise typer.Exit(print_findings(open_console(sys.stdout), findings, json))


@commands.command("smoke-account")
def smoke_account(
    project: Annotated[str, typer.Argument(help="Google Cloud project of the deployment.")],
    password: Password,
    server: Server = LOCAL,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until the deployment is reachable.")] = 0,
) -> None:
    """Create the smoke test's account in a deployment and sign in as it, once the deployment is reachable."""
    from infra.cli.accounts import login
    from infra.cli.session import open_session
    from infra.cli.smoke_account import ensure_account, smoke_email, wait_until_reachable
    from infra.doctor.cloud import CloudApiError, NoCredentials, open_cloud

    with open_session(server) as session:
        wait_until_reachable(session.api, wait)
    try:
        with open_cloud(project, None) as cloud:
            ensure_account(cloud, password)
    except (CloudApiError, NoCredentials) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    login(smoke_email(project), password, server)


@commands.command()
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
