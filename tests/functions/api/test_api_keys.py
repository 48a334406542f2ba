"""Personal API keys: shown once, listed without their text, gone at once, and counted for themselves."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from functions.api import rate_limits
from shared import clock
from shared.api_key_format import PATTERN, is_api_key, new_api_key, parse_api_key
from shared.library.api_keys import KEYS, LAST_USED_STEP, MAX_KEYS
from tests.api_site import Site

ANN = {"Authorization": "Bearer token-ann"}
BEN = {"Authorization": "Bearer token-ben"}
WISH = {"name": "Phone", "scopes": ["write", "read"]}


@pytest.fixture(autouse=True)
def _sign_in_is_required(site: Site) -> None:
    site.configure(AUTH_REQUIRED="true")


def create(site: Site, wish: dict[str, Any] = WISH, **headers: str) -> dict[str, Any]:
    answer = site.client.post("/v1/auth/keys", json=wish, headers=ANN | headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def listed(site: Site, headers: dict[str, str] = ANN, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.client.get("/v1/auth/keys", headers=headers, params=params).json()["keys"]
    return found


def use(site: Site, text: str, path: str = "/v1/jobs") -> httpx.Response:
    return site.client.get(path, headers={"Authorization": f"Bearer {text}"})


def later(monkeypatch: pytest.MonkeyPatch, wait: timedelta) -> None:
    now = clock.now() + wait
    monkeypatch.setattr(clock, "now", lambda: now)


def test_a_key_is_shown_once_and_only_its_hash_is_kept(site: Site) -> None:
    """Neither the list nor the data folder has what opens the door, and secret scanners know it by its form."""
    made = create(site)
    assert re.fullmatch(PATTERN, made["key"])
    assert parse_api_key(made["key"]) == made["id"]
    assert made["scopes"] == ["read", "write"]
    (info,) = listed(site)
    assert info == {name: value for name, value in made.items() if name != "key"}
    assert info["lastUsedAt"] is None
    secret = made["key"].rpartition("_")[2]
    stored = site.place.place.documents.get(KEYS, made["id"])
    assert stored is not None
    assert secret not in str(stored.data)


def test_a_key_is_its_owner(site: Site) -> None:
    """A program with Ann's key works with Ann's jobs, and learns who it is and what it may do."""
    text = create(site)["key"]
    headers = {"Authorization": f"Bearer {text}"}
    job = site.client.post("/v1/jobs", json={"url": "https://example.com/a.mp4", "kind": "recipe"}, headers=headers)
    assert job.status_code == 202
    assert site.client.get(f"/v1/jobs/{job.json()['id']}", headers=ANN).status_code == 200
    me = use(site, text, "/v1/auth/me").json()
    assert (me["id"], me["scopes"]) == ("ann", ["read", "write"])
    assert site.client.get("/v1/auth/me", headers=ANN).json()["scopes"] is None


def test_a_revoked_key_stops_with_the_next_request(site: Site) -> None:
    """No instance goes on with a key that was used a moment ago; others' keys cannot be revoked."""
    made, other = create(site), create(site)
    assert use(site, made["key"]).status_code == 200
    assert site.client.delete(f"/v1/auth/keys/{made['id']}", headers=BEN).status_code == 404
    assert site.client.delete(f"/v1/auth/keys/{made['id']}", headers=ANN).status_code == 204
    refused = use(site, made["key"])
    assert (refused.status_code, refused.json()["code"]) == (401, "key_invalid")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert [key["id"] for key in listed(site)] == [other["id"]]
    assert use(site, other["key"]).status_code == 200


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text[:-1] + "!", lambda text: text.upper()])
def test_a_mistyped_key_is_refused(site: Site, change: Any) -> None:
    """A text that only looks like a key gets a code of its own or, without the prefix, that of a wrong token."""
    text = change(create(site)["key"])
    refused = use(site, text)
    code = "key_invalid" if is_api_key(text) else "unauthenticated"
    assert (refused.status_code, refused.json()["code"]) == (401, code)


def test_the_id_of_a_key_opens_nothing(site: Site) -> None:
    """A key with the right id and another secret, checksum included, is refused."""
    assert use(site, new_api_key(create(site)["id"])).json()["code"] == "key_invalid"


