"""The console's operations page: what an administrator sees and does, and what others see."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.models.job import Job, JobError, JobStatus, Usage
from shared.pipeline.deadline import Deadline
from shared.pipeline.job_storage import JOBS
from shared.pipeline.lifecycle import plan_job
from shared.pipeline.statistics import STATISTICS, count_ended_jobs
from tests.browser.shelf import AXE, RECIPE, Shelf, address, layout_shifts, open_page, violations
from tests.browser.tab import watched_page
from tests.server import Server

BUSY = JobError(code="busy", message="The disk was full.", stage="persist", retryable=True)


@pytest.fixture(scope="module")
def ended(shelf: Shelf) -> list[Job]:
    """Jobs of two users, counted: two that are done, and failures of both."""
    jobs = [
        shelf.add("recipe", usage=Usage(cost_usd=0.5)),
        shelf.add("summary", usage=Usage(cost_usd=0.25), owner="ben"),
        shelf.add("recipe", status=JobStatus.FAILED, error=BUSY, filename="mine.mp4"),
        shelf.add("recipe", status=JobStatus.FAILED, error=BUSY, filename="bens.mp4", owner="ben"),
    ]
    # The server's own sweep may have counted up to now, before some of these were stored with earlier times.
    for document in shelf.place.documents.query(STATISTICS).documents:
        shelf.place.documents.delete(STATISTICS, document.id)
    count_ended_jobs(shelf.place.documents, lambda job: job.owner, Deadline(60))
    return jobs


def test_failures_costs_and_times_are_seen(server: Server, ended: list[Job], page: Page) -> None:
    """An administrator sees the load, the failed jobs of all without their names, and what ended jobs took and cost."""
    page.goto(f"{server.url}/tasks")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    assert address(page) == "operations"
    expect(page.get_by_text("the jobs of all users")).to_be_visible()
    expect(page.locator(".figures dt")).to_have_text(["Running", "Queued", "Waiting events"])
    rows = page.locator("#jobs").locator("xpath=ancestor::section").locator(".row")
    expect(rows.filter(has_text="mine.mp4")).to_contain_text("The disk was full.")
    expect(rows.filter(has_text="owner ben")).to_contain_text(ended[3].id[:8])
    expect(page.get_by_text("bens.mp4")).to_have_count(0)
    kinds = page.get_by_role("region", name="By kind").locator("tbody tr")
    expect(kinds).to_have_text([re.compile(r"Recipe\s*1\s*0\s*2.*\$0\.50"), re.compile(r"Summary\s*1.*\$0\.25")])
    expect(page.get_by_role("region", name="By stage")).to_contain_text("busy")
    expect(page.get_by_role("img", name=re.compile("Cost by day"))).to_be_visible()
    page.get_by_label("State").select_option("done")
    expect(page.get_by_text("Onion soup")).to_be_visible()
    assert address(page) == "operations?status=done"
    page.get_by_role("link", name="Onion soup").click()
    expect(page.locator(".outcome.done")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("State")).to_have_value("done")


def test_a_job_is_retried_and_cancelled(server: Server, shelf: Shelf, page: Page) -> None:
    """A failed job of another user runs again after a click; a queued one is cancelled once that is confirmed."""
    failed = shelf.add("metadata", RECIPE, status=JobStatus.FAILED, error=BUSY, owner="ben")
    queued = plan_job(owner="ben", kind="metadata", language="en", filename="x.mp4", upload_ttl_sec=600)
    shelf.place.documents.put(JOBS, queued.id, queued.to_document())
    open_page(page, server, "operations")
    with page.expect_response(re.compile("/retry$")) as response:
        page.get_by_role("button", name=f"Retry: {failed.id[:8]}").click()
    assert response.value.status == 202
    page.get_by_label("State").select_option("queued")
    cancel = page.get_by_role("button", name=f"Cancel: {queued.id[:8]}")
    page.once("dialog", lambda dialog: dialog.dismiss())
    cancel.click()
    expect(cancel).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    cancel.focus()
    page.keyboard.press("Enter")
    expect(cancel).to_have_count(0)
    expect(page.locator("#announcement")).to_contain_text("was cancelled")


def test_dead_letters_are_replayed_and_deleted(server: Server, shelf: Shelf, page: Page) -> None:
    """An event that no function could process shows its data as text, and is delivered again or deleted by a click."""
    open_page(page, server, "operations")
    expect(page.get_by_text("None. Every event was processed.")).to_be_visible()
    for number in (1, 2):
        shelf.bury({"n": number, "text": "<img src=x>"})
    expect(page.get_by_role("button", name=re.compile("^Replay"))).to_have_count(2)
    page.get_by_text("Data").first.click()
    expect(page.locator("pre").first).to_contain_text('"text": "<img src=x>"')
    page.get_by_role("button", name=re.compile("^Replay")).first.click()
    expect(page.get_by_role("button", name=re.compile("^Replay"))).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=re.compile("^Delete: sweep")).click()
    expect(page.get_by_text("None. Every event was processed.")).to_be_visible()


def test_the_page_is_accessible_and_keeps_still(server: Server, ended: list[Job], chromium: Browser) -> None:
    """Tables and a chart move nothing while they come, fit on a phone's screen, and axe objects to nothing."""
    if not AXE.exists():
        pytest.skip("axe is not installed; run `make browser-deps`, which needs npm")
    with watched_page(chromium, reduced_motion="reduce", viewport={"width": 360, "height": 740}) as page:
        open_page(page, server, "operations?days=31")
        expect(page.get_by_role("region", name="By day")).to_be_visible()
        assert layout_shifts(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its schemes
            assert violations(page) == []


def test_others_see_their_own(server: Server, shelf: Shelf, page: Page) -> None:
    """Who is no administrator sees their own jobs, and neither a queue nor dead letters."""
    own = {"scope": "own", "jobs": {"queued": 1, "running": 2}, "stages": {"extract": 2}, "queue": None}
    page.route(re.compile("/v1/operations$"), lambda route: route.fulfill(json=own))
    open_page(page, server, "operations")
    expect(page.get_by_text("You see your own jobs.")).to_be_visible()
    expect(page.locator(".figures dt")).to_have_text(["Running", "Queued"])
    expect(page.get_by_role("heading", name="Dead letters")).to_have_count(0)
