"""Links that come from other pages and apps, and feeds that go to readers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import urlencode

import feedparser
import httpx
import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, Page, expect

from tests.browser.icons import SIZES, draw_icon, icon_path
from tests.browser.shelf import AXE, Shelf, open_page, violations
from tests.browser.tab import watched_page
from tests.server import Server, serving
from tests.video_samples import plain_video

LINK = "https://videos.example/watch?v=1&t=2#now"
FOREIGN_PAGE = b"<!doctype html><title>Foreign</title><h1>A video</h1>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("doors") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def foreign_page() -> Iterator[str]:
    """A page of somebody else, with a strict policy; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(FOREIGN_PAGE)))
            self.end_headers()
            self.wfile.write(FOREIGN_PAGE)

        def log_message(self, *_: object) -> None:
            """Requests are no news."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/film?v=1&list=ä b#part"
        running.shutdown()
        thread.join()


def test_a_link_shared_from_an_app_waits_on_the_new_page(server: Server, page: Page) -> None:
    """A phone's share sheet opens the New page with the link in its field; nothing starts, and the address is clean."""
    page.goto(f"{server.url}/share?{urlencode({'title': 'A film', 'text': f'Look: {LINK}.', 'url': ''})}")
    expect(page.get_by_label("Or paste links")).to_have_value(LINK)
    assert page.url == f"{server.url}/#/new"
    page.go_back()
    page.go_forward()
    expect(page.get_by_label("Or paste links")).to_have_value("")
    with server.client() as client:
        assert client.get("/v1/jobs").json()["jobs"] == []


def test_the_bookmark_sends_a_page_and_nothing_else(server: Server, page: Page, foreign_page: str) -> None:
    """On a foreign page, the bookmark opens the New page with its link; that page gets no key, opener or referrer."""
    open_page(page, server, "new")
    page.get_by_text("Send links from other pages and apps").click()
    bookmark = page.get_by_role("link", name="Send to Clipwise")
    code = bookmark.get_attribute("href") or ""
    assert code.startswith("javascript:")
    assert page.get_by_label("Or create a bookmark with this address").input_value() == code
    assert "token" not in code
    assert not AXE.exists() or violations(page) == []
    # On the console itself, whose policy forbids such code, it only explains what it is for.
    bookmark.click()
    expect(page.get_by_role("status").last).to_contain_text("Drag this button")
    page.goto(foreign_page)
    with page.context.expect_page() as opened:
        page.evaluate("(code) => { location.href = code; }", code)
    console = opened.value
    expect(console.get_by_label("Or paste links")).to_have_value(page.url)
    assert console.url == f"{server.url}/#/new"
    assert console.evaluate("[window.opener, document.referrer]") == [None, ""]
    expect(page.get_by_role("heading", name="A video")).to_be_visible()


def test_the_bookmark_can_be_dragged(server: Server, page: Page) -> None:
    """A drag of the button carries the bookmark's address, as the bookmarks bar takes it."""
    open_page(page, server, "new")
    page.get_by_text("Send links from other pages and apps").click()
    page.evaluate(
        "addEventListener('dragstart', (event) => { window.dragged = event.dataTransfer.getData('text/uri-list'); })"
    )
    bookmark = page.get_by_role("link", name="Send to Clipwise")
    box = bookmark.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] - 60, steps=5)
    page.wait_for_function("window.dragged")
    page.mouse.up()
    assert page.evaluate("window.dragged") == bookmark.get_attribute("href")


def test_the_console_can_be_installed(server: Server, page: Page) -> None:
    """The browser finds the manifest, may load it, and has no complaint about it; the icons are there."""
    open_page(page, server)
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"] == f"{server.url}/manifest.webmanifest"
    assert manifest["errors"] == []
    read = json.loads(manifest["data"])
    for icon in read["icons"]:
        assert httpx.get(f"{server.url}/{icon['src']}").headers["content-type"] == icon["type"]
    assert httpx.get(f"{server.url}/{read['share_target']['action']}").status_code == 303


def test_the_installed_icon_is_the_favicon(chromium: Browser) -> None:
    """What a phone shows among its apps is the icon of the page; `python -m tests.browser.icons` draws it anew."""
    for size in SIZES:
        drawn, stored = (
            Image.open(BytesIO(data)) for data in (draw_icon(chromium, size), icon_path(size).read_bytes())
        )
        assert stored.size == (size, size)
        assert max(ImageStat.Stat(ImageChops.difference(drawn, stored)).mean) < 1


def test_a_feed_is_created_and_deleted(
    server: Server, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The account page shows a new feed's address once; a reader gets the results there until the feed is deleted."""
    shelf = Shelf(server, plain_video(tmp_path_factory.mktemp("video") / "film.mp4").read_bytes())
    shelf.add("recipe")
    with watched_page(chromium) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        open_page(page, server, "account")
        page.get_by_label("Name (optional)").fill("Phone")
        page.get_by_role("button", name="Create feed").click()
        url = page.locator(".secret code").inner_text()
        assert not AXE.exists() or violations(page) == []
        entries = feedparser.parse(httpx.get(url).content).entries
        assert [entry.title for entry in entries] == ["Onion soup"]
        open_page(page, server, "account")
        expect(page.locator("body")).not_to_contain_text(url)
        page.get_by_role("button", name="Delete: Phone").click()
        expect(page.get_by_role("button", name="Delete: Phone")).to_have_count(0)
        assert httpx.get(url).status_code == 404
        page.goto(entries[0].link)
        expect(page.get_by_role("heading", name="Onion soup")).to_be_visible()
    shelf.close()
