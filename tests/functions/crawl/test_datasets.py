"""Whole runs of datasets over HTTP, against a site full of images and stand-ins for the search engines."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from infra.runtimes.embedded.workers import load_function
from infra.stand_ins.image_search import ImageSearch
from infra.stand_ins.server import Reply
from shared.datasets.candidates import CandidateBatches
from shared.datasets.store import iterate_images
from shared.models.image import ImageState
from shared.platform.embedded.bus import to_cloud_event
from shared.settings import settings
from tests.api_site import Site
from tests.image_site import ImageSite


class Killed(BaseException):
    """The process died."""


@pytest.fixture
def images() -> Iterator[ImageSite]:
    with ImageSite() as serving:
        yield serving


@pytest.fixture
def search(images: ImageSite) -> Iterator[ImageSearch]:
    with ImageSearch(images.found) as serving:
        yield serving


@pytest.fixture
def api(site: Site, images: ImageSite, search: ImageSearch) -> Api:
    site.configure(
        ALLOW_HOSTS=images.address,
        CRAWL_HOST_DELAY_SEC="0",
        CRAWL_HOST_CONNECTIONS="8",
        CRAWL_TIMEOUT_SEC="5",
        OPENVERSE_BASE_URL=search.url,
        SEARCH_BASE_URL=search.url,
    )
    return Api(site)


class Api:
    """Datasets of one user."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def post(self, path: str, status: int, **more: Any) -> dict[str, Any]:
        answer = self.site.client.post(f"/v1/datasets{path}", **more)
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = self.site.client.get(f"/v1/datasets{path}", params=params)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def create(self, urls: list[str] | None = None, **wish: Any) -> str:
        id: str = self.post("", 201, json={"name": "Pictures", "max_images": 1000} | wish)["id"]
        if urls:
            self.post(f"/{id}/lists", 201, files={"file": ("urls.txt", "\n".join(urls).encode())})
        return id

    def run(self, id: str) -> dict[str, Any]:
        self.post(f"/{id}/start", 202)
        self.site.work()
        return self.get(f"/{id}")

    def crawled(self, urls: list[str] | None = None, **wish: Any) -> dict[str, Any]:
        return self.run(self.create(urls, **wish))


def counts(dataset: dict[str, Any]) -> Counter[str | None]:
    images = dataset["progress"]["images"]
    return Counter({None: images["downloaded"], **images["rejected"]})


def balanced(site: Site, dataset: dict[str, Any]) -> None:
    """Found is downloaded and rejected; each record is counted; no object and no bytes are there twice."""
    images = dataset["progress"]["images"]
    assert images["found"] == images["downloaded"] + sum(images["rejected"].values())
    records = list(iterate_images(site.place.place.documents, dataset["id"]))
    assert not [record for record in records if record.state is ImageState.PENDING]
    kept = [record for record in records if record.state is ImageState.DOWNLOADED]
    assert len(kept) == images["downloaded"]
    assert len({record.sha256 for record in kept}) == len(kept)
    stored = [info.name for info in site.place.place.objects.list("media", f"{dataset['id']}/images/")]
    assert sorted(stored) == sorted(record.media for record in kept if record.media)
    rejected = Counter(record.reason for record in records if record.state is ImageState.REJECTED)
    uncounted = {"duplicate_url", "not_needed", "chunk_failed"}
    assert rejected == Counter({key: n for key, n in images["rejected"].items() if key not in uncounted})


def test_a_list_is_crawled_to_the_last_address(api: Api, images: ImageSite) -> None:
    """Of two hundred good and bad addresses each comes to what it must, and is asked for once."""
    urls = images.mix(200)
    dataset = api.crawled(urls)
    assert dataset["status"] == "completed"
    assert (dataset["percent"], dataset["progress"]["images"]["found"]) == (100, 200)
    assert counts(dataset) == images.tally(urls)
    assert dataset["progress"]["chunks"] == {"total": 2, "active": 0, "completed": 2, "failed": 0}
    assert set(images.asked.values()) == {1}
    balanced(api.site, dataset)
    validated = dataset["progress"]["validated"]
    assert validated["checked"] == dataset["progress"]["images"]["downloaded"]
    assert api.site.jobs() == []
    assert api.site.client.get("/v1/videos").json()["videos"] == []


def test_keywords_and_engines_share_the_images(api: Api) -> None:
    """Forty images of two keywords at two engines are ten of each, never more."""
    dataset = api.crawled(keywords=["1", "2"], sources=["openverse", "bing"], max_images=40)
    assert dataset["status"] == "completed"
    image_rows = api.get(f"/{dataset['id']}/images", limit=200, state="downloaded")["images"]
    # Both engines name the same images, which are kept once: the other round makes up for that.
    assert len(image_rows) == 40
    assert Counter(image["keyword"] for image in image_rows) == {"1": 20, "2": 20}
    assert {image["source"] for image in image_rows} == {"openverse", "bing"}
    balanced(api.site, dataset)