def test_a_key_expires(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its time on, a key is refused and still listed; one that would expire in the past is not made."""
    soon = clock.now() + timedelta(hours=1)
    made = create(site, WISH | {"expiresAt": soon.isoformat()})
    assert use(site, made["key"]).status_code == 200
    later(monkeypatch, timedelta(hours=1))
    refused = use(site, made["key"])
    assert (refused.status_code, refused.json()["code"]) == (401, "key_expired")
    assert [key["id"] for key in listed(site)] == [made["id"]]
    late = site.client.post("/v1/auth/keys", json=WISH | {"expiresAt": soon.isoformat()}, headers=ANN)
    assert (late.status_code, late.json()["code"]) == (422, "expired_already")


def test_the_last_use_is_written_rarely(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner sees when a key was last used, to within some minutes, and a request costs no write."""
    made = create(site)
    documents = site.place.place.documents

    def version() -> str:
        stored = documents.get(KEYS, made["id"])
        assert stored is not None
        return stored.version

    use(site, made["key"])
    first = version()
    assert listed(site)[0]["lastUsedAt"] is not None
    use(site, made["key"])
    assert version() == first
    later(monkeypatch, LAST_USED_STEP)
    use(site, made["key"])
    assert version() != first


def test_a_repeated_request_makes_one_key(site: Site) -> None:
    """Whoever lost the answer asks again with the same Idempotency-Key: one key is listed, and the new text is good."""
    lost, second = (create(site, **{"Idempotency-Key": "once"}) for _ in range(2))
    assert lost["id"] == second["id"]
    assert len(listed(site)) == 1
    assert [use(site, made["key"]).status_code for made in (lost, second)] == [401, 200]


def test_keys_come_in_pages_and_end_at_a_limit(site: Site) -> None:
    """A list of any length can be read, and nobody fills the database with keys."""
    ids = [create(site)["id"] for _ in range(MAX_KEYS)]
    page = site.client.get("/v1/auth/keys", headers=ANN, params={"limit": 30}).json()
    rest = site.client.get("/v1/auth/keys", headers=ANN, params={"limit": 30, "cursor": page["cursor"]}).json()
    assert [key["id"] for key in page["keys"] + rest["keys"]] == ids[::-1]
    refused = site.client.post("/v1/auth/keys", json=WISH, headers=ANN)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_keys")
    assert listed(site, BEN) == []


@pytest.mark.parametrize("wrong", [{"scopes": []}, {"scopes": ["admin"]}, {"name": " "}, {"name": "x" * 201}])
def test_a_wrong_wish_is_refused(site: Site, wrong: dict[str, Any]) -> None:
    """A key has a name and at least one of the scopes that there are."""
    answer = site.client.post("/v1/auth/keys", json=WISH | wrong, headers=ANN)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_key_of_the_local_user(site: Site) -> None:
    """Where nobody signs in, a key narrows what a program may do; it opens nothing once sign-in is required."""
    site.configure(AUTH_REQUIRED="false")
    text = site.client.post("/v1/auth/keys", json=WISH | {"scopes": ["read"]}).json()["key"]
    assert use(site, text, "/v1/auth/me").json()["id"] == "local"
    wish = {"url": "https://example.com/a.mp4", "kind": "recipe"}
    refused = site.client.post("/v1/jobs", json=wish, headers={"Authorization": f"Bearer {text}"})
    assert refused.json()["code"] == "key_scope"
    assert use(site, text, "/v1/operations").json()["scope"] == "own"
    site.configure(AUTH_REQUIRED="true")
    assert use(site, text).json()["code"] == "key_invalid"


def test_an_anonymous_account_has_no_keys(site: Site) -> None:
    """An account that anyone gets by asking does not get a key that outlives it."""
    session = site.client.post("/v1/auth/anonymous").json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    answer = site.client.post("/v1/auth/keys", json=WISH, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_offered")


@pytest.fixture
def _counted_anew() -> Iterator[None]:
    rate_limits.counters.cache_clear()
    yield
    rate_limits.counters.cache_clear()


@pytest.mark.usefixtures("_counted_anew")
def test_a_key_is_counted_for_itself(site: Site) -> None:
    """A program that asks too often is stopped; its owner and their other keys go on."""
    one, other = create(site)["key"], create(site)["key"]
    site.configure(RATE_LIMIT_KEY="2/minute")
    answers = [use(site, one) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert '"key";q=2;w=60' in answers[0].headers["RateLimit-Policy"]
    assert use(site, other).status_code == 200
    assert site.client.get("/v1/jobs", headers=ANN).status_code == 200


def test_the_log_says_what_happens_to_keys(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Operators find a key's creation, refusals and end by its id, and never its secret."""
    with caplog.at_level(logging.INFO):
        made = create(site)
        use(site, made["key"], "/v1/jobs")
        site.client.post("/v1/groups/" + "0" * 32 + "/share", headers={"Authorization": f"Bearer {made['key']}"})
        site.client.delete(f"/v1/auth/keys/{made['id']}", headers=ANN)
    told = [line.getMessage() for line in caplog.records if made["id"] in line.getMessage() and line.name != "httpx"]
    assert [re.findall("created|refused|revoked", line) for line in told] == [["created"], ["refused"], ["revoked"]]
    assert made["key"].rpartition("_")[2] not in caplog.text
