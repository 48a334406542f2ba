"""Search engines by `ddgs`: its forms of requests and its readers of answers, over our guarded HTTP.

Its own client passes for a browser and connects by itself, past the guard and without a limit of size; it is not used.
And it takes an answer that it does not understand for one without results; that is an error here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ddgs.base import BaseSearchEngine
from ddgs.engines.bing_images import BingImages
from ddgs.engines.duckduckgo_images import DuckduckgoImages
from ddgs.exceptions import DDGSException
from ddgs.results import ImagesResult
from lxml.etree import LxmlError

from shared.settings import Settings
from shared.sources.images.asking import Told, ask, check_answered, trusting, unreadable
from shared.sources.images.source import Candidate, Found, Pulse

NO_RESULTS = ("no results", "keine ergebnisse", "b_no")
"""How Bing says that there is nothing; an answer with neither images nor this is not understood."""


@dataclass(frozen=True)
class Answer:
    """A response as ddgs wants it."""

    status_code: int
    content: bytes
    text: str


class GuardedClient:
    """Stands for ddgs' HTTP client. Raises as `ask` and `check_answered`."""

    def __init__(self, name: str, settings: Settings, pulse: Pulse, headers: dict[str, str]) -> None:
        self._name = name
        self._base = settings.search_base_url.rstrip("/")
        self._settings = trusting(settings, settings.search_base_url)
        self._pulse = pulse
        self._headers = {key: value for key, value in headers.items() if key.lower() != "connection"}

    def request(self, method: str, url: str, params: dict[str, Any] | None = None) -> Answer:
        parts = urlsplit(url)
        server = self._base or f"{parts.scheme}://{parts.netloc}"
        address = f"{server}{parts.path or '/'}?{urlencode(params or {})}"
        told: Told = ask(address, self._settings, self._pulse, self._headers)
        check_answered(self._name, told)
        return Answer(told.status, told.content, told.text)


class Engine:
    """An ImageSource."""

    def __init__(self, name: str, engine: type[BaseSearchEngine[ImagesResult]], settings: Settings) -> None:
        self._name = name
        self._engine = engine
        self._settings = settings

    def page(self, keyword: str, number: int, want: int, pulse: Pulse) -> Found:
        engine = self._engine()
        engine.http_client = GuardedClient(  # type: ignore[assignment]  # it has what is used of it
            self._name, self._settings, pulse, dict(engine.headers_update)
        )
        try:
            payload = engine.build_payload(keyword, "us-en", "moderate", None, number)
            text = engine.http_client.request("GET", engine.search_url, params=payload).text
            results = self._read(engine, text)
        except (DDGSException, LxmlError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise unreadable(self._name, type(error).__name__) from error
        named = [candidate(result) for result in results if result.image]
        if results and not named:
            raise unreadable(self._name, "results without images")
        if not results and number == 1 and not self._says_nothing(text):
            raise unreadable(self._name, "no results and no word of it")
        return Found(candidates=named, last=not results)

    def _read(self, engine: BaseSearchEngine[ImagesResult], text: str) -> list[ImagesResult]:
        if isinstance(engine, DuckduckgoImages):
            json.loads(text)["results"]  # what ddgs itself would take for none
        return engine.extract_results(text) if text.strip() else []

    def _says_nothing(self, text: str) -> bool:
        """A list without items says so; a page must have the words."""
        return self._engine is DuckduckgoImages or any(words in text.lower() for words in NO_RESULTS)


def bing(settings: Settings) -> Engine:
    return Engine("Bing", BingImages, settings)


def duckduckgo(settings: Settings) -> Engine:
    return Engine("DuckDuckGo", DuckduckgoImages, settings)


def candidate(result: ImagesResult) -> Candidate:
    return Candidate(url=result.image, page_url=result.url or None, title=result.title or None)
