"""The console's datasets: from keywords to an export, with verdicts by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.stand_ins.image_search import ImageSearch
from shared.models.dataset import ChunkCounts, Progress, SourceProgress
from tests.browser.dataset_samples import BLOCKED, add_dataset
from tests.browser.shelf import AXE, Shelf, address, layout_shifts, open_page, violations
from tests.browser.tab import watched_page
from tests.dataset_runs import unhurried
from tests.image_site import ImageSite
from tests.server import Server, serving

KEYWORDS = ["husky snow", "samoyed"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that searches and downloads real pictures from this machine."""

    def find(keyword: str, page: int) -> list[str]:
        return pictures.found(str(KEYWORDS.index(keyword)), page)

    with ImageSite() as pictures, ImageSearch(find) as engines:
        environ = {"ALLOW_HOSTS": pictures.address} | unhurried(pictures, engines)
        with serving(tmp_path_factory.mktemp("datasets") / "data", **environ) as running:
            yield running


def test_from_keywords_to_images(server: Server, page: Page) -> None:
    """Keywords become a dataset whose images appear while one watches, and which the list of datasets names."""
    open_page(page, server, "datasets")
    page.get_by_role("button", name="Create and start").click()
    assert page.evaluate("document.activeElement.name") == "keywords"
    page.get_by_label("Keywords").fill("\n".join(KEYWORDS))
    page.get_by_label("Images at most").fill("6")
    page.get_by_role("button", name="Create and start").click()
    expect(page.get_by_role("heading", name="husky snow", level=1)).to_be_visible()
    assert re.fullmatch("datasets/[0-9a-f]{32}", address(page))
    expect(page.locator(".outcome.done")).to_contain_text("The dataset is ready")
    expect(page.locator(".figures dd").nth(1)).to_have_text("6")
    expect(page.locator(".sheet-image img").first).to_be_visible()
    page.get_by_text("Sources and reasons").click()
    expect(page.get_by_role("region", name="Sources")).to_contain_text("openverse")
    page.get_by_role("button", name="Check again").click()
    expect(page.locator(".outcome.done")).to_contain_text("The dataset is ready")
    page.go_back()
    expect(page.get_by_role("link", name="husky snow")).to_be_visible()


def test_a_verdict_by_hand(server: Server, shelf: Shelf, page: Page) -> None:
    """A blurry image shows why it was rejected, is accepted by a click, which counts at once, and can be undone."""
    id = add_dataset(shelf.place)
    open_page(page, server, f"datasets/{id}?show=blurry")
    image = page.locator(".sheet-image")
    expect(image).to_have_count(1)
    expect(image).to_contain_text("blurry 12 < 25")
    expect(image.locator("img")).to_be_visible()
    page.get_by_role("button", name="Accept: Dogs in snow 0").click()
    expect(image).to_contain_text("by you")
    expect(page.locator(".figures dd")).to_have_text(["9", "3", "6", "3"])
    page.get_by_label("Show", exact=True).select_option("rejected")
    expect(page.get_by_text("No image matches.")).to_be_visible()
    page.get_by_label("Show", exact=True).select_option("all")
    page.get_by_role("button", name="Undo: Dogs in snow 0").click()
    expect(page.locator(".figures dd").last).to_have_text("2")
    page.get_by_role("button", name="Reject: Dogs in snow 1").click()
    expect(page.locator(".figures dd").last).to_have_text("1")


def test_an_export_is_downloaded(server: Server, shelf: Shelf, page: Page) -> None:
    """An export of the accepted images is written while one watches, and its file is saved by a click."""
    open_page(page, server, f"datasets/{add_dataset(shelf.place)}")
    page.get_by_role("button", name="Start export").click()
    exported = page.locator("#exports").locator("xpath=ancestor::section").locator(".row")
    expect(exported).to_contain_text("2 images")
    with page.expect_download() as download:
        exported.get_by_role("link").first.click()
    assert download.value.suggested_filename.endswith(".zip")


def test_a_dataset_without_images_is_not_just_completed(server: Server, shelf: Shelf, page: Page) -> None:
    """One that found nothing says so, names what failed, and offers to try that again."""
    chunks = ChunkCounts(total=1, failed=1)
    sources = {"bing": SourceProgress(chunks=chunks, errors=[BLOCKED])}
    id = add_dataset(shelf.place, progress=Progress(stage="crawl", chunks=chunks, sources=sources))
    open_page(page, server, f"datasets/{id}")
    expect(page.locator(".outcome.empty")).to_contain_text("No image was downloaded")
    page.get_by_text("Sources and reasons").click()
    expect(page.get_by_text("Bing refuses requests.")).to_be_visible()
    expect(page.get_by_role("button", name="Retry failed chunks")).to_be_visible()


def test_the_page_is_accessible_and_keeps_still(server: Server, shelf: Shelf, chromium: Browser) -> None:
    """With its images, nothing moves while they come, nothing lies beyond a phone, and axe objects to nothing."""
    if not AXE.exists():
        pytest.skip("axe is not installed; run `make browser-deps`, which needs npm")
    id = add_dataset(shelf.place)
    for width in (360, 1200):
        with watched_page(chromium, reduced_motion="reduce", viewport={"width": width, "height": 740}) as page:
            open_page(page, server, f"datasets/{id}")
            expect(page.locator(".sheet-image img").first).to_be_visible()
            expect(page.get_by_role("button", name="Start export")).to_be_visible()
            assert layout_shifts(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its schemes
                assert violations(page) == []
