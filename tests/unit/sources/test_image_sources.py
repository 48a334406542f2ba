"""Who names images: by the services' own forms, and never silent when an answer is not understood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from infra.stand_ins.apify_server import TOKEN, ApifyServer
from infra.stand_ins.image_search import ImageSearch, html_reply
from infra.stand_ins.server import Reply
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.models.dataset import SourceName
from shared.models.image import CandidatePage, Filters
from shared.settings import Settings, read_settings
from shared.sources.images.search import image_source

ENGINES = [SourceName.OPENVERSE, SourceName.BING, SourceName.DUCKDUCKGO]


def images(keyword: str, page: int) -> list[str]:
    """Two pages of three."""
    return [f"https://example.com/{quote(keyword)}-{page}-{number}.jpg" for number in range(3)] if page < 3 else []


@pytest.fixture
def search() -> Iterator[ImageSearch]:
    with ImageSearch(images) as server:
        yield server


def pulse() -> None:
    """Nobody waits."""


def settings(server: ImageSearch, **more: str) -> Settings:
    return read_settings({"OPENVERSE_BASE_URL": server.url, "SEARCH_BASE_URL": server.url, **more})


def page(
    server: ImageSearch, name: SourceName, number: int = 1, keyword: str = "dog", **filters: list[str]
) -> CandidatePage:
    return image_source(name, settings(server), Filters(**filters)).search_page(keyword, number, 10, pulse)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ENGINES)
def test_a_keyword_gives_pages_of_images(search: ImageSearch, name: SourceName) -> None:
    """Each engine names the images of each of its pages, with where they are shown, and says when there are no more."""
    for number in (1, 2):
        result = page(search, name, number, "red dog & cat")
        assert [candidate.url for candidate in result.candidates] == images("red dog & cat", number)
        assert all(candidate.page_url and candidate.title == "A picture" for candidate in result.candidates)
    assert result.last or page(search, name, 3).last


def test_openverse_tells_licence_and_author(search: ImageSearch) -> None:
    """Images of Openverse come with whose they are and on what terms; only wanted licences are asked for."""
    result = page(search, SourceName.OPENVERSE, licences=["by-sa", "cc0 1.0"])
    first = result.candidates[0]
    assert (first.author, first.licence) == ("Ann Example", "by-sa 4.0")
    assert first.licence_url == "https://creativecommons.org/licenses/by-sa/4.0/"
    assert search.queries_for("openverse")[0]["license"] == "by-sa,cc0"


def test_openverse_gets_its_token(search: ImageSearch) -> None:
    """A token that is configured goes to Openverse, and only there."""
    search.token = "secret"
    chosen = settings(search, OPENVERSE_TOKEN="secret")
    assert image_source(SourceName.OPENVERSE, chosen, Filters()).search_page("dog", 1, 1, pulse).candidates
    image_source(SourceName.BING, chosen, Filters()).search_page("dog", 1, 1, pulse)
    assert [request.headers.get("authorization") for request in search.requests] == ["Bearer secret", None]


@pytest.mark.parametrize("name", ENGINES)
def test_nothing_found_is_no_error(search: ImageSearch, name: SourceName) -> None:
    """An engine that says that there is nothing is believed."""
    search.images = lambda keyword, number: []
    result = page(search, name)
    assert (result.candidates, result.last) == ([], True)


CHANGED = {
    "a page instead of data": html_reply("<html><body>Please enable JavaScript</body></html>"),
    "other data": Reply({"hits": []}),
    "nothing": Reply(b""),
    "half": Reply(b'{"results": ['),
    "deep nesting": Reply(b'{"results": ' + b"[" * 100_000),
    "an infinite number": Reply(b'{"results": 1e999, "page_count": 1e999}'),
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("what", CHANGED)
def test_an_answer_that_is_not_understood_is_loud(search: ImageSearch, name: SourceName, what: str) -> None:
    """An engine that has changed its form, or shows a puzzle, is an error with its name and not «0 images»."""
    search.always[name] = CHANGED[what]
    with pytest.raises(PermanentError, match="has an unknown format") as raised:
        page(search, name)
    assert raised.value.code == "engine_unreadable"


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "engine_blocked"), (429, "engine_blocked"), (418, "engine_blocked"), (500, "source_unavailable")],
)
def test_a_refusal_is_loud_and_may_pass(search: ImageSearch, name: SourceName, status: int, code: str) -> None:
    """An engine that blocks us is tried again later, and its error says so."""
    search.always[name] = Reply({}, status)
    with pytest.raises(TransientError) as raised:
        page(search, name)
    assert raised.value.code == code


def test_bing_items_without_images_are_loud(search: ImageSearch) -> None:
    """Items whose facts have other names than we know are no empty page."""
    search.always["bing"] = html_reply(
        '<div><div class="imgpt"><a class="iusc" m="{&quot;url&quot;: 1}"></a></div><div class="infopt"></div></div>'
    )
    with pytest.raises(PermanentError, match="murl"):
        page(search, SourceName.BING)


def test_half_an_emoji_costs_no_image(search: ImageSearch) -> None:
    """A title that an engine cut in the middle of an emoji, or that is a book, can be stored like any other."""
    titles = ["Cake \ud83d", "x" * 1_000_000]
    results = [
        {"url": f"https://a.example/{number}.jpg", "license": "by", "title": title}
        for number, title in enumerate(titles)
    ]
    search.always["openverse"] = Reply({"results": results, "page_count": 1})
    candidates = page(search, SourceName.OPENVERSE).candidates
    assert [candidate.url for candidate in candidates] == [result["url"] for result in results]
    assert (candidates[0].title, len(candidates[1].title or "")) == ("Cake ?", 8193)
    assert json.dumps([candidate.to_json() for candidate in candidates], ensure_ascii=False).encode()


def test_an_endless_answer_is_cut_off(search: ImageSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine can fill the memory."""
    monkeypatch.setattr("shared.sources.images.source.MAX_BYTES", 1000)
    search.always["bing"] = html_reply("x" * 5000)
    with pytest.raises(PermanentError) as raised:
        page(search, SourceName.BING)
    assert raised.value.code == "engine_unreadable"


