"""Accounts on one machine: what only they promise."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared import clock
from shared.errors import PermanentError
from shared.platform.accounts import AccountUpdate, Identity
from shared.platform.embedded import local_accounts as accounts_module
from shared.platform.embedded.account_sessions import ALGORITHM, AUDIENCE, ISSUER, AccessTokens
from shared.platform.embedded.local_accounts import Passwords, open_local_accounts
from shared.platform.embedded.signing import derive_key, signing_key
from shared.settings import Settings
from tests.accounts import PASSWORD, Mailbox, People, cheap_passwords, local
from tests.contract.test_identity import code_of

OTHER = "quite another one"
MoveClock = Callable[..., None]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with cheap_passwords(), local(tmp_path) as opened:
        yield opened


@pytest.fixture
def identity(people: People) -> Identity:
    return people.identity


@pytest.fixture
def key(tmp_path: Path, people: People) -> bytes:
    return derive_key(signing_key(Settings(clipwise_data=tmp_path / "data")), "access tokens")


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> MoveClock:
    real = clock.now

    def move(**by: float) -> None:
        delta = timedelta(**by)
        monkeypatch.setattr(clock, "now", lambda: real() + delta)

    return move


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_token_holds_no_more_than_it_must(people: People, identity: Identity) -> None:
    """Whoever finds a token learns neither name nor address from it."""
    people.join("Ann")
    claims = claims_of(identity.log_in("ann", PASSWORD).access_token)

    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "auth_time"}
    assert claims["exp"] - claims["iat"] == 900


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other"},
        {"aud": [AUDIENCE, "other"], "iss": "other"},
        {"iss": "other"},
        {"sub": "other"},
        {"sid": "other"},
        {"exp": 0},
        {"exp": "tomorrow"},
        {"exp": None},
        {"iat": 10**11},
        {"iat": None},
        {"aud": None},
        {"iss": None},
        {"sub": None},
        {"sid": None},
    ],
)
def test_a_token_with_other_claims(people: People, identity: Identity, key: bytes, changed: dict[str, Any]) -> None:
    """Even with the right key, a token counts only as it was meant."""
    people.join("Ann")
    claims = claims_of(identity.log_in("ann", PASSWORD).access_token)
    assert identity.verify_token(jwt.encode(claims, key, ALGORITHM)).username == "Ann"
    wrong = {name: value for name, value in (claims | changed).items() if value is not None}

    assert code_of(identity.verify_token, jwt.encode(wrong, key, ALGORITHM)) == "unauthenticated"


def test_a_token_of_another_kind(people: People, identity: Identity, key: bytes) -> None:
    """No other algorithm, no other key and no missing signature is taken, whatever the token says of itself."""
    people.join("Ann")
    claims = claims_of(identity.log_in("ann", PASSWORD).access_token)
    forged = [
        jwt.encode(claims, key * 2, "HS384"),
        jwt.encode(claims, key * 2, "HS512"),
        jwt.encode(claims, None, "none"),
        jwt.encode(claims, b"x" * 32, ALGORITHM),
        jwt.encode(claims, derive_key(key, "access tokens"), ALGORITHM),
        jwt.encode(claims, key, ALGORITHM).rpartition(".")[0] + ".",
    ]

    assert {code_of(identity.verify_token, token) for token in forged} == {"unauthenticated"}


TOKENS = AccessTokens(b"k" * 32)
TOKEN = TOKENS.issue("account", "session", clock.now())


@given(at=st.integers(0, len(TOKEN) - 1), sign=st.sampled_from("ABCDEFGHabcdefgh0123-_."))
def test_a_token_that_was_touched(at: int, sign: str) -> None:
    """Changing any one sign of a token makes it worthless."""
    # The last sign of the signature carries bits that no byte is made of.
    touched = f"{TOKEN[:at]}{sign}{TOKEN[at + 1 :]}" if at < len(TOKEN) - 1 else f"{TOKEN}{sign}"
    assume(touched != TOKEN)

    with pytest.raises(PermanentError):
        TOKENS.read(touched)


def test_a_token_ends(people: People, identity: Identity, move_clock: MoveClock) -> None:
    """An access token is good for fifteen minutes."""
    people.join("Ann")
    token = identity.log_in("ann", PASSWORD).access_token
    move_clock(minutes=14)
    identity.verify_token(token)
    move_clock(minutes=16)

    assert code_of(identity.verify_token, token) == "unauthenticated"


def test_a_stolen_refresh_token_ends_the_session(
    people: People, identity: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    """When an old refresh token comes again, two have it: the whole session ends, and other sessions go on."""
    people.join("Ann")
    session, other = identity.log_in("ann", PASSWORD), identity.log_in("ann", PASSWORD)
    fresh = identity.refresh(session.refresh_token)
    newest = identity.refresh(fresh.refresh_token)
    with caplog.at_level(logging.WARNING):
        assert code_of(identity.refresh, session.refresh_token) == "unauthenticated"

    assert "came a second time" in caplog.text
    for tokens in (session, fresh, newest):
        assert code_of(identity.verify_token, tokens.access_token) == "unauthenticated"
        assert code_of(identity.refresh, tokens.refresh_token) == "unauthenticated"
    assert identity.refresh(other.refresh_token).user.username == "Ann"


def test_of_many_refreshes_at_once_one_succeeds(people: People, identity: Identity) -> None:
    """Two who use the same refresh token at the same time do not both go on."""
    people.join("Ann")
    token = identity.log_in("ann", PASSWORD).refresh_token

    def refresh(_: int) -> bool:
        try:
            return bool(identity.refresh(token))
        except PermanentError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(refresh, range(8))) == 1


def test_a_session_ends_by_itself(people: People, identity: Identity, move_clock: MoveClock) -> None:
    """Unused for a month, or after three months in any case, one has to sign in again."""
    people.join("Ann")
    idle = identity.log_in("ann", PASSWORD)
    used = identity.log_in("ann", PASSWORD)
    for days in (29, 58, 87):
        move_clock(days=days)
        used = identity.refresh(used.refresh_token)
    assert code_of(identity.refresh, idle.refresh_token) == "unauthenticated"
    move_clock(days=91)
    assert code_of(identity.refresh, used.refresh_token) == "unauthenticated"


@pytest.mark.parametrize(
    ("purpose", "hours", "good"),
    [
        ("verify", 71, True),
        ("verify", 73, False),
        ("reset", 0.9, True),
        ("reset", 1.1, False),
        ("change", 23, True),
        ("change", 25, False),
    ],
)
def test_tokens_in_mails_expire(
    people: People, identity: Identity, move_clock: MoveClock, purpose: str, hours: float, good: bool
) -> None:
    """A mail that lies about for long opens nothing."""
    use: Callable[..., Any] = identity.verify_email
    address = "ann@example.com"
    if purpose == "verify":
        identity.sign_up("Ann", address, PASSWORD)
    else:
        people.join("Ann")
    if purpose == "reset":
        identity.request_password_reset(address)
        use = partial(identity.confirm_password_reset, password=OTHER)
    if purpose == "change":
        address = "new@example.com"
        identity.update_account(identity.log_in("Ann", PASSWORD).access_token, PASSWORD, AccountUpdate(email=address))
    token = people.tokens(purpose, address)[-1]
    move_clock(hours=hours)
    if good:
        use(token)
    else:
        assert code_of(use, token) == "token_invalid"


def test_only_the_newest_mail_counts(people: People, identity: Identity) -> None:
    """Who asks twice uses the later mail."""
    people.join("Ann")
    for _ in range(2):
        identity.request_password_reset("ann@example.com")
    older, newer = people.tokens("reset", "ann@example.com")

    assert code_of(identity.confirm_password_reset, older, OTHER) == "token_invalid"
    identity.confirm_password_reset(newer, OTHER)


def test_an_address_that_was_taken_meanwhile(people: People, identity: Identity) -> None:
    """Of two who want the same new address, the first to answer the mail has it."""
    people.join("Ann")
    people.join("Ben")
    for name in ("Ann", "Ben"):
        identity.update_account(
            identity.log_in(name, PASSWORD).access_token, PASSWORD, AccountUpdate(email="new@example.com")
        )
    first, second = people.tokens("change", "new@example.com")
    identity.verify_email(second)

    assert code_of(identity.verify_email, first) == "token_invalid"
    assert identity.log_in("new@example.com", PASSWORD).user.username == "Ben"


def test_what_was_never_verified_is_given_up(people: People, identity: Identity, move_clock: MoveClock) -> None:
    """After a week names and addresses that nobody answered for are free; used accounts stay."""
    people.join("Ann")
    identity.sign_up("Ben", "ben@example.com", PASSWORD)
    identity.sign_up("Cat", "ann@example.com", PASSWORD)
    move_clock(days=8)
    for name in ("Ben", "Cat"):
        people.join(name)
    assert identity.log_in("ann", PASSWORD).user.username == "Ann"


def test_the_same_work_for_known_and_unknown(
    people: People, identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long an answer takes does not tell who has an account: the expensive steps are the same."""
    people.join("Ann")
    identity.log_in("ann", PASSWORD)
    steps: list[str] = []
    for cls, name in ((Passwords, "hash"), (Passwords, "matches"), (accounts_module.MailQueue, "enqueue")):
        real = getattr(cls, name)

        def counted(self: Any, *args: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
            steps.append(_name)
            return _real(self, *args, **more)

        monkeypatch.setattr(cls, name, counted)

    def work(call: Callable[..., Any], *arguments: str) -> list[str]:
        steps.clear()
        try:
            call(*arguments)
        except PermanentError as error:
            steps.append(error.message)
        return list(steps)

    assert work(identity.log_in, "ann", OTHER) == work(identity.log_in, "nobody", OTHER)
    assert work(identity.log_in, "ann@example.com", OTHER) == work(identity.log_in, "no@example.com", OTHER)
    assert work(identity.sign_up, "Xa", "ann@example.com", OTHER) == work(
        identity.sign_up, "Xb", "b@example.com", OTHER
    )
    known = work(identity.request_password_reset, "ann@example.com")
    assert known == work(identity.request_password_reset, "no@example.com") == ["enqueue"]
    assert "matches" in work(identity.log_in, "nobody", OTHER)


def test_secrets_are_not_kept(
    people: People, identity: Identity, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads the database or the log can neither sign in nor set a password."""
    caplog.set_level(logging.DEBUG)
    people.join("Ann")
    session = identity.log_in("ann", PASSWORD)
    session = identity.refresh(session.refresh_token)
    identity.request_password_reset("ann@example.com")
    secrets = [PASSWORD, session.access_token, session.refresh_token, *people.tokens("reset", "ann@example.com")]
    secrets += people.tokens("verify", "ann@example.com")

    with sqlite3.connect(tmp_path / "data" / "accounts.db") as database:
        stored = "\n".join(database.iterdump())
    database.close()
    assert "ann@example.com" in stored
    for secret in secrets:
        assert secret not in stored
        assert secret not in caplog.text
        assert secret not in repr(session)
    assert "ann@example.com" not in caplog.text
    assert "$argon2id$" in stored


def test_a_deleted_account_leaves_no_mail(people: People, identity: Identity, tmp_path: Path) -> None:
    """With an account go its mails and its row, from every file of the data folder; other people's mails stay."""
    people.join("Ann")
    people.join("Bob")
    session = identity.log_in("ann", PASSWORD)
    identity.update_account(session.access_token, PASSWORD, AccountUpdate(email="ann@example.org"))
    people.tokens("verify", "ann@example.com")

    identity.delete_account(session.access_token)

    data = tmp_path / "data"
    files = {file: file.read_bytes() for file in data.rglob("*") if file.is_file()}
    assert [file.name for file, content in files.items() if b"ann@example" in content] == []
    assert any(b"bob@example.com" in content for file, content in files.items() if file.suffix == ".eml")


def test_files_are_the_owners_alone(people: People, tmp_path: Path) -> None:
    """Other users of the machine read neither accounts nor mails."""
    people.join("Ann")
    data = tmp_path / "data"
    files = [data / "accounts.db", *(data / "outbox").glob("*.eml")]

    assert len(files) > 1
    assert {file.stat().st_mode & 0o077 for file in files} == {0}
    assert (data / "outbox").stat().st_mode & 0o077 == 0


def test_hashing_parameters_are_brought_up_to_date(people: People, identity: Identity, tmp_path: Path) -> None:
    """When the hashing is made stronger, who signs in gets the stronger hash."""

    def stored() -> str:
        with sqlite3.connect(tmp_path / "data" / "accounts.db") as database:
            found: str = database.execute("SELECT password FROM accounts").fetchone()[0]
        database.close()
        return found

    people.join("Ann")
    assert "m=8,t=1,p=1" in stored()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "shared.platform.embedded.local_accounts._hasher",
            type(_hasher())(time_cost=2, memory_cost=16, parallelism=1),
        )
        identity.log_in("ann", PASSWORD)
    assert "m=16,t=2,p=1" in stored()
    identity.log_in("ann", PASSWORD)


def _hasher() -> Any:
    from shared.platform.embedded import local_accounts

    return local_accounts._hasher


def test_without_verification(tmp_path: Path) -> None:
    """An installation that sends no mails can let people in without."""
    with cheap_passwords(), local(tmp_path, verified_email_required=False) as people:
        people.identity.sign_up("Ann", "ann@example.com", PASSWORD)
        user = people.identity.verify_token(people.identity.log_in("ann", PASSWORD).access_token)
        assert (user.username, user.verified) == ("Ann", False)


def test_links_lead_to_the_frontend(tmp_path: Path) -> None:
    """Where there is a page for it, mails have links with all that it needs."""
    with cheap_passwords(), local(tmp_path, account_page_url="https://app.example/account") as people:
        people.identity.sign_up("Ann", "ann@example.com", PASSWORD)
        (text,) = Mailbox(tmp_path / "data").of("verify", "ann@example.com")
        link = next(line for line in text.splitlines() if line.startswith("https://"))
        query = dict(part.split("=") for part in link.partition("?")[2].split("&"))
        assert link.startswith("https://app.example/account?mode=verify-email&uid=")
        assert people.identity.verify_email(query["token"]).id == query["uid"]


def test_links_lead_to_the_console(tmp_path: Path) -> None:
    """Without a frontend of one's own, a click in the mail opens the console's page, behind what servers log."""
    server = "https://clips.example"
    with cheap_passwords(), local(tmp_path, public_url=server) as people:
        people.join("Ann")
        people.identity.request_password_reset("ann@example.com")
        for purpose, page in (("verify", "verify"), ("reset", "reset")):
            (text,) = Mailbox(tmp_path / "data").of(purpose, "ann@example.com")
            (token,) = people.tokens(purpose, "ann@example.com")
            assert f"\n{server}/#/{page}?token={token}\n" in text


def _sign_up(folder: Path, number: int) -> str:
    with cheap_passwords():
        identity = open_local_accounts(Settings(clipwise_data=folder))
        try:
            identity.sign_up("Ann", f"ann{number}@example.com", PASSWORD)
        except PermanentError as error:
            return error.code
    return "made"


def test_processes_agree_on_names(tmp_path: Path) -> None:
    """Of several processes that make the same name at once, one does."""
    with ProcessPoolExecutor(3) as pool:
        codes = list(pool.map(_sign_up, [tmp_path / "data"] * 6, range(6)))

    assert sorted(codes) == ["made", *["username_taken"] * 5]


def test_the_clock_of_tokens_is_ours() -> None:
    """Times in tokens are whole seconds of UTC."""
    tokens = AccessTokens(b"k" * 32)
    began = datetime.fromisoformat("2026-01-02T03:04:05.678+00:00")

    claims = claims_of(tokens.issue("a", "s", began))
    assert (claims["auth_time"], claims["iss"]) == (int(began.timestamp()), ISSUER)
