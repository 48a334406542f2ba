"""The console's pages, in Chromium and over a server as a user starts it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from shared.models.job import EmptyResult, Job, JobError, JobStatus
from shared.models.video import Segment
from tests.browser.dataset_samples import add_dataset
from tests.browser.shelf import (
    AXE,
    RECIPE,
    REEL,
    SPOKEN,
    SUMMARY,
    Shelf,
    address,
    layout_shifts,
    open_page,
    seconds_of,
    violations,
)
from tests.browser.tab import watched_page
from tests.server import Server, eventually

PHONE = {"width": 360, "height": 740}
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
MAX_FIRST_VIEW_BYTES = 100_000


@pytest.fixture(scope="module")
def jobs(shelf: Shelf) -> dict[str, Job]:
    """One job of each kind that has a page, and one for each way of ending without a result."""
    empty = EmptyResult(
        code="no_audio", message="The transcript is empty. The video has no audio.", advice="Add sound."
    )
    error = JobError(code="busy", message="The disk was full.", stage="persist", retryable=True)
    return {
        "recipe": shelf.add("recipe"),
        "summary": shelf.add("summary"),
        "transcript": shelf.add("transcript", tags=["lecture"]),
        "reel": shelf.add("reel"),
        "empty": shelf.add("transcript", SPOKEN | {"text": ""}, result_empty=empty, filename="quiet.mp4"),
        "failed": shelf.add("recipe", status=JobStatus.FAILED, error=error, filename="unlucky.mp4"),
    }


def addresses(jobs: dict[str, Job]) -> list[str]:
    """The address of every page."""
    results = [f"{path}/{jobs[kind].id}" for kind, path in RESULT_PATHS.items()]
    ended = [f"jobs/{jobs[name].id}" for name in ("recipe", "empty", "failed")]
    forms = ["sign-in", "sign-up", "verify?token=x", "verify", "reset", "reset?token=x"]
    video = f"videos/{jobs['summary'].id}"
    found = ["?q=onions", "?q=zebra", video, f"{video}/chat", "chat", "groups"]
    return ["", "new", "operations", "datasets", "account", "nowhere", *forms, *results, *ended, *found]


RESULT_PATHS = {"recipe": "recipes", "summary": "summaries", "transcript": "transcripts", "reel": "reels"}


def has_page(page: Page) -> None:
    """Wait until a page is there, with what it loads."""
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("networkidle")


# The way in


def test_a_newcomer_learns_what_to_do(server: Server, page: Page) -> None:
    """An empty library invites to add a video, and says in a sentence what a key would add."""
    page.route(re.compile(r"/v1/jobs\?"), lambda route: route.fulfill(json={"jobs": [], "cursor": None}))
    open_page(page, server)
    expect(page.locator(".welcome").get_by_text("AI key")).to_be_visible()
    page.get_by_role("link", name="Add your first video").click()
    expect(page.get_by_role("heading", name="New")).to_be_focused()
    expect(page.get_by_role("link", name="Sign in")).to_have_count(0)


def test_the_first_view_is_small(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """What a first visit transfers, apart from pictures, is at most 100 kB; the next one takes files from the cache."""
    sizes: list[int] = []
    urls: dict[str, str] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]}))
    session.on(
        "Network.loadingFinished",
        lambda event: sizes.append(
            event["encodedDataLength"] if "/v1/jobs/" not in urls.get(event["requestId"], "") else 0
        ),
    )
    open_page(page, server)
    has_page(page)
    assert 10_000 < sum(sizes) <= MAX_FIRST_VIEW_BYTES, sizes
    sizes.clear()
    page.reload()
    has_page(page)
    transferred = "performance.getEntriesByType('resource').filter((e) => e.transferSize > 0).map((e) => e.name)"
    assert not [name for name in page.evaluate(transferred) if "/web/" in name]


def test_it_works_below_a_path(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """Behind a proxy that serves the API at a path of its own, a link into the console opens its page."""

    def forward(route: Route) -> None:
        route.continue_(url=route.request.url.replace("/below/", "/"))

    page.route(f"{server.url}/below/**", forward)
    page.goto(f"{server.url}/below/#/recipes/{jobs['recipe'].id}")
    expect(page.get_by_role("heading", name="Onion soup")).to_be_visible()


def test_the_library_leads_to_results_and_back(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """Each tile opens its result; the back button and a search lead to the same addresses again."""
    open_page(page, server)
    page.get_by_role("link", name="How onions cook").click()
    expect(page.get_by_role("heading", name="How onions cook")).to_be_visible()
    assert address(page) == f"summaries/{jobs['summary'].id}"
    page.go_back()
    expect(page.get_by_role("link", name="Onion soup")).to_be_visible()
    page.get_by_label("State").select_option("failed")
    expect(page.locator(".tile")).to_have_count(1)
    page.get_by_role("searchbox").fill("lecture")
    expect(page.get_by_role("heading", name="Titles and tags")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(1)
    expect(page.locator(".tile")).to_contain_text("#lecture")
    assert address(page) == "?q=lecture"
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)


def test_links_are_refused_with_a_sentence(server: Server, page: Page) -> None:
    """A link that cannot be followed says why, and stays in its field to be mended."""
    open_page(page, server, "new")
    page.get_by_label("Or paste links").fill("ftp://example.com/soup.mp4")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("http")
    expect(page.get_by_label("Or paste links")).to_have_value("ftp://example.com/soup.mp4")


# Results


def test_a_recipe_is_cooked_from(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """Portions rescale every amount, what is ticked off stays so, and a step plays its place in the video."""
    open_page(page, server, f"recipes/{jobs['recipe'].id}")
    ingredients = page.locator(".ticks label")
    expect(ingredients).to_have_text(["3 onions, sliced", "¼ cup + 1 tbsp flour", "500 ml stock", "2–3 tbsp wine"])
    for _ in range(2):
        page.get_by_role("button", name="More servings").click()
    expect(ingredients).to_have_text(["6 onions, sliced", "½ cup + 2 tbsp flour", "1 l stock", "4–6 tbsp wine"])
    assert address(page) == f"recipes/{jobs['recipe'].id}?servings=4"
    page.get_by_label("6 onions, sliced").check()
    page.reload()
    expect(page.get_by_label("6 onions, sliced")).to_be_checked()
    expect(page.locator(".steps > li").nth(1)).to_contain_text("25–30 min")
    page.get_by_role("button", name="Play from 0:01").click()
    eventually(lambda: seconds_of(page) >= 1)
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON-LD").click()
    assert download.value.suggested_filename == "Onion-soup.jsonld"
    page.emulate_media(media="print")
    expect(page.locator("header.bar")).to_be_hidden()
    expect(page.get_by_text("Slice the onions.")).to_be_visible()


def test_a_recipe_is_read_in_ones_own_units(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """Whoever cooks with US units gets amounts and temperatures in them, scaled too, in every recipe from then on."""
    path = f"recipes/{jobs['recipe'].id}"
    open_page(page, server, path)
    page.get_by_text("US", exact=True).click()
    ingredients = page.locator(".ticks label")
    expect(ingredients).to_have_text(["3 onions, sliced", "¼ cup + 1 tbsp flour", "2⅛ cups stock", "2–3 tbsp wine"])
    expect(page.locator(".steps > li").nth(1)).to_contain_text("250 °F")
    for _ in range(2):
        page.get_by_role("button", name="More servings").click()
    expect(ingredients.nth(2)).to_have_text("4⅛ cups stock")
    page.reload()
    page.get_by_text("Metric", exact=True).click()
    expect(ingredients.nth(1)).to_have_text("150 ml flour")
    with page.expect_response(lambda response: "format=md&servings=4&units=metric" in response.url):
        page.get_by_role("button", name="Markdown").click()
    page.get_by_text("As in the video", exact=True).click()
    expect(ingredients.nth(1)).to_have_text("½ cup + 2 tbsp flour")


def test_a_transcript_follows_the_video(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """The line that is spoken is marked, a line plays its place, and a search finds and marks words."""
    open_page(page, server, f"transcripts/{jobs['transcript'].id}")
    page.get_by_role("button", name="0:02 Fry the onions gently.").click()
    expect(page.locator(".lines .current")).to_contain_text("Fry the onions gently.")
    assert seconds_of(page) >= 2
    page.get_by_label("Search the transcript").fill("ONIONS")
    expect(page.locator("mark")).to_have_text(["onions", "onions"])
    expect(page.get_by_text("2 matches")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="SRT").click()
    assert download.value.suggested_filename.endswith(".srt")


def test_a_reel_is_read_and_played(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """A scene of the script plays its place, the chart is a table, too, and the script is copied as one."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, server, f"reels/{jobs['reel'].id}")
    expect(page.locator(".chips")).to_contain_text("-18.2 LUFS")
    page.locator(".script").get_by_role("button", name="Play from 0:02").click()
    eventually(lambda: seconds_of(page) >= 2)
    page.get_by_text("Show as a table").click()
    rows = page.get_by_role("region", name="Pacing").locator("tbody tr")
    expect(rows).to_have_text([re.compile("0:00 ?0"), re.compile("0:01"), re.compile("0:02 ?1"), re.compile("0:03")])
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcement")).to_have_text("The script was copied.")
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[:2] == ["Time\tVisual\tText\tNote", "00:00–00:02\tA kitchen\tWelcome!\tClose-up"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Markdown").click()
    assert download.value.suggested_filename.endswith(".md")


def test_a_reel_shows_what_is_unknown_as_unknown(server: Server, shelf: Shelf, page: Page) -> None:
    """Sound that nobody transcribed is not shown as silence, nor a result of an earlier version as without cuts."""
    job = shelf.add("reel", REEL | {"timeline": None})
    open_page(page, server, f"reels/{job.id}")
    expect(page.locator(".lane-name")).to_have_text(["Shots", "Loudness · unknown", "Speech · unknown"])
    expect(page.locator(".lane .shot")).to_have_count(2)


def test_speakers_are_named(server: Server, shelf: Shelf, page: Page) -> None:
    """A transcript shows where the speaker changes; the owner's names replace the labels, markup in them stays text."""
    turns = [("A", "Salt?"), ("B", "Salt!"), ("B", "Twelve grams."), ("A", "Thank you.")]
    said = [Segment(start=at, end=at + 1, text=text, speaker=who) for at, (who, text) in enumerate(turns)]
    job = shelf.add("transcript", segments=said)
    open_page(page, server, f"transcripts/{job.id}")
    expect(page.locator(".speaker")).to_have_text(["A", "B", "A"])
    page.get_by_text("Name the speakers").click()
    page.get_by_label("Name of speaker A").fill("Anna <b>")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".speaker")).to_have_text(["Anna <b>", "B", "Anna <b>"])
    page.get_by_text("Name the speakers").click()
    expect(page.get_by_label("Name of speaker A")).to_have_value("Anna <b>")
    open_page(page, server, f"videos/{job.id}")
    expect(page.locator(".speaker")).to_have_text(["Anna <b>", "B", "Anna <b>"])


