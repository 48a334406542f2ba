"""ID tokens, the keys behind them, and what else only Identity Platform's accounts promise."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.stand_ins.identity_accounts import IdentityAccounts
from infra.stand_ins.identity_server import API_KEY, IdentityServer
from infra.stand_ins.server import Reply
from shared import clock
from shared.errors import PermanentError, TransientError
from shared.platform.embedded.place import open_embedded_place
from shared.platform.gcp.account_documents import REVOCATIONS, USERNAMES
from shared.platform.gcp.firebase import FirebaseIdentity, open_firebase_identity
from shared.platform.gcp.id_tokens import IdTokens, SigningKeys
from shared.platform.ports import Documents
from shared.platform.rate_limits import RateLimited
from shared.settings import Settings, SettingsError
from tests.accounts import PASSWORD, firebase_identity
from tests.contract.test_identity import code_of

OTHER = "quite another one"


@pytest.fixture
def server() -> Iterator[IdentityServer]:
    with IdentityServer() as server:
        yield server


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return open_embedded_place(Settings(clipwise_data=tmp_path / "data")).place.documents


@pytest.fixture
def identity(server: IdentityServer, documents: Documents) -> FirebaseIdentity:
    return firebase_identity(server, documents)


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    real = clock.now

    def move(**by: float) -> None:
        delta = timedelta(**by)
        monkeypatch.setattr(clock, "now", lambda: real() + delta)

    return move


def token_of(accounts: IdentityAccounts, **changed: Any) -> str:
    account = accounts.find_by_email("ann@example.com") or accounts.create("ann@example.com", PASSWORD, "Ann")
    account.verified = True
    return accounts.id_token(account, int(clock.now().timestamp()), **changed)


def by_hand(claims: dict[str, Any], header: dict[str, str], secret: bytes) -> str:
    """A token that no library would sign: with the public key as if it were a shared secret."""

    def encoded(part: bytes) -> str:
        return urlsafe_b64encode(part).rstrip(b"=").decode()

    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"


def asked_for_keys(server: IdentityServer) -> int:
    return sum(asked.path == "/keys" for asked in server.requests)


def test_a_token_tells_who_it_is(server: IdentityServer, identity: FirebaseIdentity) -> None:
    """A user who signed in with Firebase's own SDK is known here, without a request for each token."""
    for _ in range(3):
        user = identity.verify_token(token_of(server.accounts))
        assert (user.username, user.email, user.verified, user.anonymous) == ("Ann", "ann@example.com", True, False)
    assert asked_for_keys(server) == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other"},
        {"iss": "https://securetoken.google.com/other"},
        {"iss": "https://accounts.google.com"},
        {"sub": ""},
        {"sub": "x" * 129},
        {"sub": 7},
        {"sub": None},
        {"exp": 1},
        {"exp": "later"},
        {"exp": None},
        {"iat": 10**11},
        {"iat": None},
        {"auth_time": 10**11},
        {"auth_time": "now"},
        {"auth_time": None},
        {"aud": None},
        {"iss": None},
    ],
)
def test_a_token_with_other_claims(server: IdentityServer, identity: FirebaseIdentity, changed: dict[str, Any]) -> None:
    """A token of another project, another issuer or another time lets nobody in, however well it is signed."""
    assert code_of(identity.verify_token, token_of(server.accounts, **changed)) == "unauthenticated"


def test_a_token_that_someone_else_signed(server: IdentityServer, identity: FirebaseIdentity) -> None:
    """Neither another key under a known name, nor another algorithm, nor no signature is taken."""
    token = token_of(server.accounts)
    claims = jwt.decode(token, options={"verify_signature": False})
    kid, key = server.accounts.keys[0]
    stranger = IdentityAccounts("other").keys[0][1]
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, signature = token.split(".")
    forged = [
        jwt.encode(claims, stranger, "RS256", {"kid": kid}),
        by_hand(claims, {"alg": "HS256", "kid": kid}, public),
        jwt.encode(claims, None, "none", {"kid": kid}),
        jwt.encode(claims, key, "RS512", {"kid": kid}),
        jwt.encode(claims, key, "PS256", {"kid": kid}),
        jwt.encode(claims, key, "RS256"),
        jwt.encode(claims, key, "RS256", {"kid": "unknown"}),
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-8]}AAAAAAAA",
        f"{head}.{body[:-4]}AAAA.{signature}",
    ]
    assert identity.verify_token(token).username == "Ann"

    assert [code_of(identity.verify_token, one) for one in forged] == ["unauthenticated"] * len(forged)


