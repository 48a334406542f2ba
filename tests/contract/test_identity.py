"""The port `Identity`: accounts on one machine and those of Identity Platform do the same."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.errors import PermanentError, TransientError
from shared.platform.accounts import AccountUpdate, Identity, UserSession
from tests.accounts import KINDS, PASSWORD, People, cheap_passwords

OTHER = "quite another one"


@pytest.fixture(scope="module", params=sorted(KINDS))
def people(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with cheap_passwords(), KINDS[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture
def identity(people: People) -> Identity:
    return people.identity


@pytest.fixture
def name() -> str:
    """Of somebody new."""
    return f"Ann-{uuid.uuid4().hex[:12]}"


def address(name: str) -> str:
    return f"{name.lower()}@example.com"


def code_of(call: Callable[..., Any], *arguments: Any) -> str:
    """The code of the refusal that the call ends with."""
    with pytest.raises(PermanentError) as refused:
        call(*arguments)
    return refused.value.code


def is_over(identity: Identity, session: UserSession) -> bool:
    """Neither token of a session opens anything."""
    codes = {code_of(identity.verify_token, session.access_token), code_of(identity.refresh, session.refresh_token)}
    return codes == {"unauthenticated"}


def test_an_account_is_made_verified_and_used(people: People, identity: Identity, name: str) -> None:
    """Who answers the mail signs in by name or address, however they write it, and is known by the token."""
    uid = people.join(name)
    for way in (name, name.upper(), address(name), address(name).upper()):
        session = identity.log_in(way, PASSWORD)
        user = identity.verify_token(session.access_token)
        assert (user.id, user.username, user.email) == (uid, name, address(name))
        assert (user.verified, user.anonymous) == (True, False)
        assert session.user == user
        assert session.expires_in > 60


def test_an_address_that_is_not_verified_does_not_sign_in(people: People, identity: Identity, name: str) -> None:
    """Nobody uses another's address; only who knows the password learns that it is not verified."""
    identity.sign_up(name, address(name), PASSWORD)

    assert code_of(identity.log_in, name, PASSWORD) == "unverified"
    assert code_of(identity.log_in, name, OTHER) == "wrong_credentials"


def test_a_verification_token_is_good_once(people: People, identity: Identity, name: str) -> None:
    """A mail that is found later opens nothing, and no token can be made up."""
    people.join(name)
    (token,) = people.tokens("verify", address(name))

    assert code_of(identity.verify_email, token) == "token_invalid"
    assert code_of(identity.verify_email, "made-up") == "token_invalid"


def test_a_name_is_one_persons(people: People, identity: Identity, name: str) -> None:
    """A name that differs only in case is taken."""
    people.join(name)

    assert code_of(identity.sign_up, name.upper(), f"other-{address(name)}", PASSWORD) == "username_taken"


def test_signing_up_does_not_tell_who_has_an_account(people: People, identity: Identity, name: str) -> None:
    """A known address answers like a new one, then and later; its owner is told, and nothing of theirs changes."""
    people.join(name)
    for suffix, email in (("known", address(name)), ("new", f"new-{address(name)}")):
        assert identity.sign_up(f"{name}-{suffix}", email, OTHER) is None
        # Were the name still free, that would tell.
        again = code_of(identity.sign_up, f"{name}-{suffix}", f"third-{suffix}-{address(name)}", OTHER)
        assert again == "username_taken"
        assert code_of(identity.log_in, f"{name}-{suffix}", PASSWORD) == "wrong_credentials"
    assert people.told_known(address(name))
    assert not people.told_known(f"new-{address(name)}")
    assert identity.log_in(name, PASSWORD).user.username == name
    assert code_of(identity.log_in, address(name), OTHER) == "wrong_credentials"


def test_signing_in_does_not_tell_what_was_wrong(people: People, identity: Identity, name: str) -> None:
    """Unknown name, unknown address and wrong password are refused in the same words."""
    people.join(name)
    refusals = []
    for who in (name, f"no-{name}", f"no-{address(name)}", "not an @ address", ""):
        with pytest.raises(PermanentError) as refused:
            identity.log_in(who, OTHER)
        refusals.append((refused.value.code, refused.value.message))

    assert set(refusals) == {("wrong_credentials", refusals[0][1])}


