"""Image datasets on either local place, by the same calls, with servers that are killed in the middle."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx

from tests.dataset_runs import balances, create, ended, fetched_again, images, look, start, unhurried
from tests.image_site import ImageSite
from tests.server import Server, eventually


def test_a_list_becomes_a_dataset(place: Server, pictures: ImageSite) -> None:
    """Three hundred addresses, sent and linked to, all come to what they must, and the images can be taken away."""
    urls = pictures.mix(300)
    with place.client() as client:
        id = create(client, urls[:200], max_images=len(urls))
        link = pictures.listed("\n".join(urls[200:]).encode())
        assert client.post(f"/v1/datasets/{id}/lists", json={"url": link}).status_code == 201
        start(client, id)
        dataset = ended(client, id)
        assert dataset["status"] == "completed", dataset["error"]
        balances(client, dataset, pictures, urls)
        kept = images(client, id, state="downloaded")
        link = client.get(f"/v1/datasets/{id}/images/{kept[0]['id']}/media").headers["location"]
        assert len(httpx.get(link).content) == kept[0]["sizeBytes"]

        export = client.post(f"/v1/datasets/{id}/exports", json={"format": "zip"}).json()["id"]
        made = eventually(lambda: done(client, f"/v1/datasets/{id}/exports/{export}"))
        content = httpx.get(made["files"][0]["url"]).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert sum(name.endswith(".jpg") for name in archive.namelist()) == made["images"] > 0


def done(client: httpx.Client, path: str) -> dict[str, object] | None:
    made: dict[str, object] = client.get(path).json()
    assert made["status"] in ("queued", "running", "done"), made["error"]
    return made if made["status"] == "done" else None


def test_a_killed_server_goes_on_with_its_dataset(tmp_path: Path) -> None:
    """Killed twice in the middle of a crawl and started again, a server finishes it, balanced to the last image."""
    kills = 2
    with ImageSite(latency_sec=0.01) as site:
        urls = site.mix(300)
        server = Server(tmp_path / "data", ALLOW_HOSTS=site.address, CRAWL_CONNECTIONS="8", **unhurried(site))
        server.start()
        try:
            with server.client() as client:
                id = create(client, urls)
                start(client, id)
            for number in range(1, kills + 1):
                wanted = len(urls) * number // (kills + 2)
                eventually(lambda wanted=wanted: sum(site.asked.values()) >= wanted)  # type: ignore[misc]
                server.kill()
                server.start()
            with server.client() as client:
                dataset = ended(client, id)
                assert dataset["status"] == "completed", dataset["error"]
                balances(client, dataset, site, urls)
                assert look(client, id)["progress"]["chunks"]["completed"] == 3
        finally:
            server.stop()
        # What was under way at a kill, in any of the chunks, is fetched again.
        assert fetched_again(site) <= kills * 3 * 8