def test_what_one_keyword_cannot_give_another_does(api: Api, search: ImageSearch) -> None:
    """A keyword without images leaves its share to the others."""
    everything = search.images
    search.images = lambda keyword, page: everything(keyword, page) if keyword == "1" else []
    dataset = api.crawled(keywords=["1", "2"], sources=["openverse"], max_images=24)
    assert dataset["progress"]["images"]["downloaded"] == 24
    balanced(api.site, dataset)


def test_the_end_of_all_sources_is_the_end(api: Api) -> None:
    """When no source has more, what there is is what one gets."""
    dataset = api.crawled(keywords=["1"], sources=["openverse", "duckduckgo"], max_images=500)
    assert dataset["status"] == "completed"
    assert dataset["progress"]["images"] == {"found": 60, "downloaded": 30, "rejected": {"duplicate_url": 30}}


def test_a_changed_engine_is_loud_and_others_go_on(api: Api, search: ImageSearch) -> None:
    """An engine with a new form is an error of that engine that everybody sees; a retry asks it again, and only it."""
    search.always["bing"] = Reply(b"<html>Solve this puzzle</html>")
    dataset = api.crawled(keywords=["1", "2"], sources=["openverse", "bing"], max_images=40)
    assert dataset["status"] == "completed"
    bing = dataset["progress"]["sources"]["bing"]
    assert (bing["chunks"]["failed"], bing["errors"][0]["code"]) == (2, "engine_unreadable")
    assert dataset["progress"]["images"]["downloaded"] == 40
    balanced(api.site, dataset)

    query_count = len(search.queries_for("openverse"))
    del search.always["bing"]
    api.post(f"/{dataset['id']}/retry", 202)
    api.site.work()
    again = api.get(f"/{dataset['id']}")
    assert (again["status"], again["progress"]["chunks"]["failed"]) == ("completed", 0)
    assert again["progress"]["sources"]["bing"]["errors"] == []
    assert again["progress"]["images"]["downloaded"] == 40
    assert len(search.queries_for("openverse")) == query_count
    refused = api.site.client.post(f"/v1/datasets/{dataset['id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_failed")


def test_a_retry_fills_what_failed_chunks_left(api: Api, search: ImageSearch) -> None:
    """Images that were missing because a source was away come when it is back."""
    search.always["openverse"] = Reply({}, 403)
    dataset = api.crawled(keywords=["1"], sources=["openverse"], max_images=10)
    assert (dataset["status"], dataset["error"]["code"]) == ("failed", "engine_blocked")
    del search.always["openverse"]
    api.post(f"/{dataset['id']}/retry", 202)
    api.site.work()
    again = api.get(f"/{dataset['id']}")
    assert (again["status"], again["progress"]["images"]["downloaded"], again["error"]) == ("completed", 10, None)
    balanced(api.site, again)


@pytest.mark.parametrize(("step", "at"), [("claim", 1), ("settle", 1), ("settle", 7), ("settle", 30), ("settle", 55)])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_chunk_goes_on(
    api: Api, images: ImageSite, monkeypatch: pytest.MonkeyPatch, step: str, at: int, when: str
) -> None:
    """Killed before or after images were claimed or settled, a chunk goes on where it was, and it balances as if
    nothing was."""
    taken, killed = 0, False
    take = getattr(CandidateBatches, step)

    def dying(self: CandidateBatches, items: Sequence[Any]) -> Any:
        nonlocal taken, killed
        taken += len(items)
        if taken < at:
            return take(self, items)
        if when == "after" and not killed:
            take(self, items)
        killed = True
        raise Killed

    urls = images.mix(60)
    id = api.create(urls)
    api.post(f"/{id}/start", 202)
    queue = api.site.place.queue
    with monkeypatch.context() as patch:
        patch.setattr(CandidateBatches, step, dying)
        while not killed:
            delivery = queue.claim(lease_sec=600)
            assert delivery is not None
            try:
                load_function(delivery.function)(to_cloud_event(delivery))
            except Killed:
                queue.refuse(delivery, 0)
            else:
                queue.acknowledge(delivery)
    api.site.work()
    dataset = api.get(f"/{id}")
    assert dataset["status"] == "completed"
    assert counts(dataset) == images.tally(urls)
    balanced(api.site, dataset)
    # What was under way when it died is fetched again, and nothing else. A busy server is asked again anyway.
    fetches = {url: images.asked[urlsplit(url).path] for url in urls if "/busy/" not in url}
    assert sum(count > 1 for count in fetches.values()) <= settings().crawl_connections
    assert max(fetches.values()) <= 2


