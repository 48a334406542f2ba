"""Request fields stay within what every place can store and every client can read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from functions.api.request_models import LinkText, RequestModel
from tests.api_site import Site

DATASET = {"name": "Dogs", "keywords": ["dog"]}
HUGE: Any = 2**70


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/datasets", DATASET | {"name": " "}, "name"),
        ("/v1/datasets", DATASET | {"name": "a\0b"}, "name"),
        ("/v1/datasets", DATASET | {"keywords": [" "]}, "keywords.0"),
        ("/v1/datasets", DATASET | {"keywords": ["a\0"]}, "keywords"),
        ("/v1/datasets", DATASET | {"project": 2**63}, "project"),
        ("/v1/datasets", DATASET | {"filters": {"min_width": HUGE}}, "filters.min_width"),
        ("/v1/datasets", DATASET | {"filters": {"max_aspect": float("inf")}}, "filters.max_aspect"),
        ("/v1/datasets", DATASET | {"filters": {"licences": ["by\0"]}}, "filters"),
        ("/v1/datasets", DATASET | {"filters": {"minwidth": 3}}, "filters.minwidth"),
        ("/v1/datasets", DATASET | {"thresholds": {"sharpness": 3}}, "thresholds.sharpness"),
        ("/v1/datasets", DATASET | {"thresholds": {"min_sharpness": float("nan")}}, "thresholds.min_sharpness"),
        ("/v1/datasets", DATASET | {"max_images": HUGE}, "max_images"),
        ("/v1/groups", {"name": "\t"}, "name"),
        ("/v1/groups", {"name": "Soups\0"}, "name"),
        ("/v1/groups", {"name": "Soups", "description": "\0"}, "description"),
        ("/v1/groups", {"name": "Soups", "description": "\ud800"}, "description"),
        ("/v1/jobs", {"url": "https://example.com/a.mp4", "kind": "recipe", "title": "a\0b"}, "title"),
        ("/v1/jobs", {"url": "https://example.com/a.mp4", "kind": "recipe", "options": {"a": HUGE}}, "options.a"),
    ],
)
def test_a_value_out_of_bounds_names_its_field(site: Site, path: str, body: dict[str, Any], field: str) -> None:
    """A client that sends what cannot be stored reads which field is wrong, and nothing is created."""
    answer = site.client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert field in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    "body", [{"name": " ", "keywords": ["a"]}, {"name": "a", "keywords": ["a"], "project_id": HUGE}]
)
def test_the_crawler_s_clients_get_the_same_bounds(site: Site, body: dict[str, Any]) -> None:
    """An app of the image crawler that sends a blank name or a huge number learns what is wrong."""
    assert site.client.post("/api/v1/jobs", json=body).status_code == 422


@pytest.mark.parametrize(
    "expires_at",
    ["9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+00:00", "1969-12-31T23:59:59Z", "2030-01-01T00:00:00"],
)
def test_a_share_link_expires_at_a_time_that_exists(site: Site, expires_at: str) -> None:
    """A time that no calendar reaches in UTC, lies before 1970, or has no time zone is rejected."""
    group = site.client.post("/v1/groups", json={"name": "Soups"}).json()["id"]
    answer = site.client.post(f"/v1/groups/{group}/share", json={"expires_at": expires_at})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expires_at")


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0])
def test_every_64_bit_integer_is_kept(site: Site, number: int) -> None:
    """A project number within 64 bits comes back as it was sent."""
    answer = site.client.post("/v1/datasets", json=DATASET | {"project": number})
    assert (answer.status_code, answer.json()["project"]) == (201, number)


def test_only_links_are_left_to_the_guard() -> None:
    """A field that happens to be called `url` is checked like every other; a link's faults have codes of their own."""

    class Note(RequestModel):
        url: str
        link: LinkText

    with pytest.raises(ValidationError, match="NUL"):
        Note(url="a\0b", link="")
    assert Note(url="a", link="a\0b").link == "a\0b"