def test_keys_are_changed_by_the_service(
    server: IdentityServer, identity: FirebaseIdentity, move_clock: Callable[..., None]
) -> None:
    """A new key is fetched when a token first names it; the one before goes on being good."""
    old = token_of(server.accounts)
    identity.verify_token(old)
    move_clock(minutes=2)
    server.accounts.rotate_keys()

    assert identity.verify_token(token_of(server.accounts)).username == "Ann"
    assert identity.verify_token(old).username == "Ann"
    assert asked_for_keys(server) == 2


def test_made_up_keys_do_not_make_us_ask(
    server: IdentityServer, identity: FirebaseIdentity, move_clock: Callable[..., None]
) -> None:
    """A flood of tokens with unknown keys leads to one request a minute, not to one each."""
    claims = jwt.decode(token_of(server.accounts), options={"verify_signature": False})
    key = server.accounts.keys[0][1]
    for number in range(20):
        code_of(identity.verify_token, jwt.encode(claims, key, "RS256", {"kid": f"k{number}"}))
    assert asked_for_keys(server) == 1
    move_clock(minutes=1, seconds=1)
    code_of(identity.verify_token, jwt.encode(claims, key, "RS256", {"kid": "k"}))
    assert asked_for_keys(server) == 2


def test_keys_are_kept_as_long_as_they_may_be(server: IdentityServer, move_clock: Callable[..., None]) -> None:
    """Keys are fetched anew when Cache-Control says so; an outage of a few hours is bridged, a long one is not."""
    keys = SigningKeys(server.endpoints.keys)
    kid = server.accounts.keys[0][0]
    assert keys.key(kid)
    move_clock(seconds=19_990)
    assert keys.key(kid)
    assert asked_for_keys(server) == 1
    move_clock(seconds=20_010)
    server.queue_replies(Reply({}, 503), Reply(b"<html>", 200), Reply({"keys": []}, 500))
    for hours in (0, 5, 20):
        move_clock(seconds=20_010 + 3600 * hours)
        assert keys.key(kid)
    move_clock(days=3)
    server.queue_replies(Reply({}, 503))
    with pytest.raises(TransientError):
        keys.key(kid)
    move_clock(days=3, minutes=2)
    assert keys.key(kid)


def test_without_any_keys_nobody_is_turned_away_for_good(server: IdentityServer, identity: FirebaseIdentity) -> None:
    """When the keys cannot be had, the answer is to come back, not that the token is wrong."""
    token = token_of(server.accounts)
    server.queue_replies(Reply({}, 500))
    with pytest.raises(TransientError) as away:
        identity.verify_token(token)
    assert away.value.code == "identity_unavailable"


def test_the_emulators_tokens_are_for_the_emulator(server: IdentityServer) -> None:
    """Tokens that nobody signed count only where the emulator is named, and signed ones do not count there."""
    claims = jwt.decode(token_of(server.accounts), options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, "none")
    project = server.accounts.project
    emulated = IdTokens(project, None)

    assert emulated.read(unsigned).username == "Ann"
    for token in (
        token_of(server.accounts),
        jwt.encode(claims | {"aud": "other"}, None, "none"),
        jwt.encode(claims | {"iss": "other"}, None, "none"),
        jwt.encode(claims | {"exp": 1}, None, "none"),
    ):
        assert code_of(emulated.read, token) == "unauthenticated"
    assert code_of(IdTokens(project, SigningKeys(server.endpoints.keys)).read, unsigned) == "unauthenticated"


