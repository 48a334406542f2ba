"""The console's groups, and what a share link shows to somebody without an account."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.models.job import Job
from shared.models.video import Segment
from tests.browser.shelf import AXE, Shelf, layout_shifts, open_page, seconds_of, violations
from tests.browser.tab import watched_page
from tests.browser.test_console import MARKUP, PHONE
from tests.server import Server, eventually

TITLES = ["Onion soup", "Bread", "Strudel"]


@pytest.fixture(scope="module")
def videos(shelf: Shelf) -> list[Job]:
    return [shelf.add("transcript", title=title) for title in TITLES]


def create_group(server: Server, videos: list[Job], name: str = "Cooking") -> str:
    with server.client() as client:
        group: str = client.post("/v1/groups", json={"name": name}).json()["id"]
        client.post(f"/v1/groups/{group}/videos", json={"video_ids": [video.id for video in videos]})
    return group


def share_link(server: Server, group: str, **options: Any) -> str:
    with server.client() as client:
        return str(client.post(f"/v1/groups/{group}/share", json=options).json()["url"])


def has_order(page: Page, *titles: str) -> None:
    expect(page.locator(".sort-text a")).to_have_text(list(titles))


def stored_order(server: Server, group: str, videos: list[Job]) -> list[str]:
    titles = {video.id: str(video.title) for video in videos}
    with server.client() as client:
        return [titles[id] for id in client.get(f"/v1/groups/{group}").json()["videoIds"]]


# Groups


def test_a_group_is_made_filled_and_deleted(server: Server, videos: list[Job], page: Page) -> None:
    """A name makes a group; videos are chosen from a list, taken out again, and stay when the group is deleted."""
    open_page(page, server, "groups")
    page.get_by_label("Name of the group").fill("Winter")
    page.get_by_role("button", name="Create group").click()
    expect(page.get_by_role("heading", name="Winter")).to_be_visible()
    page.get_by_role("button", name="Add videos").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search titles and tags").fill("bread")
    expect(dialog.get_by_role("checkbox")).to_have_count(1)
    dialog.get_by_label("Bread").check()
    dialog.get_by_label("Search titles and tags").fill("")
    dialog.get_by_label("Strudel").check()
    dialog.get_by_role("button", name="Add 2").click()
    has_order(page, "Bread", "Strudel")
    page.get_by_role("button", name="Remove Bread from the group").click()
    has_order(page, "Strudel")
    page.get_by_text("Edit name and description").click()
    page.get_by_label("Name of the group").fill("Sweet")
    page.get_by_label("Let people ask questions").uncheck()
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_text("People with it cannot ask questions.")).to_be_visible()
    expect(page.get_by_label("Let people ask questions")).not_to_be_checked()
    expect(page.get_by_label("Name of the group")).to_have_value("Sweet")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Sweet")).to_be_visible()
    page.on("dialog", lambda confirmation: confirmation.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Groups")).to_be_visible()
    expect(page.get_by_role("link", name="Sweet")).to_have_count(0)
    open_page(page, server, f"videos/{videos[2].id}")
    page.get_by_role("link", name="Add to a group").click()
    page.get_by_label("Name of the group").fill("From a video")
    page.keyboard.press("Enter")
    has_order(page, "Strudel")


def test_videos_are_put_in_order_with_keys(server: Server, videos: list[Job], page: Page) -> None:
    """Arrow keys move a video, which keeps the focus; each move is read out, and the order is there after a reload."""
    group = create_group(server, videos)
    open_page(page, server, f"groups/{group}")
    handle = page.get_by_role("button", name="Move Onion soup, position")
    handle.press("ArrowDown")
    has_order(page, "Bread", "Onion soup", "Strudel")
    expect(page.locator("#announcement")).to_have_text("Onion soup is at position 2 of 3.")
    expect(handle).to_be_focused()
    handle.press("End")
    expect(page.locator("#announcement")).to_have_text("Onion soup is at position 3 of 3.")
    page.get_by_role("button", name="Move Onion soup up").click()
    has_order(page, "Bread", "Onion soup", "Strudel")
    eventually(lambda: stored_order(server, group, videos) == ["Bread", "Onion soup", "Strudel"])
    page.reload()
    has_order(page, "Bread", "Onion soup", "Strudel")


def test_videos_are_put_in_order_by_dragging(server: Server, videos: list[Job], page: Page) -> None:
    """A video that is dragged to another place stays there; one that is dropped where it was changes nothing."""
    group = create_group(server, videos)
    open_page(page, server, f"groups/{group}")
    has_order(page, *TITLES)
    handles = page.locator(".handle")
    boxes = [handles.nth(at).bounding_box() for at in range(3)]
    assert all(boxes)
    (x, *_), middles = [box["x"] + 5 for box in boxes if box], [box["y"] + box["height"] / 2 for box in boxes if box]
    page.mouse.move(x, middles[2])
    page.mouse.down()
    page.mouse.move(x, middles[1], steps=4)
    page.mouse.move(x, middles[0], steps=4)
    has_order(page, "Strudel", "Onion soup", "Bread")
    page.mouse.up()
    expect(page.locator("#announcement")).to_have_text("Strudel is at position 1 of 3.")
    eventually(lambda: stored_order(server, group, videos) == ["Strudel", "Onion soup", "Bread"])


def test_an_order_that_changed_elsewhere_is_shown(server: Server, videos: list[Job], page: Page) -> None:
    """Where another tab has taken a video out, a move says so and shows the group as it is."""
    group = create_group(server, videos)
    open_page(page, server, f"groups/{group}")
    has_order(page, *TITLES)
    with server.client() as client:
        client.delete(f"/v1/groups/{group}/videos/{videos[1].id}")
    page.get_by_role("button", name="Move Strudel up").click()
    expect(page.get_by_role("alert")).to_contain_text("order")
    has_order(page, "Onion soup", "Strudel")


# Sharing


def test_a_link_is_shared_and_revoked(server: Server, videos: list[Job], page: Page, chromium: Browser) -> None:
    """The owner copies an address that begins where they choose; others open it without an account until it ends."""
    group = create_group(server, videos)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, server, f"groups/{group}")
    page.get_by_role("button", name="Create link").click()
    page.get_by_label("Start with").select_option("Bread")
    page.get_by_label("at", exact=True).fill("9:59")
    expect(page.get_by_role("alert")).to_have_text("The video ends at 0:04.")
    page.get_by_label("at", exact=True).fill("0:02")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcement")).to_have_text("The address was copied.")
    link = str(page.evaluate("navigator.clipboard.readText()"))
    assert link == page.get_by_label("Address").input_value()
    assert link.endswith(f"?video={videos[1].id}&t=2")
    expect(page.locator(".share-box")).to_contain_text("The link works until")
    with watched_page(chromium) as guest:
        guest.goto(link)
        expect(guest.get_by_role("heading", name="Cooking")).to_be_visible()
        expect(guest.get_by_role("heading", name="Bread")).to_be_visible()
        eventually(lambda: seconds_of(guest) == 2)
        page.reload()
        expect(page.locator(".share-box")).to_contain_text("Its address is not stored")
        page.get_by_role("button", name="Revoke the link").click()
        expect(page.get_by_role("button", name="Create link")).to_be_visible()
        answer = guest.reload()
        assert answer is not None
        assert answer.status == 404
        expect(guest.get_by_role("heading", name="This link does not work")).to_be_visible()
        expect(guest.get_by_text("expired, was revoked")).to_be_visible()


def test_a_shared_group_is_read_without_scripts(server: Server, videos: list[Job], chromium: Browser) -> None:
    """Without JavaScript there are titles, player and words; a line and another video are links that work."""
    link = share_link(server, create_group(server, videos))
    with watched_page(chromium, java_script_enabled=False, locale="de-DE") as page:
        page.goto(link)
        expect(page.get_by_role("heading", name="Onion soup")).to_be_visible()
        expect(page.get_by_role("heading", name="Transkript")).to_be_visible()
        expect(page.locator(".lines li")).to_have_count(3)
        expect(page.get_by_text("Fragen erfordern JavaScript.")).to_be_visible()
        page.get_by_role("link", name="0:02 Fry the onions gently.").click()
        expect(page.locator("video")).to_have_attribute("src", re.compile(r"/source#t=2$"))
        page.get_by_role("link", name="Bread").click()
        expect(page.get_by_role("heading", name="Bread")).to_be_visible()
        expect(page.locator("[aria-current=page]")).to_contain_text("Bread")


def test_a_shared_group_plays_and_answers(server: Server, videos: list[Job], page: Page) -> None:
    """With scripts, a line plays in place, and a question is answered with a source that plays; it is not stored."""
    group = create_group(server, videos[:1])
    page.goto(share_link(server, group))
    page.get_by_role("link", name="0:02 Fry the onions gently.").click()
    eventually(lambda: seconds_of(page) >= 2)
    expect(page.locator(".lines .current")).to_contain_text("Fry the onions gently.")
    assert page.evaluate("document.querySelector('video').textTracks[0].cues.length") == 3
    page.get_by_label("Ask a question").fill("What is chopped?")
    page.keyboard.press("Enter")
    page.locator(".sources a").first.click()
    assert "?" not in page.url
    with server.client() as client:
        assert client.get("/v1/chat/history", params={"group_id": group}).json()["messages"] == []
    page.goto(share_link(server, group, chat=False))
    expect(page.get_by_role("heading", name="Onion soup")).to_be_visible()
    expect(page.get_by_label("Ask a question")).to_have_count(0)


def test_a_shared_page_is_kept_from_others(server: Server, videos: list[Job]) -> None:
    """No search engine keeps the page, no other site learns its address, and it may load its own files only."""
    link = share_link(server, create_group(server, videos))
    for url in (link, f"{link}x"):
        headers = httpx.get(url, headers={"Accept": "text/html"}).headers
        assert headers["x-robots-tag"] == "noindex"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert re.fullmatch(r"'self'( 'sha256-[\w+/]{43}=')?", policy["script-src"])
        assert policy["style-src"] == "'self'"
        assert policy["require-trusted-types-for"] == "'script'"
    assert httpx.get(link, headers={"Accept": "application/json"}).json()["name"] == "Cooking"


# Every page


def test_group_pages_are_accessible_and_keep_still(server: Server, videos: list[Job], chromium: Browser) -> None:
    """Axe objects to nothing in light or dark, nothing moves by itself, and nothing is wider than a phone."""
    if not AXE.exists():
        pytest.skip("axe is not installed; run `make browser-deps`, which needs npm")
    group = create_group(server, videos)
    link = share_link(server, group)
    with watched_page(chromium, reduced_motion="reduce", viewport=PHONE) as page:
        for address in (f"{server.url}/#/groups/{group}", link, f"{link}x"):
            page.goto("about:blank")
            page.goto(address)
            expect(page.locator("h1")).to_be_visible()
            page.wait_for_load_state("networkidle")
            assert layout_shifts(page) == [], address
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its schemes
                assert violations(page) == [], f"{address} in {scheme}"


def test_hostile_texts_stay_texts_when_shared(server: Server, shelf: Shelf, page: Page) -> None:
    """Markup in the names of groups and videos, descriptions and transcripts is shown as it is, to owner and guests."""
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    said = [Segment(start=0, end=1, text=MARKUP)]
    video = shelf.add("transcript", segments=said, title=MARKUP, description=f"{MARKUP}\n{MARKUP}", filename=MARKUP)
    group = create_group(server, [video, shelf.add("transcript", title='" onclick="alert(3)')], MARKUP)
    link = share_link(server, group)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain size
    for url, place in ((f"{server.url}/#/groups/{group}", ".sortable"), (link, ".lines"), (link, ".shared-list")):
        page.goto("about:blank")
        page.goto(url)
        expect(page.locator(place)).to_contain_text(MARKUP)
        expect(page.locator("h1")).to_have_text(MARKUP)
        expect(page.locator("img[src=x], main script, [onclick]")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], url