def test_stop_and_go_on(api: Api, images: ImageSite) -> None:
    """What was downloaded before a stop stays and is not fetched again; the rest comes afterwards."""
    urls = images.mix(250)
    id = api.create(urls)
    api.post(f"/{id}/start", 202)
    queue = api.site.place.queue
    for _ in range(2):  # the run's own message, and one chunk's
        delivery = queue.claim(lease_sec=600)
        assert delivery is not None
        load_function(delivery.function)(to_cloud_event(delivery))
        queue.acknowledge(delivery)
    assert api.post(f"/{id}/stop", 200)["status"] == "cancelled"
    api.site.work()
    stopped = api.get(f"/{id}")
    kept = len(api.get(f"/{id}/images", limit=200, state="downloaded")["images"])
    assert stopped["status"] == "cancelled"
    assert 0 < kept < images.tally(urls)[None]
    assert api.post(f"/{id}/stop", 200)["status"] == "cancelled"

    dataset = api.run(id)
    assert dataset["status"] == "completed"
    assert counts(dataset) == images.tally(urls)
    balanced(api.site, dataset)
    assert set(images.asked.values()) == {1}
    refused = api.site.client.post(f"/v1/datasets/{id}/start")
    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_ended")


def test_filters_and_licences(api: Api, images: ImageSite) -> None:
    """Images that are not as they were asked for are rejected by name; a licence that is not told fits none."""
    rows = [{"url": images.url("image", n), "license": licence} for n, licence in enumerate(["by 4.0", "by-nc", ""])]
    text = "\n".join(map(json.dumps, rows)).encode()

    def crawled(**filters: Any) -> Counter[str | None]:
        id = api.create(filters=filters)
        api.post(f"/{id}/lists", 201, files={"file": ("a.jsonl", text)})
        return counts(api.run(id))

    assert crawled(licences=["by"]) == {None: 1, "licence": 2}
    assert crawled(min_width=97) == {None: 0, "too_small": 3}
    assert crawled(formats=["png"]) == {None: 0, "format": 3}
    assert crawled(max_aspect=1.0) == {None: 3}


def test_bytes_decide_not_the_declared_type(api: Api, images: ImageSite) -> None:
    """An image declared as a web page is kept and accepted; formats that cannot be read are rejected by their names."""
    dataset = api.crawled([images.url(sort) for sort in ("mislabelled", "svg", "ico", "page")])
    assert counts(dataset) == {None: 1, "unsupported_svg": 1, "unsupported_ico": 1, "not_an_image": 1}
    assert dataset["progress"]["validated"]["accepted"] == 1
    balanced(api.site, dataset)


def test_lists_come_from_objects_and_together(api: Api, images: ImageSite) -> None:
    """A list may be an object behind its signed link; several lists are crawled to the last address of each."""
    urls = images.mix(250)
    objects = api.site.place.place.objects
    objects.put(
        "media", "elsewhere/urls.csv", "\n".join(["number,url", *(f"1,{url}" for url in urls[:130])]).encode(), ""
    )
    link = objects.signed_url("media", "elsewhere/urls.csv", 60)
    api.site.configure(ALLOW_HOSTS=f"{images.address},{urlsplit(link).netloc}")
    id = api.create(urls[130:])
    lists = api.post(f"/{id}/lists", 201, json={"url": link})["lists"]
    assert [(each["filename"], each["urls"]) for each in lists] == [("urls.txt", 120), ("urls.csv", 130)]
    dataset = api.run(id)
    assert counts(dataset) == images.tally(urls)
    balanced(api.site, dataset)


def test_a_link_that_brings_no_list(api: Api, images: ImageSite) -> None:
    """Whoever names something else than a list learns why, and nothing of it stays."""
    id = api.create()

    def refused(url: str) -> tuple[int, str]:
        answer = api.site.client.post(f"/v1/datasets/{id}/lists", json={"url": url})
        return answer.status_code, answer.json()["code"]

    assert refused("gs://bucket/urls.csv") == (422, "url_invalid")
    assert refused("http://10.0.0.1/urls.csv") == (422, "url_not_allowed")
    assert refused(images.url("missing")) == (422, "source_not_found")
    assert refused(images.url("image")) == (422, "bad_list")
    assert refused(images.url("page")) == (422, "bad_list")
    assert refused(images.listed(b"https://a.example/1.jpg\n" * 150 + b"\xff")) == (422, "bad_list")
    assert api.get(f"/{id}")["lists"] == []
    assert api.site.blobs() == []


