"""`Idempotency-Key` on every request that creates something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api_site import MP4, Site
from tests.video_samples import plain_video

UPLOAD = {"kind": "metadata", "filename": "a.mp4", "content_type": "video/mp4", "size": len(MP4)}
DATASET = {"name": "Dogs", "keywords": ["dog"]}
WEBHOOK = {"url": "https://example.com/hook"}
CREATIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "upload": ("/v1/uploads", UPLOAD, UPLOAD | {"size": 7}),
    "analysis": ("/v1/videos/{video}/analyses", {"kind": "metadata"}, {"kind": "metadata", "language": "de"}),
    "dataset": ("/v1/datasets", DATASET, DATASET | {"name": "Cats"}),
    "export": ("/v1/datasets/{dataset}/exports", {"format": "zip"}, {"format": "coco"}),
    "group": ("/v1/groups", {"name": "Soups"}, {"name": "Stews"}),
    "webhook": ("/v1/webhooks", WEBHOOK, WEBHOOK | {"description": "Mine"}),
}


def identifier(answer: dict[str, Any]) -> str:
    return str(answer["job"]["id"] if "job" in answer else answer["id"])


@pytest.fixture(params=sorted(CREATIONS))
def creation(
    request: pytest.FixtureRequest, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Any, Any]:
    """The path that creates something, a body for it, and another body."""
    monkeypatch.setattr("functions.api.routes.webhooks.check_target_host", lambda *_: None)
    path, body, other = CREATIONS[request.param]
    if "{video}" in path:
        video = site.send(plain_video(tmp_path / "v.mp4").read_bytes()).json()["id"]
        site.work()
        path = path.format(video=video)
    elif "{dataset}" in path:
        path = path.format(dataset=site.client.post("/v1/datasets", json=DATASET).json()["id"])
    return path, body, other


def test_a_repeated_request_creates_one_thing(site: Site, creation: tuple[str, Any, Any]) -> None:
    """An app that lost the answer sends the request again and gets what the first one created."""
    path, body, other = creation
    headers = {"Idempotency-Key": "one"}
    first, second = (site.client.post(path, json=body, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code, second.text
    assert identifier(first.json()) == identifier(second.json())
    assert first.json().get("secret") == second.json().get("secret")

    reused = site.client.post(path, json=other, headers=headers)
    assert (reused.status_code, reused.json()["code"]) == (409, "key_reused")

    third = site.client.post(path, json=body, headers={"Idempotency-Key": "two"})
    assert identifier(third.json()) != identifier(first.json())


def test_an_invalid_request_does_not_use_up_its_key(site: Site) -> None:
    """After a rejected request, the corrected one may carry the same key."""
    headers = {"Idempotency-Key": "one"}
    assert site.client.post("/v1/groups", json={"name": " "}, headers=headers).status_code == 422
    assert site.client.post("/v1/groups", json={"name": "Soups"}, headers=headers).status_code == 201


def test_each_path_has_its_own_keys(site: Site) -> None:
    """A client that numbers its requests anew for each path creates a group and a dataset with one key."""
    headers = {"Idempotency-Key": "one"}
    assert site.client.post("/v1/groups", json={"name": "Dogs"}, headers=headers).status_code == 201
    assert site.client.post("/v1/datasets", json=DATASET, headers=headers).status_code == 201


def test_after_a_deletion_the_key_creates_anew(site: Site) -> None:
    """A deleted group does not come back under its old id."""
    headers = {"Idempotency-Key": "one"}
    first = site.client.post("/v1/groups", json={"name": "Soups"}, headers=headers).json()["id"]
    assert site.client.delete(f"/v1/groups/{first}").status_code == 204
    second = site.client.post("/v1/groups", json={"name": "Soups"}, headers=headers)
    assert second.status_code == 201
    assert second.json()["id"] != first


def test_a_repeated_upload_gets_a_link_that_works(site: Site) -> None:
    """A client that lost the first link uploads to the second one, and the one job runs."""
    headers = {"Idempotency-Key": "one"}
    tickets = [site.client.post("/v1/uploads", json=UPLOAD, headers=headers).json() for _ in range(2)]
    sent = site.client.put(tickets[1]["upload_url"], content=MP4, headers=tickets[1]["headers"])
    assert sent.is_success
    assert [job["id"] for job in site.jobs()] == [tickets[0]["job"]["id"]]
