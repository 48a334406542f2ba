"""Datasets of a running server, over HTTP: made, followed, and balanced against the site that their images are from."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx

from infra.stand_ins.image_search import ImageSearch
from tests.image_site import ImageSite
from tests.server import eventually

ENDED = ("completed", "failed", "cancelled")


def unhurried(site: ImageSite, search: ImageSearch | None = None) -> dict[str, str]:
    """Settings under which one site on this machine is crawled as if it were many."""
    found = {"CRAWL_HOST_DELAY_SEC": "0", "CRAWL_HOST_CONNECTIONS": "16", "CRAWL_TIMEOUT_SEC": "10"}
    if search:
        found |= {"OPENVERSE_BASE_URL": search.url, "SEARCH_BASE_URL": search.url}
    return found


def create(client: httpx.Client, urls: list[str], **wish: Any) -> str:
    """A dataset of these addresses; its id."""
    answer = client.post("/v1/datasets", json={"name": "Pictures", "max_images": len(urls)} | wish)
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    sent = client.post(f"/v1/datasets/{id}/lists", files={"file": ("urls.txt", "\n".join(urls).encode())})
    assert sent.status_code == 201, sent.text
    return id


def start(client: httpx.Client, id: str) -> None:
    answer = client.post(f"/v1/datasets/{id}/start")
    assert answer.status_code == 202, answer.text


def look(client: httpx.Client, id: str) -> dict[str, Any]:
    dataset: dict[str, Any] = client.get(f"/v1/datasets/{id}").json()
    return dataset


def ended(client: httpx.Client, id: str) -> dict[str, Any]:
    """The dataset once it has ended; what is found and kept never falls meanwhile."""
    seen = [look(client, id)]

    def over() -> bool:
        seen.append(look(client, id))
        return seen[-1]["status"] in ENDED

    eventually(over, pause=0.2)
    kept = [dataset["progress"]["images"]["downloaded"] for dataset in seen]
    assert kept == sorted(kept)
    return seen[-1]


def images(client: httpx.Client, id: str, **wanted: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {"limit": "200"} | wanted | ({"cursor": cursor} if cursor else {})
        page = client.get(f"/v1/datasets/{id}/images", params=params).json()
        found += page["images"]
        cursor = page["cursor"]
        if cursor is None:
            return found


def balances(client: httpx.Client, dataset: dict[str, Any], site: ImageSite, urls: list[str]) -> None:
    """Every address has come to what it must, is counted once, and no image is there twice."""
    told = dataset["progress"]["images"]
    assert told["found"] == len(urls)
    counts = Counter({None: told["downloaded"], **told["rejected"]})
    assert counts == site.tally(urls)
    records = images(client, dataset["id"])
    assert len(records) == len(set(urls))
    states = Counter(record["reason"] if record["state"] == "rejected" else None for record in records)
    assert "pending" not in {record["state"] for record in records}
    assert states == Counter({reason: n for reason, n in counts.items() if reason != "duplicate_url"})
    digests = [record["sha256"] for record in records if record["state"] == "downloaded"]
    assert len(set(digests)) == len(digests)


def fetched_again(site: ImageSite) -> int:
    """How many images were asked for more than once, though no one was told to come again."""
    # A redirect and its target are one image.
    others = ("/robots.txt", "/.well-known/tdmrep.json", "/moved/")
    return sum(count - 1 for path, count in site.asked.items() if count > 1 and not path.startswith(others))