def test_a_search_shows_its_match_on_a_phone(server: Server, shelf: Shelf, page: Page) -> None:
    """In a long transcript below the video, the first match comes into view, and with Enter the next one."""
    said = [Segment(start=n / 25, end=(n + 1) / 25, text="salt" if n in (70, 90) else "more") for n in range(99)]
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain size
    open_page(page, server, f"transcripts/{shelf.add('transcript', segments=said).id}")
    search = page.get_by_label("Search the transcript")
    search.fill("salt")
    expect(page.locator(".lines li").nth(70)).to_be_in_viewport(ratio=1)
    for index in (70, 90):
        search.press("Enter")
        expect(page.locator(".lines li").nth(index)).to_be_in_viewport(ratio=1)


def test_ages_go_on(server: Server, shelf: Shelf, page: Page) -> None:
    """What was made a minute ago was made two minutes ago when somebody has looked at it for a minute."""
    page.clock.install()
    open_page(page, server, f"recipes/{shelf.add('recipe').id}")
    age = page.locator(".byline time")
    (minutes,) = re.findall(r"\d+", age.inner_text())
    page.clock.run_for(60_000)
    expect(age).to_have_text(f"{int(minutes) + 1} minutes ago")


def test_a_summary_has_its_chapters_on_the_player(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """A key point plays its place, even before the video is loaded, and a chapter plays from its start."""
    open_page(page, server, f"summaries/{jobs['summary'].id}")
    page.locator(".points").get_by_role("button", name="Play from 0:02").click()
    eventually(lambda: seconds_of(page) >= 2)
    page.evaluate("document.querySelector('video').playbackRate = 0.1")
    page.locator(".chapter-bar").get_by_role("button", name="Cooking").click()
    eventually(lambda: 1 <= seconds_of(page) < 2)


def test_an_empty_result_is_not_just_done(server: Server, jobs: dict[str, Job], page: Page) -> None:
    """The page of a result differs from that of an empty one, which says why and what would help."""
    open_page(page, server, f"transcripts/{jobs['empty'].id}")
    expect(page.locator(".outcome.empty")).to_contain_text("The video has no audio. Add sound.")
    assert address(page) == f"jobs/{jobs['empty'].id}"


def test_a_failed_job_is_tried_again(server: Server, shelf: Shelf, page: Page) -> None:
    """A failure shows its stage and sentence; where trying again can help, a button does it."""
    error = JobError(code="busy", message="The disk was full.", stage="persist", retryable=True)
    job = shelf.add("metadata", RECIPE, status=JobStatus.FAILED, error=error)
    open_page(page, server, f"jobs/{job.id}")
    expect(page.locator(".outcome.failed")).to_contain_text("The disk was full.")
    with page.expect_response(lambda response: response.url.endswith("/retry")) as response:
        page.get_by_role("button", name="Retry").click()
    assert response.value.status == 202


def test_an_address_of_nothing(server: Server, page: Page) -> None:
    """A job that was deleted, and an address that never was, lead to a sentence and not to a blank page."""
    open_page(page, server, f"jobs/{'0' * 32}")
    expect(page.get_by_role("alert")).to_contain_text("does not exist")
    page.goto(f"{server.url}/#/no/such/page")
    expect(page.get_by_role("heading", name="This page does not exist")).to_be_visible()


# Every page


def test_every_page_is_accessible_and_keeps_still(server: Server, jobs: dict[str, Job], chromium: Browser) -> None:
    """Axe objects to nothing on any page, in light or dark; nothing on it moves while pictures and results come."""
    if not AXE.exists():
        pytest.skip("axe is not installed; run `make browser-deps`, which needs npm")
    with watched_page(chromium, reduced_motion="reduce") as page:
        for path in addresses(jobs):
            open_page(page, server, path)
            has_page(page)
            assert layout_shifts(page) == [], path
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its schemes
                assert violations(page) == [], f"{path} in {scheme}"


def test_hostile_texts_stay_texts(server: Server, shelf: Shelf, page: Page) -> None:
    """Markup in titles, names, captions, steps and transcripts is shown as it is, on every page, and runs nothing."""
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    recipe = fill_with_markup(RECIPE)
    fields: dict[str, Any] = {"filename": MARKUP, "tags": [MARKUP], "title": MARKUP}
    said = [Segment(start=0, end=1, text=MARKUP)]
    paths = {
        f"recipes/{shelf.add('recipe', recipe, **fields).id}": ".steps",
        f"summaries/{shelf.add('summary', fill_with_markup(SUMMARY), **fields).id}": ".points",
        f"transcripts/{shelf.add('transcript', SPOKEN | {'text': MARKUP}, said, **fields).id}": ".lines",
        f"reels/{shelf.add('reel', fill_with_markup(REEL), **fields).id}": ".script",
        "": ".grid",
        "?q=img": ".moment-list",
    }
    marked = shelf.add("transcript", SPOKEN | {"text": MARKUP}, said, **fields).id
    paths |= {f"videos/{marked}": ".lines", f"videos/{marked}/chat": ".cited"}
    error = JobError(code="busy", message=MARKUP, stage="persist", retryable=True)
    job = shelf.add("recipe", recipe, status=JobStatus.FAILED, error=error, **fields)
    paths[f"jobs/{job.id}"] = ".outcome"
    paths["operations"] = ".records"
    paths["datasets"] = ".records"
    paths[f"datasets/{add_dataset(shelf.place, MARKUP)}"] = ".sheet"
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain size
    for path, place in paths.items():
        open_page(page, server, path)
        expect(page.locator(place)).to_contain_text(MARKUP)
        has_page(page)
        expect(page.locator("img[src=x], main script")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


def fill_with_markup(value: Any) -> Any:
    if isinstance(value, dict):
        kept = ("language", "difficulty", "relation", "source")
        return {name: item if name in kept else fill_with_markup(item) for name, item in value.items()}
    if isinstance(value, list):
        return [fill_with_markup(item) for item in value]
    return MARKUP if isinstance(value, str) else value


def test_every_language_has_every_text(server: Server, page: Page, jobs: dict[str, Job]) -> None:
    """A German sees German from the first view on, no text is missing, and the choice of a language is kept."""
    with watched_page(page.context.browser, locale="de-DE") as german:  # type: ignore[arg-type]  # the page has one
        open_page(german, server)
        expect(german.get_by_role("heading", name="Bibliothek")).to_be_visible()
        german.get_by_label("Sprache").select_option("ru")
        expect(german.get_by_role("heading", name="Библиотека")).to_be_visible()
        german.reload()
        expect(german.locator("html")).to_have_attribute("lang", "ru")
    open_page(page, server)
    has_page(page)
    folder = page.evaluate("document.querySelector('script[src]').src.replace('app.js', '')")
    keys = page.evaluate(
        "(folder) => Promise.all(['en', 'de', 'ru'].map(async (tag) =>"
        " Object.keys((await import(`${folder}texts/${tag}.js`)).default)))",
        folder,
    )
    assert keys[0] == keys[1] == keys[2]
