"""Bing and DuckDuckGo through `ddgs`, which provides request formats and XPaths, over guarded HTTP.

The HTTP client of ddgs is not used: it imitates a browser and bypasses the URL guard and the size limit. Neither are
its parsers: they return no results for an unknown format, and unescape image URLs, which breaks them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ddgs.base import BaseSearchEngine
from ddgs.engines.bing_images import BingImages
from ddgs.engines.duckduckgo_images import DuckduckgoImages
from ddgs.exceptions import DDGSException
from lxml.etree import LxmlError

from shared.models.image import Candidate, CandidatePage
from shared.settings import Settings
from shared.sources.images.source import (
    PARSE_ERRORS,
    Pulse,
    SearchResponse,
    allow_base_url,
    check_search_response,
    fetch_search_response,
    unreadable_response,
)

NO_RESULT_MARKS = ("no results", "keine ergebnisse", "b_no")
"""Texts of Bing for no results; a page with neither images nor one of them has an unknown format."""


@dataclass(frozen=True)
class DdgsResponse:
    """A response in the form that ddgs expects."""

    status_code: int
    content: bytes
    text: str


DdgsEngine = BaseSearchEngine[Any]
ResultParser = Callable[[DdgsEngine, str, int], list[Candidate]]
"""Parses an engine's response, by text and page number; may raise any parse error for an unknown format."""


class GuardedDdgsClient:
    """Replaces the HTTP client of ddgs. Raises as `fetch_search_response` and `check_search_response`."""

    def __init__(self, name: str, settings: Settings, pulse: Pulse, headers: dict[str, str]) -> None:
        self._name = name
        self._base = settings.search_base_url.rstrip("/")
        self._settings = allow_base_url(settings, settings.search_base_url)
        self._pulse = pulse
        self._headers = {key: value for key, value in headers.items() if key.lower() != "connection"}

    def request(self, method: str, url: str, params: dict[str, Any] | None = None) -> DdgsResponse:
        parts = urlsplit(url)
        server = self._base or f"{parts.scheme}://{parts.netloc}"
        address = f"{server}{parts.path or '/'}?{urlencode(params or {})}"
        response: SearchResponse = fetch_search_response(address, self._settings, self._pulse, self._headers)
        check_search_response(self._name, response)
        return DdgsResponse(response.status, response.content, response.text)


class DdgsImages:
    """Images of a search engine that ddgs supports."""

    def __init__(self, name: str, engine: type[DdgsEngine], parse_results: ResultParser, settings: Settings) -> None:
        self._name = name
        self._engine = engine
        self._parse_results = parse_results
        self._settings = settings

    def search_page(self, keyword: str, number: int, max_images: int, pulse: Pulse) -> CandidatePage:
        engine = self._engine()
        engine.http_client = GuardedDdgsClient(  # type: ignore[assignment]  # has all methods that are used
            self._name, self._settings, pulse, dict(engine.headers_update)
        )
        try:
            payload = engine.build_payload(keyword, "us-en", "moderate", None, number)
            text = engine.http_client.request("GET", engine.search_url, params=payload).text
            candidates = self._parse_results(engine, text, number)
        except (DDGSException, LxmlError, *PARSE_ERRORS) as error:
            raise unreadable_response(self._name, f"page {number}: {error or type(error).__name__}"[:100]) from error
        return CandidatePage(candidates=candidates, last=not candidates)


def bing_engine(settings: Settings) -> DdgsImages:
    return DdgsImages("Bing", BingImages, parse_bing, settings)


def duckduckgo_engine(settings: Settings) -> DdgsImages:
    return DdgsImages("DuckDuckGo", DuckduckgoImages, parse_duckduckgo, settings)


def parse_bing(engine: DdgsEngine, text: str, number: int) -> list[Candidate]:
    """Parse a page of Bing. Pages after the last are empty; only the first states that there are no results."""
    if not text.strip() and number > 1:
        return []
    items = engine.extract_tree(text).xpath(engine.items_xpath)
    if not items and number == 1 and not any(words in text.lower() for words in NO_RESULT_MARKS):
        raise ValueError("neither images nor a no-results text")
    return [_bing_candidate(json.loads(item.xpath(".//a[@class='iusc']/@m")[0])) for item in items]


def _bing_candidate(item: dict[str, Any]) -> Candidate:
    return Candidate(url=item["murl"], page_url=item.get("purl"), title=item.get("t"))


def parse_duckduckgo(engine: DdgsEngine, text: str, number: int) -> list[Candidate]:
    results = json.loads(text)["results"]
    return [Candidate(url=row["image"], page_url=row.get("url"), title=row.get("title")) for row in results]
