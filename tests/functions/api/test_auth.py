"""Accounts over HTTP: signing up, in and out, forgotten passwords, one's own account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from infra.stand_ins.identity_server import IdentityServer
from shared import clock
from shared.library import deletion as erasure
from shared.library.groups import GROUPS
from shared.pipeline.job_storage import JOBS, MEDIA, UPLOADS
from shared.platform.identity import use_identity
from shared.platform.rate_limits import RATES
from shared.settings import settings
from tests.accounts import PASSWORD, Mailbox, cheap_passwords, firebase_identity
from tests.api_site import MP4, Site
from tests.functions.api.test_problems import assert_problem

OTHER = "quite another one"


class Visitor:
    """Somebody at the site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.box = Mailbox(settings().clipwise_data)

    def post(self, way: str, bearer: str = "", **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self.site.client.post(f"/v1/auth/{way}", json=body, headers=headers)

    def join(self, name: str) -> None:
        email = f"{name}@example.com"
        assert self.post("signup", username=name, email=email, password=PASSWORD).status_code == 202
        assert self.post("verify-email", token=self.box.tokens("verify", email)[-1]).status_code == 200

    def log_in(self, name: str, password: str = PASSWORD) -> dict[str, Any]:
        answer = self.post("login", username=name, password=password)
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()
        return session

    def me(self, token: str, method: str = "GET", **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.site.client.request(method, "/v1/auth/me", headers=headers, json=body or None)


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    site.configure(AUTH_REQUIRED="true")
    with cheap_passwords():
        yield Visitor(site)


def test_from_signing_up_to_logging_out(visitor: Visitor) -> None:
    """A user signs up, answers the mail, signs in, is known, goes on and leaves."""
    made = visitor.post("signup", username="Ann", email="ann@example.com", password=PASSWORD)
    assert made.status_code == 202
    assert_problem(visitor.post("login", username="ann", password=PASSWORD), 403, "unverified")

    verified = visitor.post("verify-email", token=visitor.box.tokens("verify", "ann@example.com")[0]).json()
    session = visitor.log_in("ann")
    me = visitor.me(session["access_token"]).json()
    assert me == verified == session["user"]
    assert (me["username"], me["email"], me["email_verified"], me["anonymous"]) == (
        "Ann",
        "ann@example.com",
        True,
        False,
    )
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 900)

    fresh = visitor.post("refresh", refresh_token=session["refresh_token"]).json()
    assert visitor.me(fresh["access_token"]).json() == me
    assert visitor.post("logout", fresh["access_token"]).status_code == 204
    assert_problem(visitor.me(fresh["access_token"]), 401, "unauthenticated")
    assert_problem(visitor.post("refresh", refresh_token=fresh["refresh_token"]), 401, "unauthenticated")


def test_tokens_are_not_kept_by_caches(visitor: Visitor) -> None:
    """No proxy and no browser stores an answer with tokens (RFC 6749, 5.1)."""
    assert visitor.post("anonymous").headers["cache-control"] == "no-store"


def test_known_and_unknown_addresses_are_answered_alike(visitor: Visitor) -> None:
    """Neither status, body nor headers tell whether an address has an account."""
    visitor.join("ann")

    def told(way: str, **body: str) -> tuple[int, str, set[str]]:
        answer = visitor.post(way, **body)
        return answer.status_code, answer.text, set(answer.headers)

    for way, extra in (("password-reset", {}), ("signup", {"password": PASSWORD})):
        answers = [
            told(way, email=f"{name}@example.com", **(extra | ({"username": f"x-{name}"} if extra else {})))
            for name in ("ann", "ben")
        ]
        assert answers[0] == answers[1]
    wrong = [
        told("login", username=name, password=OTHER) for name in ("ann", "ben", "ann@example.com", "b@example.com")
    ]
    assert wrong[0][0] == 401
    assert all(answer == wrong[0] for answer in wrong)


def test_a_forgotten_password(visitor: Visitor) -> None:
    """The mailed token sets a new password once, and whoever was signed in is no more."""
    visitor.join("ann")
    session = visitor.log_in("ann")
    assert visitor.post("password-reset", email="ann@example.com").status_code == 202
    token = visitor.box.tokens("reset", "ann@example.com")[0]

    assert_problem(visitor.post("password-reset/confirm", token=token, password="x"), 422, "weak_password")
    assert visitor.post("password-reset/confirm", token=token, password=OTHER).status_code == 204
    assert_problem(visitor.post("password-reset/confirm", token=token, password=OTHER), 400, "token_invalid")
    assert_problem(visitor.me(session["access_token"]), 401, "unauthenticated")
    visitor.log_in("ann", OTHER)


def test_changing_an_account(visitor: Visitor) -> None:
    """One changes one's own account, with the current password; nobody else's is touched."""
    visitor.join("ann")
    visitor.join("ben")
    ann, ben = (visitor.log_in(name)["access_token"] for name in ("ann", "ben"))

    assert_problem(visitor.me(ann, "PATCH", current_password=OTHER, username="eve"), 403, "wrong_password")
    assert_problem(visitor.me(ann, "PATCH", current_password=PASSWORD, username="Ben"), 409, "username_taken")
    assert_problem(visitor.me(ann, "PATCH", current_password=PASSWORD), 422, "invalid_request")
    changed = visitor.me(ann, "PATCH", current_password=PASSWORD, username="anna", email="anna@example.com").json()
    assert (changed["username"], changed["email"]) == ("anna", "ann@example.com")
    visitor.post("verify-email", token=visitor.box.tokens("change", "anna@example.com")[0])
    assert visitor.me(ann).json()["email"] == "anna@example.com"
    assert visitor.me(ben).json()["username"] == "ben"
    anonymous = visitor.post("anonymous").json()["access_token"]
    assert_problem(visitor.me(anonymous, "PATCH", current_password="", username="eve"), 403, "not_offered")


def count_stored(site: Site) -> dict[str, int]:
    """How many documents and objects there are, by where they lie; counts of tries left out."""
    connection = site.place.database.connection
    rows = connection.execute("SELECT collection, COUNT(*) AS number FROM documents GROUP BY collection")
    kept = {row["collection"]: row["number"] for row in rows if row["collection"] != RATES}
    objects = {bucket: len(list(site.place.place.objects.list(bucket))) for bucket in (UPLOADS, MEDIA)}
    return kept | {bucket: number for bucket, number in objects.items() if number}


def submit(site: Site, token: str, count: int = 1) -> None:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    for number in range(count):
        form = {"files": {"file": ("a.mp4", MP4 + bytes([number]))}, "data": {"kind": "metadata"}}
        assert (
            site.client.post("/v1/jobs", headers=headers | {"Idempotency-Key": f"{number}"}, **form).status_code == 202
        )
    link = {"url": "https://example.com/a.mp4", "kind": "recipe"}
    assert site.client.post("/v1/jobs", headers=headers, json=link).status_code == 202
    assert site.client.post("/v1/groups", headers=headers, json={"name": "Soups"}).status_code == 201


def test_deleting_an_account_deletes_everything(visitor: Visitor, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards nothing of the user is left in documents and storage, and everything of others is."""
    visitor.join("ann")
    visitor.join("ben")
    ann, ben = (visitor.log_in(name)["access_token"] for name in ("ann", "ben"))
    submit(site, ben)
    before = count_stored(site)
    submit(site, ann, 3)
    key = visitor.post("keys", ann, name="Phone", scopes=["read"]).json()["key"]
    assert visitor.me(key).status_code == 200

    assert visitor.me(ann, "DELETE").status_code == 204
    assert_problem(visitor.me(ann), 401, "unauthenticated")
    assert_problem(visitor.me(key), 401, "key_invalid")
    assert_problem(visitor.post("login", username="ann", password=PASSWORD), 401, "wrong_credentials")
    left = count_stored(site)
    assert left.pop(erasure.DEPARTURES) == 1
    # So that the last bytes of an upload that is still going on are nobody's.
    assert left.pop("deleted") == 4
    assert left == before
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    site.place.place.bus.publish("sweep-tick", {})
    site.work()
    assert erasure.DEPARTURES not in count_stored(site)
    visitor.join("ann")


def test_much_is_deleted_in_steps(visitor: Visitor, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much for one request goes bit by bit afterwards, also what came in meanwhile."""
    monkeypatch.setattr(erasure, "STEP", 2)
    monkeypatch.setattr(erasure.erase_user, "__defaults__", (2,))
    visitor.join("ann")
    ann = visitor.log_in("ann")
    submit(site, ann["access_token"], 4)

    assert visitor.me(ann["access_token"], "DELETE").status_code == 204
    sizes = [count_stored(site).get(JOBS, 0)]
    while erasure.erase_departed_users(site.place.place):
        sizes.append(count_stored(site).get(JOBS, 0))
    assert sizes[0] == 3
    assert all(before - after <= 2 for before, after in pairwise(sizes))
    assert JOBS not in count_stored(site)
    assert GROUPS not in count_stored(site)


def test_an_old_session_does_not_delete_the_account(
    visitor: Visitor, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds an open program deletes nothing: one has to sign in again; an anonymous user cannot, and need not."""
    visitor.join("ann")
    ann, nobody = visitor.log_in("ann")["access_token"], visitor.post("anonymous").json()["access_token"]
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert_problem(visitor.me(ann, "DELETE"), 403, "login_again")
    assert visitor.me(ann).status_code == 200
    assert visitor.me(nobody, "DELETE").status_code == 204
    assert visitor.me(visitor.log_in("ann")["access_token"], "DELETE").status_code == 204


def test_passwords_cannot_be_tried_on_and_on(visitor: Visitor, site: Site) -> None:
    """After ten wrong ones even the right one is refused for a while, whether or not there is such an account."""
    visitor.join("ann")
    for name in ("ann", "nobody"):
        for _ in range(10):
            assert visitor.post("login", username=name, password=OTHER).status_code == 401
        refused = visitor.post("login", username=name.upper(), password=PASSWORD)
        assert_problem(refused, 429, "rate_limited")
        assert 0 < int(refused.headers["retry-after"]) <= 900
    site.configure(RATE_LIMIT_ADDRESS_FACTOR="10")
    visitor.join("ben")
    visitor.log_in("ben")


def test_signing_in_rightly_is_not_counted(visitor: Visitor) -> None:
    """A program that signs in each time it runs is not shut out."""
    visitor.join("ann")
    for _ in range(12):
        visitor.log_in("ann")


def test_an_address_cannot_try_on_and_on(visitor: Visitor) -> None:
    """Trying one password with many names is noticed, too."""
    codes = [visitor.post("login", username=f"user{n}", password=OTHER).status_code for n in range(52)]

    assert codes == [401] * 50 + [429] * 2


def test_nobody_is_flooded_with_mails(visitor: Visitor) -> None:
    """Only some mails go to one address in an hour, whoever asks for them, and whether it is known or not."""
    visitor.join("ann")
    for name in ("ann", "ben"):
        answers = [visitor.post("password-reset", email=f"{name}@example.com").status_code for _ in range(6)]
        assert answers.count(202) == (5 if name == "ben" else 4)
        assert set(answers[-1:]) == {429}


@pytest.mark.parametrize(
    ("way", "body"),
    [
        ("signup", {"username": "ann", "email": "ann", "password": PASSWORD}),
        ("signup", {"username": "a@b", "email": "ann@example.com", "password": PASSWORD}),
        ("signup", {"username": "ann", "email": "ann@example.com", "password": "short"}),
        ("signup", {"username": "ann", "email": "ann@example.com", "password": PASSWORD, "admin": True}),
        ("login", {"username": "ann"}),
        ("login", {"username": "ann", "password": "x" * 1001}),
        ("password-reset", {"email": "ann"}),
    ],
)
def test_what_is_sent_wrongly_is_said(visitor: Visitor, way: str, body: dict[str, Any]) -> None:
    """A wrong form is 422 with a sentence, which never repeats a password."""
    answer = visitor.post(way, **body)

    assert answer.status_code == 422
    assert "x" * 20 not in answer.text
    assert PASSWORD not in answer.text


def test_the_local_user_has_no_account(site: Site) -> None:
    """Where nobody has to sign in one is `local`, of whom nothing can be changed or deleted."""
    me = site.client.get("/v1/auth/me").json()

    assert me == {
        "id": "local",
        "username": None,
        "email": None,
        "email_verified": False,
        "anonymous": False,
        "scopes": None,
    }
    assert_problem(site.client.delete("/v1/auth/me"), 401, "unauthenticated")
    assert_problem(site.client.patch("/v1/auth/me", json={}), 401, "unauthenticated")


def test_accounts_of_identity_platform(visitor: Visitor, site: Site) -> None:
    """The same routes serve accounts that Google keeps; a wait that it asks for is passed on."""
    with IdentityServer() as server, use_identity(firebase_identity(server, site.place.place.documents)):
        visitor.post("signup", username="Ann", email="ann@example.com", password=PASSWORD)
        (mail,) = server.find_codes("VERIFY_EMAIL", "ann@example.com")
        assert visitor.post("verify-email", token=mail.code).json()["username"] == "Ann"
        token = visitor.log_in("ann")["access_token"]
        submit(site, token)
        assert len(site.client.get("/v1/jobs", headers={"Authorization": f"Bearer {token}"}).json()["jobs"]) == 2
        key = visitor.post("keys", token, name="Phone", scopes=["read"]).json()["key"]
        assert visitor.me(key).json()["scopes"] == ["read"]
        assert_problem(visitor.post("keys", key, name="Another", scopes=["read"]), 403, "session_required")
        server.queue_errors("TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been temporarily disabled")
        refused = visitor.post("login", username="ann@example.com", password=PASSWORD)
        assert_problem(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) > 0
        assert visitor.me(token, "DELETE").status_code == 204
        assert_problem(visitor.me(token), 401, "unauthenticated")
        assert_problem(visitor.me(key), 401, "key_invalid")
        assert server.accounts.users == {}
