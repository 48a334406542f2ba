"""What frontends see: the listeners of docs/listening.md, in Chromium and over the emulated place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from infra.demo.recipe import RECIPE
from tests.browser.conftest import OpenTab
from tests.server import Server, eventually

STAGES = ["extract", "transcribe", "analyze", "persist"]
DIARY = b"This is a diary.\n" * 100


class Upload:
    """A job that waits for its bytes."""

    def __init__(self, place: Server, content: bytes, kind: str) -> None:
        self._content = content
        wish = {"filename": "film.mp4", "content_type": "video/mp4", "size": len(content), "kind": kind}
        with place.client() as client:
            answer = client.post("/v1/uploads", json=wish)
        assert answer.status_code == 201, answer.text
        self._ticket = answer.json()
        self.id: str = self._ticket["job"]["id"]

    def send(self) -> None:
        ticket = self._ticket
        answer = httpx.request(ticket["method"], ticket["upload_url"], headers=ticket["headers"], content=self._content)
        assert answer.status_code == 200, answer.text


@dataclass(frozen=True)
class Watched:
    """One job, as it was seen by each way of listening; `lines` is what the example shows."""

    job: list[dict[str, Any]]
    lines: list[list[str]]
    own_jobs: list[list[dict[str, Any]]]
    events: list[dict[str, Any]]


@pytest.fixture(scope="module")
def watched(place: Server, open_tab: OpenTab, cooking_clip: Path) -> Watched:
    """The beginning of the demo's video, listened to from before its bytes are sent until its recipe is there."""
    upload = Upload(place, cooking_clip.read_bytes(), "recipe")
    tabs = [open_tab() for _ in range(3)]
    tabs[0].call("listenToJob", upload.id)
    tabs[1].call("listenToJobs")
    tabs[2].call("followJob", place.url, upload.id)
    for tab in tabs:
        tab.told_until()
    upload.send()
    return Watched(
        job=tabs[0].told_until("last.endedAt"),
        lines=tabs[0].lines(),
        own_jobs=tabs[1].told_until("last[0].endedAt"),
        events=tabs[2].told_until("last.endedAt"),
    )


def runs(values: list[Any]) -> list[Any]:
    """The values without repetitions in a row."""
    return [value for value, _ in groupby(values)]


def test_a_job_is_seen_from_queued_to_done(watched: Watched) -> None:
    """Who listens from the start sees the job wait, run through its stages and be done, with the result."""
    assert runs([job["status"] for job in watched.job]) == ["queued", "running", "done"], watched.job[-1]["error"]
    assert [stage for stage in runs([job["stage"] for job in watched.job]) if stage] == STAGES
    found = {item["name"]: (item["amount"], item["unit"]) for item in watched.job[-1]["result"]["ingredients"]}
    assert found == {item.name: (item.amount, item.unit) for item in RECIPE.ingredients}


def test_progress_rises(watched: Watched) -> None:
    """A progress bar moves before the end, never backwards, and is full when the job is done."""
    progress = [job["progress"] for job in watched.job]
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] == 100
    assert len(set(progress)) > 3


def test_the_stages_are_shown_in_their_order(watched: Watched) -> None:
    """People read the stages in the order they are taken, at every moment, although maps in Firestore have none."""
    assert all([line.split(":")[0] for line in lines[1:]] == STAGES for lines in watched.lines)
    assert watched.lines[0] == [
        "queued, 0 %",
        "extract: pending",
        "transcribe: pending",
        "analyze: pending",
        "persist: pending",
    ]
    assert watched.lines[-1] == ["done, 100 %", "extract: done", "transcribe: done", "analyze: done", "persist: done"]


def test_the_thumbnail_comes_before_the_end(watched: Watched, place: Server) -> None:
    """A frontend has a picture to show while the job still runs."""
    first = next(job for job in watched.job if job["video"]["thumbnail"])
    assert first["status"] == "running"
    with place.client() as client:
        picture = client.get(
            f"/v1/jobs/{first['id']}/media/{first['video']['thumbnail']['name']}", follow_redirects=True
        )
    assert picture.headers["content-type"] == "image/jpeg"


def test_the_list_of_own_jobs_is_live(watched: Watched) -> None:
    """A list of jobs shows each change of each of them, too."""
    seen = [next(job for job in jobs if job["id"] == watched.job[0]["id"]) for jobs in watched.own_jobs]
    assert runs([job["status"] for job in seen]) == ["queued", "running", "done"]


