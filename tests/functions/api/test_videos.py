"""The library: a user's videos, described, found, looked at in other ways, deleted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.models.video import Segment, Transcript
from shared.pipeline.job_storage import MEDIA, TRANSCRIPT, UPLOADS, media_prefix, source_name, store_json
from shared.pipeline.sample_archive import SAMPLES
from tests.api_site import Site
from tests.video_samples import plain_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return plain_video(tmp_path_factory.mktemp("videos") / "plain.mp4").read_bytes()


def send(site: Site, content: bytes, kind: str = "metadata", **fields: str) -> str:
    answer = site.client.post("/v1/jobs", files={"file": ("a.mp4", content)}, data={"kind": kind} | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def get_video(site: Site, id: str) -> dict[str, Any]:
    answer = site.client.get(f"/v1/videos/{id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def list_titles(site: Site, q: str = "") -> list[str]:
    return [video["title"] for video in site.client.get("/v1/videos", params={"q": q}).json()["videos"]]


def analyze_again(site: Site, id: str, kind: str, status: int = 202, **more: Any) -> dict[str, Any]:
    answer = site.client.post(f"/v1/videos/{id}/analyses", json={"kind": kind} | more)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def media_of(site: Site, id: str) -> set[str]:
    return {info.name.removeprefix(media_prefix(id)) for info in site.place.place.objects.list(MEDIA, media_prefix(id))}


def test_a_video_is_there_from_the_moment_it_is_sent(site: Site, video: bytes) -> None:
    """A library shows a video while it is worked on, and what was found out about it after."""
    id = send(site, video, title="  My\tsoup ", tags='["Winter"]')
    assert (get_video(site, id)["status"], get_video(site, id)["durationSec"]) == ("queued", None)
    site.work()
    found = get_video(site, id)
    assert (found["status"], found["title"], found["tags"]) == ("done", "My soup", ["Winter"])
    assert found["durationSec"] == pytest.approx(4, abs=0.1)
    assert found["thumbnail"] == "thumbnail.jpg"
    assert [one["jobId"] for one in found["analyses"]] == [id]


def test_the_owner_describes_it(site: Site) -> None:
    """Title, description and tags can be changed one by one, and taken away."""
    id = site.submit(title="Old")["id"]
    site.client.patch(f"/v1/videos/{id}", json={"description": "Grandma's", "tags": ["a", "b"]})
    changed = get_video(site, id)
    assert (changed["title"], changed["description"], changed["tags"]) == ("Old", "Grandma's", ["a", "b"])
    site.client.patch(f"/v1/videos/{id}", json={"title": None})
    assert get_video(site, id)["title"] is None
    answer = site.client.patch(f"/v1/videos/{id}", json={"owner": "ben"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_search_finds_whole_words(site: Site) -> None:
    """Words are found in title, tags and description, whatever their case and accents; all of them must be there."""
    site.submit("https://example.com/1", title="Crème brûlée", tags=["dessert"])
    site.submit("https://example.com/2", title="Cold soup", description="With CREME fraîche")
    site.submit("https://example.com/3", title="Борщ")
    assert list_titles(site) == ["Борщ", "Cold soup", "Crème brûlée"]
    assert list_titles(site, "creme") == ["Cold soup", "Crème brûlée"]
    assert list_titles(site, "creme SOUP") == ["Cold soup"]
    assert list_titles(site, "dessert crème") == ["Crème brûlée"]
    assert list_titles(site, "борщ") == ["Борщ"]
    assert list_titles(site, "crem") == []


def test_what_it_is_called_makes_no_other_job(site: Site) -> None:
    """The same link under another title is the same video."""
    assert site.submit(title="a")["id"] == site.submit(title="b")["id"]


def test_pages(site: Site) -> None:
    """A long library comes in pages that hold every video once."""
    ids = [site.submit(f"https://example.com/{number}")["id"] for number in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = site.client.get("/v1/videos", params=params).json()
        seen += [video["id"] for video in page["videos"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    answer = site.client.get("/v1/videos", params={"cursor": "nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def test_another_kind_goes_on_from_what_is_there(site: Site, video: bytes) -> None:
    """A second analysis takes nothing out of the video again, even when the video itself is gone."""
    id = send(site, video, kind="recipe", keep_source="false")
    site.work()
    assert get_video(site, id)["status"] == "done"
    assert not get_video(site, id)["sourceKept"]
    job = analyze_again(site, id, "metadata", language="de")
    assert list(job["stages"]) == ["persist"]
    assert job["ofVideo"] == id
    site.work()
    done = site.client.get(f"/v1/jobs/{job['id']}").json()
    assert (done["status"], done["language"]) == ("done", "de")
    assert done["result"]["duration"] == "00:00:04"
    assert [(one["jobId"], one["kind"]) for one in get_video(site, id)["analyses"]] == [
        (id, "recipe"),
        (job["id"], "metadata"),
    ]
    assert media_of(site, job["id"]) == media_of(site, id) - {"result.json", "screen.json"}
    assert len(site.client.get("/v1/videos").json()["videos"]) == 1


def test_another_kind_that_needs_more_looks_at_the_video_again(site: Site, video: bytes) -> None:
    """A kind that reads text gets the pictures for it, without the user sending the video again."""
    id = send(site, video)
    site.work()
    job = analyze_again(site, id, "recipe")
    assert next(iter(job["stages"])) == "extract"
    site.work()
    done = site.client.get(f"/v1/jobs/{job['id']}").json()
    assert (done["status"], done["filename"]) == ("done", "a.mp4")
    assert SAMPLES in media_of(site, job["id"])


def test_a_video_that_is_gone_cannot_be_looked_at_again(site: Site, video: bytes) -> None:
    """The answer says that it has to be sent again, and no job is left that waits for it."""
    id = send(site, video, keep_source="false")
    assert analyze_again(site, id, "recipe", 409)["code"] == "not_extracted"
    site.work()
    assert analyze_again(site, id, "recipe", 409)["code"] == "source_gone"
    assert analyze_again(site, id, "poem", 422)["code"] == "unknown_kind"
    assert len(site.jobs()) == 1


def test_deleting_a_video_deletes_all_about_it(site: Site, video: bytes) -> None:
    """Nothing is left: no analysis, no media, no bytes on the disk."""
    id = send(site, video)
    site.work()
    job = analyze_again(site, id, "metadata")
    site.work()
    assert site.client.delete(f"/v1/videos/{id}").status_code == 204
    assert site.client.get(f"/v1/jobs/{job['id']}").status_code == 404
    assert site.jobs() == []
    assert site.blobs() == []


def test_an_analysis_is_no_video(site: Site, video: bytes) -> None:
    """Its id names a job and not a video; deleting that job leaves the video alone."""
    id = send(site, video)
    site.work()
    job = analyze_again(site, id, "metadata")
    assert site.client.get(f"/v1/videos/{job['id']}").status_code == 404
    assert site.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert [one["jobId"] for one in get_video(site, id)["analyses"]] == [id]
    assert media_of(site, id)


def test_the_video_plays(site: Site, video: bytes) -> None:
    """The owner gets a link that needs no token and serves the ranges that players ask for."""
    id = send(site, video, keep_source="true")
    site.work()
    link = site.client.get(f"/v1/videos/{id}/source")
    assert link.status_code == 307
    part = httpx.get(link.headers["location"], headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, video[4:8])
    site.place.place.objects.delete(UPLOADS, source_name(id))
    gone = site.client.get(f"/v1/videos/{id}/source")
    assert (gone.status_code, gone.json()["code"]) == (409, "source_gone")


def test_the_transcript_has_times(site: Site) -> None:
    """All words come with their times; a video without words says so."""
    id = site.submit()["id"]
    assert site.client.get(f"/v1/videos/{id}/transcript").json()["code"] == "not_done"
    said = Transcript(source="speech", language="en", segments=[Segment(start=1, end=2.5, text="Hello.")])
    store_json(site.place.place.objects, id, TRANSCRIPT, said.to_json())
    found = site.client.get(f"/v1/videos/{id}/transcript").json()
    assert (found["language"], found["segments"][0]["start"], found["segments"][0]["text"]) == ("en", 1, "Hello.")
