"""Webhooks as their owners set them up."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.webhooks.deliveries import MAX_WEBHOOKS, WEBHOOKS
from tests.api_site import Site

HOST = "127.0.0.1:9"


@pytest.fixture
def open_site(site: Site) -> Site:
    site.configure(ALLOW_HOSTS=HOST)
    return site


def create(site: Site, **wish: Any) -> dict[str, Any]:
    answer = site.client.post("/v1/webhooks", json={"url": f"http://{HOST}/hook"} | wish)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/webhooks/{made['id']}"
    return made


def test_a_webhook_is_made_and_shown(open_site: Site) -> None:
    """What was made is what is listed and shown, with all events unless some were chosen."""
    made = create(open_site, description="Home")
    shown = {name: value for name, value in made.items() if name != "secret"}

    assert open_site.client.get(f"/v1/webhooks/{made['id']}").json() == shown
    assert open_site.client.get("/v1/webhooks").json() == {"webhooks": [shown]}
    assert shown["events"] == ["job.cancelled", "job.done", "job.failed"]
    assert (shown["paused"], shown["pausedReason"], shown["failures"]) == (False, None, 0)
    assert create(open_site, events=["job.done", "job.done"])["events"] == ["job.done"]


def test_the_secret_is_shown_once(open_site: Site) -> None:
    """Only the first answer holds the secret; neither a later one nor the stored document does."""
    made = create(open_site)
    assert re.fullmatch("whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    secret = made["secret"].removeprefix("whsec_")
    url = f"/v1/webhooks/{made['id']}"
    later = [open_site.client.get(url), open_site.client.get("/v1/webhooks"), open_site.client.patch(url, json={})]
    stored = open_site.place.place.documents.get(WEBHOOKS, made["id"])

    assert all(secret not in answer.text and "salt" not in answer.text for answer in later)
    assert secret not in str(stored)
    assert create(open_site)["secret"] != made["secret"]


def test_a_webhook_can_be_changed(open_site: Site) -> None:
    """What a change leaves out stays; null takes the description away."""
    made = create(open_site, description="Home")
    url = f"/v1/webhooks/{made['id']}"
    changed = open_site.client.patch(url, json={"url": f"http://{HOST}/other", "events": ["job.failed"]}).json()
    assert (changed["url"], changed["events"]) == (f"http://{HOST}/other", ["job.failed"])
    assert changed["description"] == "Home"
    assert changed["updatedAt"] > made["updatedAt"]

    assert open_site.client.patch(url, json={"description": None}).json()["description"] is None
    paused = open_site.client.patch(url, json={"paused": True}).json()
    assert (paused["paused"], paused["pausedReason"]) == (True, "Paused by the owner.")
    assert open_site.client.patch(url, json={"events": ["job.done"]}).json()["paused"]
    assert not open_site.client.patch(url, json={"paused": False}).json()["paused"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "url"),
        ({"url": "https://example.com/", "events": []}, "events"),
        ({"url": "https://example.com/", "events": ["job.started"]}, "events.0"),
        ({"url": "https://example.com/", "events": ["webhook.test"]}, "events.0"),
        ({"url": "https://example.com/", "secret": "mine"}, "secret"),
        ({"url": 5}, "url"),
    ],
)
def test_a_wrong_wish_is_explained(site: Site, wish: dict[str, Any], field: str) -> None:
    """Each mistake is told by its field."""
    answer = site.client.post("/v1/webhooks", json=wish)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_there_is_a_limit(open_site: Site) -> None:
    """Nobody has more webhooks than can be told at once; one that is deleted makes room."""
    made = [create(open_site) for _ in range(MAX_WEBHOOKS)]
    answer = open_site.client.post("/v1/webhooks", json={"url": f"http://{HOST}/hook"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhooks")
    assert open_site.client.delete(f"/v1/webhooks/{made[0]['id']}").status_code == 204
    create(open_site)


def test_what_is_anothers_is_not_found(open_site: Site) -> None:
    """Nobody sees, changes, tries, replays or deletes another user's webhook, or learns that it exists."""
    open_site.configure(AUTH_REQUIRED="true")
    ann, bob = ({"Authorization": f"Bearer token-{name}"} for name in ("ann", "bob"))
    made = open_site.client.post("/v1/webhooks", json={"url": f"http://{HOST}/hook"}, headers=ann).json()
    url = f"/v1/webhooks/{made['id']}"
    sent = open_site.client.post(f"{url}/test", headers=ann).json()["id"]
    calls = [
        ("GET", url),
        ("PATCH", url),
        ("DELETE", url),
        ("POST", f"{url}/test"),
        ("GET", f"{url}/deliveries"),
        ("POST", f"{url}/deliveries/{sent}/replay"),
    ]
    for method, path in calls:
        body = {"paused": True} if method == "PATCH" else None
        assert open_site.client.request(method, path, json=body, headers=bob).status_code == 404, path
    own = open_site.client.post("/v1/webhooks", json={"url": f"http://{HOST}/hook"}, headers=bob).json()["id"]
    across = f"/v1/webhooks/{own}/deliveries/{sent}/replay"
    assert open_site.client.post(across, headers=bob).status_code == 404
    assert [hook["id"] for hook in open_site.client.get("/v1/webhooks", headers=bob).json()["webhooks"]] == [own]
    assert open_site.client.get(url, headers=ann).json()["paused"] is False


def test_a_cursor_of_another_list_is_refused(open_site: Site) -> None:
    """A page is asked for by what the page before gave, and nothing else."""
    made = create(open_site)
    answer = open_site.client.get(f"/v1/webhooks/{made['id']}/deliveries", params={"cursor": "nonsense"})

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def test_without_a_key_there_are_no_webhooks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in the cloud that has no SIGNING_KEY says so, instead of signing with nothing."""
    site.configure(ALLOW_HOSTS=HOST, CLIPWISE_PLACE="gcp")
    answer = site.client.post("/v1/webhooks", json={"url": f"http://{HOST}/hook"})

    assert (answer.status_code, answer.json()["code"]) == (501, "not_configured")
    site.configure(SIGNING_KEY="k" * 32)
    create(site)