def test_the_emulator_is_not_believed_in_the_cloud(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that was left over from development does not open a deployed API."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    chosen = Settings(google_cloud_project="demo")
    assert open_firebase_identity(chosen, documents)
    monkeypatch.setenv("K_SERVICE", "api")
    with pytest.raises(SettingsError, match="FIREBASE_AUTH_EMULATOR_HOST"):
        open_firebase_identity(chosen, documents)


def test_other_instances_hear_of_an_ended_session(
    server: IdentityServer, documents: Documents, move_clock: Callable[..., None]
) -> None:
    """A token whose session has ended is refused at once where that happened, and within a minute everywhere."""
    here, there = firebase_identity(server, documents), firebase_identity(server, documents)
    token = token_of(server.accounts)
    assert there.verify_token(token) == here.verify_token(token)
    here.log_out(token)

    assert code_of(here.verify_token, token) == "unauthenticated"
    assert there.verify_token(token)
    move_clock(seconds=61)
    assert code_of(there.verify_token, token) == "unauthenticated"


@pytest.mark.parametrize(
    ("message", "ask", "code"),
    [
        ("INVALID_LOGIN_CREDENTIALS", "log_in", "wrong_credentials"),
        ("EMAIL_NOT_FOUND", "log_in", "wrong_credentials"),
        ("INVALID_PASSWORD", "log_in", "wrong_credentials"),
        ("USER_DISABLED", "log_in", "wrong_credentials"),
        ("INVALID_EMAIL", "log_in", "wrong_credentials"),
        ("TOO_MANY_ATTEMPTS_TRY_LATER : Access is disabled for a while.", "log_in", "rate_limited"),
        ("OPERATION_NOT_ALLOWED", "log_in", "not_offered"),
        ("CONFIGURATION_NOT_FOUND", "log_in", "identity_unavailable"),
        ("WEAK_PASSWORD : Password should be at least 6 characters", "sign_up", "weak_password"),
        ("PASSWORD_DOES_NOT_MEET_REQUIREMENTS : Missing requirements: [x]", "sign_up", "weak_password"),
        ("INVALID_EMAIL", "sign_up", "invalid_email"),
        ("OPERATION_NOT_ALLOWED", "sign_up", "not_offered"),
        ("ADMIN_ONLY_OPERATION", "anonymous", "not_offered"),
        ("EXPIRED_OOB_CODE", "verify_email", "token_invalid"),
        ("INVALID_OOB_CODE", "verify_email", "token_invalid"),
        ("EXPIRED_OOB_CODE", "reset", "token_invalid"),
        ("TOKEN_EXPIRED", "refresh", "unauthenticated"),
        ("USER_DISABLED", "refresh", "unauthenticated"),
        ("USER_NOT_FOUND", "refresh", "unauthenticated"),
        ("INVALID_REFRESH_TOKEN", "refresh", "unauthenticated"),
        ("QUOTA_EXCEEDED : Exceeded quota for sending mails.", "request_reset", "rate_limited"),
    ],
)
def test_the_services_errors(
    server: IdentityServer, identity: FirebaseIdentity, message: str, ask: str, code: str
) -> None:
    """Each published error becomes the answer that the same would have with accounts of our own."""
    calls: dict[str, Callable[[], Any]] = {
        "log_in": lambda: identity.log_in("ann@example.com", PASSWORD),
        "sign_up": lambda: identity.sign_up("Ann", "ann@example.com", PASSWORD),
        "anonymous": identity.sign_in_anonymously,
        "verify_email": lambda: identity.verify_email("code"),
        "reset": lambda: identity.confirm_password_reset("code", OTHER),
        "refresh": lambda: identity.refresh("token"),
        "request_reset": lambda: identity.request_password_reset("ann@example.com"),
    }
    server.queue_errors(message)
    with pytest.raises((PermanentError, TransientError)) as refused:
        calls[ask]()
    assert refused.value.code == code
    assert isinstance(refused.value, RateLimited) == (code == "rate_limited")


@pytest.mark.parametrize("reply", [Reply({}, 503), Reply(b"<html>", 502), Reply(b"{", 200), Reply({}, cut=True)])
def test_an_outage_of_the_service(server: IdentityServer, identity: FirebaseIdentity, reply: Reply) -> None:
    """When the service is away, one is asked to come back; a name that was taken meanwhile is free again."""
    server.queue_replies(reply)
    with pytest.raises(TransientError):
        identity.sign_up("Ann", "ann@example.com", PASSWORD)
    identity.sign_up("Ann", "ann@example.com", PASSWORD)
    assert len(server.find_codes("VERIFY_EMAIL", "ann@example.com")) == 1


def test_a_service_without_the_protection_against_enumeration(
    server: IdentityServer, identity: FirebaseIdentity
) -> None:
    """An older project tells that an address is unknown; we do not pass it on."""
    server.queue_errors("EMAIL_NOT_FOUND")
    assert identity.request_password_reset("ann@example.com") is None


def test_unknown_names_cost_the_same_requests(server: IdentityServer, identity: FirebaseIdentity) -> None:
    """How often the service is asked does not tell whether there is such a name."""

    def asked(name: str) -> list[str]:
        before = len(server.requests)
        assert code_of(identity.log_in, name, OTHER) == "wrong_credentials"
        return [asked.path for asked in server.requests[before:]]

    identity.sign_up("Ann", "ann@example.com", PASSWORD)
    assert asked("Ann") == asked("Nobody")


def test_names_are_not_kept_in_the_clear(
    server: IdentityServer, identity: FirebaseIdentity, documents: Documents
) -> None:
    """Documents about accounts hold user ids and times, no names, addresses, passwords or tokens."""
    identity.sign_up("Ann", "ann@example.com", PASSWORD)
    identity.verify_email(server.find_codes("VERIFY_EMAIL", "ann@example.com")[0].code)
    session = identity.log_in("Ann", PASSWORD)
    identity.log_out(session.access_token)
    kept = [(d.id, d.data) for name in (USERNAMES, REVOCATIONS) for d in documents.query(name).documents]

    assert len(kept) == 2
    assert {frozenset(data) for _, data in kept} == {
        frozenset({"owner", "expiresAt"}),
        frozenset({"owner", "validSince", "expiresAt"}),
    }
    assert "ann" not in str(kept).lower()


def test_a_name_whose_owner_never_came(
    server: IdentityServer, identity: FirebaseIdentity, move_clock: Callable[..., None]
) -> None:
    """After a week a name that was never signed in with is free; one that was stays taken."""
    identity.sign_up("Ann", "ann@example.com", PASSWORD)
    identity.sign_up("Ben", "ben@example.com", PASSWORD)
    identity.verify_email(server.find_codes("VERIFY_EMAIL", "ben@example.com")[0].code)
    identity.log_in("Ben", PASSWORD)
    move_clock(days=8)
    identity.sign_up("ann", "other@example.com", PASSWORD)
    assert code_of(identity.sign_up, "ben", "third@example.com", PASSWORD) == "username_taken"


def test_without_a_key_tokens_are_still_checked(server: IdentityServer, documents: Documents) -> None:
    """An API whose users sign in with Firebase's SDK needs no web API key, and says so to who asks for more."""
    identity = FirebaseIdentity(server.endpoints, server.accounts.project, "", lambda: "", documents)
    assert identity.verify_token(token_of(server.accounts)).username == "Ann"
    assert code_of(identity.log_in, "ann@example.com", PASSWORD) == "not_offered"


def test_the_key_is_in_no_address(server: IdentityServer, identity: FirebaseIdentity) -> None:
    """Addresses stand in logs on the way; keys and tokens are sent in headers and bodies."""
    identity.sign_in_anonymously()
    identity.sign_up("Ann", "ann@example.com", PASSWORD)
    assert not [asked.path for asked in server.requests if API_KEY in asked.path or "?" in asked.path]


def test_verification_can_be_left_out(server: IdentityServer, documents: Documents) -> None:
    """An installation can let in whom Firebase lets in."""
    account = server.accounts.create("ann@example.com", PASSWORD, "Ann")
    token = server.accounts.id_token(account, int(clock.now().timestamp()))
    assert code_of(firebase_identity(server, documents).verify_token, token) == "unverified"
    assert firebase_identity(server, documents, verified_required=False).verify_token(token).verified is False