def google_items(server: ApifyServer, actor: str, run_input: dict[str, object]) -> list[object]:
    return [
        {
            "query": "dog",
            "imageUrl": f"https://example.com/{number}.jpg",
            "imageWidth": 640,
            "imageHeight": 480,
            "thumbnailUrl": "https://example.com/t.jpg",
            "contentUrl": "https://example.com/page",
            "title": "Dog",
            "origin": "Example",
        }
        for number in range(int(str(run_input["maxResultsPerQuery"])))
    ]


def apify(server: ApifyServer) -> Settings:
    return read_settings({"APIFY_BASE_URL": server.url, "APIFY_TOKEN": TOKEN})


def test_google_comes_in_one_run() -> None:
    """A keyword costs one run of the actor, with some images to spare."""
    with ApifyServer(google_items) as server:
        source = image_source(SourceName.GOOGLE, apify(server), Filters())
        result = source.search_page("dog", 1, 5, pulse)
        assert source.search_page("dog", 2, 5, pulse).last
    assert len(result.candidates) == 10
    assert result.last
    assert result.candidates[0].page_url == "https://example.com/page"
    assert len(server.runs) == 1


def test_google_items_of_another_form_are_loud() -> None:
    """An actor that gives something else is an error and not «0 images»."""
    with ApifyServer(lambda *_: [{"link": "x"}]) as server, pytest.raises(ClipwiseError) as raised:
        image_source(SourceName.GOOGLE, apify(server), Filters()).search_page("dog", 1, 5, pulse)
    assert raised.value.code == "engine_unreadable"


def test_google_needs_a_token() -> None:
    """Without Apify there is no Google, which is said."""
    with pytest.raises(PermanentError) as raised:
        image_source(SourceName.GOOGLE, read_settings({}), Filters())
    assert raised.value.code == "not_configured"
