"""Accounts on the command line, against a real API."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.api_client import ApiClient, ApiError
from infra.cli.credentials import Credentials, SessionAuth, StoredSession
from infra.cli.main import app
from shared import clock
from shared.settings import settings
from tests.accounts import PASSWORD, Mailbox, cheap_passwords
from tests.api_site import Site

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def run(site: Site, config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Commands as the user of a configuration folder, where everyone has to sign in."""
    site.configure(AUTH_REQUIRED="true")
    monkeypatch.delenv("CLIPWISE_TOKEN", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.setenv("CLIPWISE_SERVER", site.url)

    def command(*words: str, password: str | None = PASSWORD, **environ: str) -> Result:
        return CliRunner().invoke(app, list(words), env={"CLIPWISE_PASSWORD": password, "COLUMNS": "100", **environ})

    with cheap_passwords():
        yield command
    # `--token` leaves it in the environment of the program, which here is the tests'.
    os.environ.pop("CLIPWISE_TOKEN", None)


def joined(run: Run) -> None:
    assert run("signup", "ann", "ann@example.com").exit_code == 0
    (token,) = Mailbox(settings().clipwise_data).tokens("verify", "ann@example.com")
    assert run("verify-email", token).exit_code == 0
    assert run("login", "ann").exit_code == 0


def test_from_signing_up_to_logging_out(run: Run) -> None:
    """A user signs up, answers the mail as it says, signs in, works and signs out."""
    refused = run("jobs")
    assert refused.exit_code == 2
    assert "clipwise login" in refused.output
    joined(run)

    assert run("whoami").stdout.strip() == "ann <ann@example.com>"
    assert "No jobs found" in run("jobs").output
    assert run("logout").exit_code == 0
    assert run("whoami").exit_code == 2


def test_the_session_is_the_users_alone(run: Run, config: Path) -> None:
    """Other users of the machine cannot read the tokens, and the password is kept nowhere."""
    joined(run)
    file = config / "clipwise" / "sessions.json"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert PASSWORD not in file.read_text()


def test_a_key_from_its_creation_to_its_end(run: Run) -> None:
    """A user makes a key for a program, which works with it alone, sees its use, and ends it."""
    joined(run)
    made = run("keys", "create", "Phone", "--scope", "read", "--days", "90")
    key, id = made.stdout.strip(), made.stdout.split("_")[1]
    assert f"clipwise keys delete {id}" in made.stderr
    assert run("logout").exit_code == 0

    assert run("jobs", CLIPWISE_TOKEN=key).exit_code == 0
    assert run("whoami", CLIPWISE_TOKEN=key).exit_code == 0
    submitted = run("submit", "https://example.com/a.mp4", CLIPWISE_TOKEN=key)
    assert (submitted.exit_code, "key_scope" in submitted.output) == (2, True)
    assert "session_required" in run("keys", "list", CLIPWISE_TOKEN=key).output
    assert run("login", "ann").exit_code == 0
    (row,) = [line for line in run("keys", "list").stdout.splitlines() if id in line]
    assert "read" in row
    assert "never" not in row
    assert run("keys", "delete", id).exit_code == 0
    assert "No API keys found" in run("keys", "list").output
    refused = run("jobs", CLIPWISE_TOKEN=key)
    assert (refused.exit_code, "key_invalid" in refused.output) == (2, True)


def test_a_session_is_renewed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the access token has expired, the user notices nothing."""
    joined(run)
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert run("whoami").exit_code == 0
    assert run("whoami").exit_code == 0


def test_programs_that_renew_at_once(site: Site, run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several commands at the same time do not end the session by using its refresh token twice."""
    joined(run)
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    def ask(_: int) -> str:
        with ApiClient(site.url, auth=SessionAuth(site.url, Credentials(config / "clipwise"))) as api:
            return str(api.current_user()["username"])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(8))) == ["ann"] * 8


def test_a_session_that_was_ended_elsewhere(site: Site, run: Run, config: Path) -> None:
    """The user is told to sign in again, and the useless tokens go."""
    joined(run)
    credentials = Credentials(config / "clipwise")
    credentials.put(site.url, StoredSession("ann", "x", "y"))

    refused = run("jobs")
    assert refused.exit_code == 2
    assert "clipwise login" in refused.output
    assert credentials.get(site.url) is None


def test_a_token_for_scripts(site: Site, run: Run) -> None:
    """CLIPWISE_TOKEN or --token stand before what is stored."""
    joined(run)

    assert run("whoami", CLIPWISE_TOKEN="token-ben").stdout.strip() == "ben"
    assert run("--token", "token-cat", "whoami").stdout.strip() == "cat"


def test_a_forgotten_password(run: Run) -> None:
    """The mail's command sets a new one."""
    joined(run)
    assert run("forgot-password", "ann@example.com").exit_code == 0
    (token,) = Mailbox(settings().clipwise_data).tokens("reset", "ann@example.com")

    assert run("reset-password", token, password="quite another one").exit_code == 0
    assert run("whoami").exit_code == 2
    assert run("login", "ann").exit_code == 2
    assert run("login", "ann", password="quite another one").exit_code == 0


def test_sessions_of_several_servers(config: Path) -> None:
    """Tokens are sent only to the server that gave them."""
    credentials = Credentials(config)
    credentials.put("http://one.example", StoredSession("ann", "a", "b"))

    assert credentials.get("http://other.example") is None
    credentials.put("http://other.example", StoredSession("ben", "c", "d"))
    credentials.delete("http://one.example")
    assert list(json.loads((config / "sessions.json").read_text())) == ["http://other.example"]
    assert "'c'" not in repr(credentials.get("http://other.example"))


def test_an_api_without_a_session(site: Site, run: Run, config: Path) -> None:
    """Who has none sends no token."""
    with (
        ApiClient(site.url, auth=SessionAuth(site.url, Credentials(config))) as api,
        pytest.raises(ApiError) as refused,
    ):
        api.current_user()
    assert refused.value.code == "unauthenticated"