def test_events_tell_the_same_without_firestore(watched: Watched) -> None:
    """A page that follows the server-sent events sees the same stages and gets the same result."""
    assert runs([job["status"] for job in watched.events]) == ["queued", "running", "done"]
    assert all(list(job["stages"]) == STAGES for job in watched.events)
    assert watched.events[-1]["result"] == watched.job[-1]["result"]


def test_a_failed_job_says_why(place: Server, open_tab: OpenTab) -> None:
    """Of a job that fails, people see the sentence that tells what to do."""
    upload, tab = Upload(place, DIARY, "metadata"), open_tab()
    tab.call("listenToJob", upload.id)
    tab.told_until()
    upload.send()
    ended = tab.told_until("last.endedAt")[-1]
    assert ended["status"] == "failed"
    assert ended["error"]["stage"] == "extract"
    assert tab.lines()[-1][-1] == ended["error"]["message"]


def test_another_users_listener_is_refused(place: Server, open_tab: OpenTab) -> None:
    """Nobody can watch somebody else's job, nor find out whether there is one."""
    upload, stranger, owner = Upload(place, DIARY, "metadata"), open_tab("mallory"), open_tab()
    stranger.call("listenToJob", upload.id)
    owner.call("listenToJob", "no-such-job")
    assert stranger.told_until() == [{"refused": "permission-denied"}]
    assert owner.told_until() == [{"refused": "permission-denied"}]


def test_a_list_must_ask_for_ones_own(open_tab: OpenTab) -> None:
    """A query that could show others' jobs is refused whole, and a stranger's own list is empty."""
    greedy, stranger = open_tab(), open_tab("mallory")
    greedy.call("listenToEverybodysJobs")
    stranger.call("listenToJobs")
    assert greedy.told_until() == [{"refused": "permission-denied"}]
    assert stranger.told_until() == [[]]


def test_a_listener_that_was_offline_catches_up(place: Server, open_tab: OpenTab) -> None:
    """Whoever loses the connection, or starts without one, is told the newest state when it is back."""
    upload, lost, late = Upload(place, DIARY, "metadata"), open_tab(), open_tab()
    lost.call("listenToJob", upload.id)
    lost.told_until()
    lost.call("goOffline")
    late.call("goOffline")
    late.call("listenToJob", upload.id)
    upload.send()
    place.follow(upload.id)
    lost.call("goOnline")
    late.call("goOnline")
    assert [job["status"] for job in lost.told_until("last.endedAt")] == ["queued", "failed"]
    assert [job["status"] for job in late.told_until("last.endedAt")] == ["failed"]


def test_deleting_a_job_ends_its_listener(place: Server, open_tab: OpenTab) -> None:
    """When a job is deleted, whoever watches it is told that it can no longer be read."""
    upload, tab = Upload(place, DIARY, "metadata"), open_tab()
    tab.call("listenToJob", upload.id)
    tab.told_until()
    with place.client() as client:
        assert client.delete(f"/v1/jobs/{upload.id}").status_code == 204
    assert tab.told_until("last.refused")[-1] == {"refused": "permission-denied"}


def test_the_library_runs_on_the_emulators(place: Server, watched: Watched, page: Page) -> None:
    """Search to the second, chat, groups and share links work over Firestore and Cloud Storage as on one machine."""
    video, title = watched.job[-1]["id"], watched.job[-1]["result"]["title"]
    page.goto(f"{place.url}/#/?q=penne")
    moment = page.locator(".moment").filter(has=page.locator("mark", has_text="penne")).first
    expect(moment.locator("img")).to_be_visible()
    moment.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"#/videos/{video}\?t=[\d.]+$"))
    eventually(lambda: page.evaluate("document.querySelector('video')?.currentTime > 0"))
    page.get_by_role("link", name="Ask about this video").click()
    page.get_by_label("About").select_option("All videos")
    page.get_by_label("Ask a question").fill("What are the ingredients?")
    page.keyboard.press("Enter")
    page.locator(".sources a").first.click()
    expect(page.locator(".cited video")).to_be_visible()
    page.goto(f"{place.url}/#/groups?add={video}")
    page.get_by_label("Name of the group").fill("Pasta")
    page.keyboard.press("Enter")
    expect(page.locator(".sort-text a")).to_have_text([title])
    page.get_by_role("button", name="Create link").click()
    page.goto(page.get_by_label("Address").input_value())
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator(".lines li").first).to_be_visible()
    eventually(lambda: page.evaluate("document.querySelector('video').readyState >= 1"))