def test_a_session_goes_on(people: People, identity: Identity, name: str) -> None:
    """The refresh token gives new tokens that work, again and again."""
    people.join(name)
    session = identity.log_in(name, PASSWORD)
    for _ in range(3):
        session = identity.refresh(session.refresh_token)
        assert identity.verify_token(session.access_token).username == name


def test_logging_out_ends_the_session(people: People, identity: Identity, name: str) -> None:
    """Afterwards neither token is good, and signing in again works at once."""
    people.join(name)
    session = identity.log_in(name, PASSWORD)
    identity.log_out(session.access_token)

    assert is_over(identity, session)
    assert identity.verify_token(identity.log_in(name, PASSWORD).access_token).username == name


def test_a_forgotten_password(people: People, identity: Identity, name: str) -> None:
    """The mailed token sets a new one, once; the old one and all sessions are no good any more."""
    people.join(name)
    session = identity.log_in(name, PASSWORD)
    identity.request_password_reset(address(name).upper())
    token = people.tokens("reset", address(name))[-1]

    assert code_of(identity.confirm_password_reset, token, "short") == "weak_password"
    identity.confirm_password_reset(token, OTHER)
    assert code_of(identity.confirm_password_reset, token, PASSWORD) == "token_invalid"
    assert is_over(identity, session)
    assert code_of(identity.log_in, name, PASSWORD) == "wrong_credentials"
    assert identity.log_in(name, OTHER).user.username == name


def test_a_reset_verifies_the_address(people: People, identity: Identity, name: str) -> None:
    """Who lost the first mail gets in by the second."""
    identity.sign_up(name, address(name), PASSWORD)
    identity.request_password_reset(address(name))
    identity.confirm_password_reset(people.tokens("reset", address(name))[-1], OTHER)

    assert identity.log_in(name, OTHER).user.verified


def test_a_reset_does_not_tell_who_has_an_account(people: People, identity: Identity, name: str) -> None:
    """An unknown address is answered like a known one, and gets no mail."""
    assert identity.request_password_reset(address(name)) is None
    assert people.tokens("reset", address(name)) == []


def test_tokens_of_mails_are_for_one_purpose(people: People, identity: Identity, name: str) -> None:
    """A token that verifies an address sets no password, and the other way round."""
    identity.sign_up(name, address(name), PASSWORD)
    (verify,) = people.tokens("verify", address(name))
    identity.request_password_reset(address(name))
    reset = people.tokens("reset", address(name))[-1]

    assert code_of(identity.confirm_password_reset, verify, OTHER) == "token_invalid"
    with pytest.raises((PermanentError, TransientError)) as refused:
        identity.verify_email(reset)
    # The emulator answers with "not implemented" here.
    assert refused.value.code == ("identity_unavailable" if people.is_emulator else "token_invalid")


def test_nobody_in_particular(people: People, identity: Identity) -> None:
    """An anonymous user has an id of their own and a session that goes on, and no account to change."""
    one, other = identity.sign_in_anonymously(), identity.sign_in_anonymously()
    user = identity.verify_token(one.access_token)

    assert (user.anonymous, user.username, user.email, user.verified) == (True, None, None, False)
    assert user.id != identity.verify_token(other.access_token).id
    assert identity.verify_token(identity.refresh(one.refresh_token).access_token).id == user.id
    assert code_of(identity.update_account, other.access_token, "", AccountUpdate(username="Nobody")) == "not_offered"


def test_a_new_name(people: People, identity: Identity, name: str) -> None:
    """After a change of name the new one signs in, the old one is free, and one that is taken is refused."""
    uid = people.join(name)
    people.join(f"other-{name}")
    token = identity.log_in(name, PASSWORD).access_token

    assert (
        code_of(identity.update_account, token, PASSWORD, AccountUpdate(username=f"OTHER-{name}")) == "username_taken"
    )
    assert code_of(identity.update_account, token, OTHER, AccountUpdate(username=f"new-{name}")) == "wrong_credentials"
    assert identity.update_account(token, PASSWORD, AccountUpdate(username=f"new-{name}")).username == f"new-{name}"
    assert identity.log_in(f"new-{name}", PASSWORD).user.username == f"new-{name}"
    assert people.join(name, f"third-{address(name)}") != uid


