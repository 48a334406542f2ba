"""The console's library: what a search finds, to the second, and questions about videos."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from shared.models.job import Job
from tests.browser.shelf import Shelf, address, open_page, seconds_of
from tests.server import Server, eventually

HOW_LONG = "How are the onions fried?"


@pytest.fixture(scope="module")
def soup(shelf: Shelf) -> Job:
    """The only video that says anything."""
    return shelf.add("recipe", title="Onion soup", tags=["winter"])


def has_answer(page: Page, number: int = 0) -> None:
    expect(page.locator(".answer .sources").nth(number)).to_be_visible()


def ask(page: Page, question: str) -> None:
    page.get_by_label("Ask a question").fill(question)
    page.keyboard.press("Enter")


# Search


def test_a_moment_opens_at_its_second(server: Server, soup: Job, page: Page) -> None:
    """A few words lead to the line that has them, why it matches, and the player at its second; back leads back."""
    open_page(page, server)
    page.get_by_role("searchbox").fill("fry gently")
    moment = page.locator(".moment")
    expect(moment).to_contain_text("Fry the onions gently.")
    expect(moment.locator("mark")).to_have_text(["Fry", "gently"])
    expect(moment).to_contain_text("Spoken")
    expect(moment).to_contain_text("matches fry, gently")
    expect(moment.locator("img")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="1 moment")).to_be_attached()
    moment.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Onion soup")).to_be_visible()
    assert address(page) == f"videos/{soup.id}?t=2"
    eventually(lambda: seconds_of(page) == 2)
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("fry gently")
    page.get_by_label("Where to search").select_option("On screen")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    assert address(page) == "?q=fry+gently&in=screen"


def test_a_search_that_is_refused_still_finds_titles(server: Server, soup: Job, page: Page) -> None:
    """Whoever has searched too often reads so, and sees the videos whose titles match."""
    refusal = {"code": "rate_limited", "detail": "Too many questions."}
    page.route(re.compile(r"/v1/search\?"), lambda route: route.fulfill(status=429, json=refusal))
    open_page(page, server, "?q=winter")
    expect(page.get_by_role("alert")).to_contain_text("Too many questions.")
    expect(page.locator(".tile")).to_contain_text("Onion soup")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_library_comes_in_pages(server: Server, shelf: Shelf, soup: Job, page: Page) -> None:
    """A long library shows a dozen, then more; no job is downloaded whole for it."""
    for _ in range(12):
        shelf.add("metadata", {"durationSec": 4})
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    open_page(page, server)
    expect(page.locator(".tile")).to_have_count(12)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".tile")).to_have_count(13)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    lists = [url for url in requests if re.search(r"/v1/jobs(\?|/[0-9a-f]+$)", url)]
    assert len(lists) == 2
    assert all("view=summary" in url for url in lists)


def test_titles_and_tags_are_edited(server: Server, shelf: Shelf, page: Page) -> None:
    """A video gets a title and tags on its page, which the library shows and a tag finds."""
    video = shelf.add("summary")
    open_page(page, server, f"videos/{video.id}")
    page.get_by_text("Edit title and tags").click()
    page.get_by_label("Title").fill("Slow onions")
    page.get_by_label("Tags, separated by commas").fill("slow, kitchen tips")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Slow onions")).to_be_visible()
    page.get_by_role("link", name="#kitchen tips").click()
    expect(page.locator(".tile")).to_contain_text("Slow onions")
    page.locator(".tile a").first.click()
    page.locator(".others").get_by_role("link", name="Summary").click()
    expect(page.get_by_role("heading", name="How onions cook")).to_be_visible()


def test_edits_outlive_what_arrives_meanwhile(server: Server, shelf: Shelf, page: Page) -> None:
    """Neither a transcript that arrives late nor a refused save takes back what somebody typed."""
    video = shelf.add("summary")
    held: list[Route] = []
    page.route(re.compile("/transcript$"), lambda route: held.append(route))
    with page.expect_request(re.compile("/transcript$")):
        open_page(page, server, f"videos/{video.id}")
    page.get_by_text("Edit title and tags").click()
    page.get_by_label("Title").fill("Slow onions")
    page.get_by_label("Description").fill("For winter.")
    held[0].continue_()
    expect(page.get_by_text("Chop the onions.")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("Slow onions")
    refusal = {"code": "rate_limited", "detail": "Too many requests."}
    page.route(re.compile(f"/v1/videos/{video.id}$"), lambda route: route.fulfill(status=429, json=refusal))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Too many requests.")
    page.unroute_all()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Slow onions")).to_be_visible()
    expect(page.locator("p.prose")).to_have_text("For winter.")


# Questions


def test_an_answer_plays_what_it_cites(server: Server, soup: Job, page: Page) -> None:
    """A question about all videos is answered with sources; one plays its second beside the answer."""
    open_page(page, server, "chat")
    expect(page.locator(".chat-empty")).to_contain_text("No AI key is configured here, so answers are quotes")
    ask(page, HOW_LONG)
    has_answer(page)
    expect(page.locator(".answer .prose")).to_contain_text("Fry the onions gently.")
    page.locator(".answer .prose").get_by_role("link", name="Source 1").click()
    expect(page.locator(".cited video")).to_be_visible()
    eventually(lambda: seconds_of(page) > 0)
    assert address(page) == "chat"
    source = page.locator(".sources a").first
    assert re.search(r"#/videos/[0-9a-f]{32}(\?t=[\d.]+)?$", str(source.get_attribute("href")))


def test_a_conversation_is_kept_saved_and_deleted(server: Server, shelf: Shelf, page: Page) -> None:
    """What was asked about a video is there after a reload, can be saved as a table, and is gone once deleted."""
    video = shelf.add("transcript", title="Frying onions")
    open_page(page, server, f"videos/{video.id}")
    page.get_by_role("link", name="Ask about this video").click()
    expect(page.get_by_label("About")).to_have_value(f"videos/{video.id}/chat")
    ask(page, HOW_LONG)
    has_answer(page)
    ask(page, "What is chopped?")
    has_answer(page, 1)
    page.reload()
    expect(page.locator(".question")).to_have_text([f"Question{HOW_LONG}", "QuestionWhat is chopped?"])
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "chat.csv"
    assert HOW_LONG in download.value.path().read_text(encoding="utf-8-sig")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete history").click()
    expect(page.locator(".question")).to_have_count(0)
    page.get_by_label("About").select_option("All videos")
    expect(page).to_have_url(re.compile("#/chat$"))


def test_a_long_conversation_starts_with_its_newest_part(server: Server, shelf: Shelf, page: Page) -> None:
    """The last answer is in view; earlier ones come when they are asked for."""
    video = shelf.add("transcript")
    with server.client() as client:
        for number in range(11):
            question = {"video_id": video.id, "messages": [{"role": "user", "content": f"Onions {number}?"}]}
            assert client.post("/v1/chat", json=question).status_code == 200
    open_page(page, server, f"videos/{video.id}/chat")
    expect(page.locator(".question")).to_have_count(10)
    expect(page.get_by_text("Onions 10?")).to_be_in_viewport()
    page.get_by_role("button", name="Show earlier messages").click()
    expect(page.locator(".question").first).to_contain_text("Onions 0?")


def test_an_answer_that_breaks_off_says_so(server: Server, soup: Job, page: Page) -> None:
    """What has come stays, an error is shown with its sentence, and the question is there to be sent again."""
    piece = 'event: piece\ndata: {"text": "Slowly, "}\n\n'
    refused = 'event: error\ndata: {"code": "provider_busy", "detail": "The AI is busy. Try again later."}\n\n'
    bodies = iter([piece, refused])

    def reply(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body=next(bodies))

    page.route("**/v1/chat", reply)
    open_page(page, server, f"videos/{soup.id}/chat")
    ask(page, HOW_LONG)
    expect(page.get_by_role("alert")).to_contain_text("before the answer was complete")
    expect(page.locator(".answer")).to_contain_text("Slowly,")
    expect(page.locator(".answer")).to_contain_text("interrupted")
    expect(page.get_by_label("Ask a question")).to_have_value(HOW_LONG)
    ask(page, HOW_LONG)
    expect(page.get_by_role("alert")).to_contain_text("The AI is busy.")