def test_near_duplicates_are_found_across_chunks(api: Api, images: ImageSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two images that look the same stand in one group though chunks that knew nothing of each other brought them."""
    from tests import image_site

    whole = image_site.picture
    monkeypatch.setattr(image_site, "picture", lambda n: whole(n % 1000) + (b"" if n < 1000 else b"more"))
    urls = [images.url("image", number) for number in range(120)] + [images.url("image", 1005)]
    dataset = api.crawled(urls)
    assert dataset["progress"]["images"]["downloaded"] == 121
    assert dataset["progress"]["validated"]["findings"] == {"near_duplicate": 1}
    (near_duplicate,) = api.get(f"/{dataset['id']}/images", limit=200, accepted=False)["images"]
    assert near_duplicate["findings"][0]["check"] == "near_duplicate"
    assert near_duplicate["findings"][0]["of"] == near_duplicate["group"] != near_duplicate["id"]


def test_validation_again_and_exports(api: Api, images: ImageSite) -> None:
    """Images can be looked at again more closely, and be taken away in every format."""
    dataset = api.crawled(images.mix(40), level="fast")
    id = dataset["id"]
    kept = dataset["progress"]["images"]["downloaded"]
    assert dataset["progress"]["validated"]["level"] == "fast"
    answer = api.post(f"/{id}/validations", 202, json={"level": "slow"})
    assert (answer["imagesCount"], answer["dataset"]["status"]) == (kept, "running")
    api.site.work()
    again = api.get(f"/{id}")
    assert (again["status"], again["progress"]["validated"]["level"]) == ("completed", "slow")
    assert again["progress"]["validated"]["checked"] == kept
    assert again["progress"]["images"] == dataset["progress"]["images"]

    names = {"zip": 1, "webdataset": 2, "parquet": 1, "coco": 1, "sheet": 1}
    for format, fewest in names.items():
        export = api.post(f"/{id}/exports", 202, json={"format": format})["id"]
        api.site.work()
        export_info = api.get(f"/{id}/exports/{export}")
        assert export_info["status"] == "done", export_info["error"]
        assert len(export_info["files"]) >= fewest
        content = httpx.get(export_info["files"][0]["url"]).content
        assert len(content) == export_info["files"][0]["size"]
        if format == "zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert archive.testzip() is None
                assert len([name for name in archive.namelist() if name.endswith(".jpg")]) == export_info["images"]
        if format == "sheet":
            assert b"http 404" in content
    assert len(api.get(f"/{id}/exports")["exports"]) == len(names)


def test_a_deleted_dataset_leaves_nothing(api: Api, images: ImageSite) -> None:
    """Deleting takes all images, records, jobs and files with it, also in the middle of a run."""
    ended, running = api.crawled(images.mix(30))["id"], api.create(images.mix(120))
    api.post(f"/{running}/start", 202)
    place = api.site.place
    for _ in range(2):
        delivery = place.queue.claim(lease_sec=600)
        assert delivery is not None
        load_function(delivery.function)(to_cloud_event(delivery))
        place.queue.acknowledge(delivery)
    for id in (ended, running):
        assert api.site.client.delete(f"/v1/datasets/{id}").status_code == 204
        assert api.site.client.get(f"/v1/datasets/{id}").status_code == 404
    api.site.work()
    for collection in ("datasets", "images", "jobs", "parts"):
        assert place.place.documents.query(collection).documents == []
    assert api.site.blobs() == []


def test_requests_that_cannot_be_done(api: Api, images: ImageSite) -> None:
    """Whoever asks wrongly learns what to do."""

    def refused(path: str, **more: Any) -> tuple[int, str]:
        answer = api.site.client.post(f"/v1/datasets{path}", **more)
        return answer.status_code, answer.json()["code"]

    empty = api.create()
    assert refused(f"/{empty}/start") == (422, "nothing_to_crawl")
    assert refused(f"/{empty}/stop") == (409, "not_running")
    assert refused(f"/{empty}/validations", json={"level": "fast"}) == (409, "no_images")
    assert refused(f"/{empty}/lists", files={"file": ("a.txt", b"\n")}) == (422, "bad_list")
    assert refused("", json={"name": "A", "max_images": 10**9}) == (422, "too_many_images")
    assert refused("", json={"name": "A", "sources": ["altavista"]}) == (422, "invalid_request")
    running = api.create([images.url("image")])
    api.post(f"/{running}/start", 202)
    assert refused(f"/{running}/start") == (409, "dataset_running")
    assert refused(f"/{running}/lists", files={"file": ("a.txt", b"x")}) == (409, "dataset_started")
    assert refused(f"/{running}/validations", json={"level": "fast"}) == (409, "dataset_running")