def test_the_same_name_in_other_letters(people: People, identity: Identity, name: str) -> None:
    """One may write one's own name differently."""
    people.join(name)
    token = identity.log_in(name, PASSWORD).access_token
    identity.update_account(token, PASSWORD, AccountUpdate(username=name.upper()))

    assert identity.log_in(name, PASSWORD).user.username == name.upper()


def test_a_new_password(people: People, identity: Identity, name: str) -> None:
    """It needs the current one, and ends all sessions."""
    people.join(name)
    session, elsewhere = identity.log_in(name, PASSWORD), identity.log_in(name, PASSWORD)
    change = AccountUpdate(password=OTHER)

    assert code_of(identity.update_account, session.access_token, OTHER, change) == "wrong_credentials"
    assert (
        code_of(identity.update_account, session.access_token, PASSWORD, AccountUpdate(password="1234567"))
        == "weak_password"
    )
    identity.update_account(session.access_token, PASSWORD, change)
    assert is_over(identity, session)
    assert is_over(identity, elsewhere)
    assert code_of(identity.log_in, name, PASSWORD) == "wrong_credentials"
    assert identity.log_in(name, OTHER).user.username == name


def test_a_new_address(people: People, identity: Identity, name: str) -> None:
    """It counts when the mail to it was answered, not before."""
    people.join(name)
    token = identity.log_in(name, PASSWORD).access_token
    new = f"new-{address(name)}"

    assert identity.update_account(token, PASSWORD, AccountUpdate(email=new)).email == address(name)
    assert code_of(identity.log_in, new, PASSWORD) == "wrong_credentials"
    assert identity.verify_email(people.tokens("change", new)[-1]).email == new
    assert identity.log_in(new, PASSWORD).user.email == new
    assert identity.log_in(name, PASSWORD).user.email == new
    assert code_of(identity.log_in, address(name), PASSWORD) == "wrong_credentials"


def test_a_new_address_does_not_tell_who_has_an_account(people: People, identity: Identity, name: str) -> None:
    """Changing to another's address answers as always, and only that address is told."""
    people.join(name)
    people.join(f"other-{name}")
    token = identity.log_in(name, PASSWORD).access_token
    theirs = address(f"other-{name}")

    assert identity.update_account(token, PASSWORD, AccountUpdate(email=theirs)).email == address(name)
    assert people.tokens("change", theirs) == []
    assert people.told_known(theirs)


def test_a_deleted_account(people: People, identity: Identity, name: str) -> None:
    """Nothing of it opens anything, and its name and address can be used again."""
    uid = people.join(name)
    session = identity.log_in(name, PASSWORD)
    identity.delete_account(session.access_token)

    assert is_over(identity, session)
    assert code_of(identity.log_in, name, PASSWORD) == "wrong_credentials"
    assert people.join(name) != uid


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "é.é.é", "eyJhbGciOiJub25lIn0.e30.", "\ud800"])
def test_what_is_no_token(identity: Identity, token: str) -> None:
    """Whatever is sent as a token, the answer is that it is none."""
    assert code_of(identity.verify_token, token) == "unauthenticated"
    assert code_of(identity.log_out, token) == "unauthenticated"
    assert code_of(identity.delete_account, token) == "unauthenticated"
    assert code_of(identity.update_account, token, PASSWORD, AccountUpdate(username="Eve")) == "unauthenticated"


@pytest.mark.parametrize(
    "email", ["ann", "ann@", "@example.com", "ann@example", "a b@example.com", "ann@example.com\nx"]
)
def test_what_is_no_address(identity: Identity, name: str, email: str) -> None:
    """An address that no mail can go to is refused at once."""
    assert code_of(identity.sign_up, name, email, PASSWORD) == "invalid_email"


@pytest.mark.parametrize("username", ["", "ann@example.com", "a b", "a\n", "a" * 151, "a/b"])
def test_what_is_no_username(identity: Identity, name: str, username: str) -> None:
    """A name that could be taken for an address, or that nobody can type, is refused."""
    assert code_of(identity.sign_up, username, address(name), PASSWORD) == "invalid_username"


@pytest.mark.parametrize("password", ["", "1234567", "a" * 257, "aaaaaaaaaa"])
def test_what_is_no_password(identity: Identity, name: str, password: str) -> None:
    """Too short, too long and too simple passwords are refused."""
    assert code_of(identity.sign_up, name, address(name), password) == "weak_password"
    assert code_of(identity.sign_up, name, address(name), address(name)) == "weak_password"
