"""Accounts that are deleted while their jobs and datasets run: nothing comes back, and nothing of others goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared import clock
from shared.library.deletion import erase_user, record_departure
from shared.pipeline.job_storage import MEDIA, SCREENS, SEGMENTS, UPLOADS
from shared.platform.ports import Place
from shared.platform.rate_limits import RATES
from tests.api_site import Site
from tests.image_site import ImageSite
from tests.video_samples import plain_video

OWNER = "local"
BEN = {"Authorization": "Bearer token-ben"}
UNRELATED = (RATES, "deleted")
"""Counts of requests, and names of deleted objects that an upload under way must not bring back."""


@pytest.fixture
def images(site: Site) -> Iterator[ImageSite]:
    with ImageSite() as serving:
        # One connection, so that each run writes the same in the same order.
        site.configure(ALLOW_HOSTS=serving.address, CRAWL_HOST_DELAY_SEC="0", CRAWL_CONNECTIONS="1")
        yield serving


@pytest.fixture
def dataset(site: Site, images: ImageSite) -> Callable[..., None]:
    """Crawls, validates and exports a dataset, as far as it exists."""
    urls = images.mix(6)

    def run(headers: dict[str, str] | None = None) -> None:
        form = {"name": "Pictures", "max_images": len(urls)}
        id = site.client.post("/v1/datasets", json=form, headers=headers).json()["id"]
        files = {"file": ("urls.txt", "\n".join(urls).encode())}
        site.client.post(f"/v1/datasets/{id}/lists", files=files, headers=headers)
        site.client.post(f"/v1/datasets/{id}/start", headers=headers)
        site.work()
        site.client.post(f"/v1/datasets/{id}/exports", json={"format": "zip"}, headers=headers)
        site.work()

    return run


@pytest.fixture
def job(site: Site, tmp_path: Path) -> Callable[..., None]:
    """Uploads a video and makes a recipe of it."""
    video = plain_video(tmp_path / "short.mp4", seconds=1).read_bytes()

    def run(headers: dict[str, str] | None = None) -> None:
        site.send(video, "recipe", **(headers or {}))
        site.work()

    return run


class Writes:
    """All that is written to storage, by kind; at one of the writes, something else happens just before it.

    Attributes:
        kinds: What was written: an operation and where it writes.
        interruption: The number of a write, and what happens before it.
    """

    def __init__(self, place: Place, patch: pytest.MonkeyPatch) -> None:
        self.kinds: list[str] = []
        self.interruption: tuple[int, Callable[[], None]] | None = None
        for port, names in (
            (place.documents, ("create", "put", "replace")),
            (place.objects, ("put", "copy")),
            (place.bus, ("publish",)),
        ):
            for name in names:
                patch.setattr(port, name, self._watch(name, getattr(port, name)))

    def _watch(self, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            name_parts = str(args[1]).split("/") if args[0] in (MEDIA, UPLOADS) else []
            self.kinds.append(" ".join([name, args[0], *name_parts[1:-1][:1]]))
            if self.interruption and len(self.kinds) == self.interruption[0]:
                (_, interrupt), self.interruption = self.interruption, None
                interrupt()
            return write(*args, **named)

        return watched


def stored(site: Site) -> Counter[tuple[str, str]]:
    """All documents and objects, by collection or bucket and name."""
    rows = site.place.database.connection.execute("SELECT collection, id FROM documents")
    found = Counter((str(row["collection"]), str(row["id"])) for row in rows if row["collection"] not in UNRELATED)
    for bucket in (UPLOADS, MEDIA):
        found.update((bucket, info.name) for info in site.place.place.objects.list(bucket))
    return found


def sweep_days_later(site: Site) -> None:
    """Sweep after the time in which anything under way may write for somebody who left."""
    for days in (2, 4):
        now = clock.now() + timedelta(days=days)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda now=now: now)
            site.place.place.bus.publish("sweep-tick", {})
            site.work()


@pytest.mark.parametrize("work", ["dataset", "job"])
def test_nothing_comes_back_after_an_account_is_deleted(
    site: Site, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """Whichever write of a job, crawl, validation or export the deletion precedes, all data of the user goes.

    Nobody else's data goes, and nothing stays to be done.
    """
    run: Callable[..., None] = request.getfixturevalue(work)
    run(BEN)
    sweep_days_later(site)
    before = stored(site)
    place = site.place.place
    writes = Writes(place, monkeypatch)

    def leave() -> None:
        record_departure(place, OWNER)
        erase_user(place, OWNER)

    run()
    assert stored(site) - before, "nothing was written"
    firsts = {kind: number for number, kind in reversed([*enumerate(writes.kinds, start=1)])}
    leave()
    sweep_days_later(site)
    assert stored(site) == before
    for kind, number in firsts.items():
        writes.kinds.clear()
        writes.interruption = (number, leave)
        run()
        assert writes.interruption is None, kind
        sweep_days_later(site)
        assert (kind, stored(site) - before, before - stored(site)) == (kind, Counter(), Counter())
        assert site.place.queue.claim(lease_sec=1) is None, kind


@pytest.mark.parametrize("collection", [SEGMENTS, SCREENS])
def test_no_words_of_a_video_outlive_their_owner(site: Site, collection: str) -> None:
    """What a stage wrote of a job that was gone by then, and could not delete any more, goes with the account."""
    documents = site.place.place.documents
    for id, owner in (("v-00000", OWNER), ("v-00001", OWNER), ("w-00000", "ben")):
        documents.put(collection, id, {"owner": owner, "videoId": id[0], "jobId": id[0], "text": "Salt the water"})
    erase_user(site.place.place, OWNER)
    assert [left.id for left in documents.query(collection).documents] == ["w-00000"]
