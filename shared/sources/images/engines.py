"""Search engines by `ddgs`: its forms of requests and its knowledge of the answers, over our guarded HTTP.

Its own client passes for a browser and connects by itself, past the guard and without a limit of size; it is not used.
Nor are its readers: they take an answer that they do not understand for one without results, and undo the escapes in
images' addresses, which then lead to nowhere.
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


AnyEngine = BaseSearchEngine[Any]
Reader = Callable[[AnyEngine, str, int], list[Candidate]]
"""From an engine's answer, and which page it is; raises nearly anything when it is not understood."""


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

    def __init__(self, name: str, engine: type[AnyEngine], read: Reader, settings: Settings) -> None:
        self._name = name
        self._engine = engine
        self._read = read
        self._settings = settings

    def page(self, keyword: str, number: int, want: int, pulse: Pulse) -> Found:
        engine = self._engine()
        engine.http_client = GuardedClient(  # type: ignore[assignment]  # it has what is used of it
            self._name, self._settings, pulse, dict(engine.headers_update)
        )
        try:
            payload = engine.build_payload(keyword, "us-en", "moderate", None, number)
            text = engine.http_client.request("GET", engine.search_url, params=payload).text
            found = self._read(engine, text, number)
        except (DDGSException, LxmlError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise unreadable(self._name, f"page {number}: {error or type(error).__name__}"[:100]) from error
        return Found(candidates=found, last=not found)


def bing(settings: Settings) -> Engine:
    return Engine("Bing", BingImages, read_bing, settings)


def duckduckgo(settings: Settings) -> Engine:
    return Engine("DuckDuckGo", DuckduckgoImages, read_duckduckgo, settings)


def read_bing(engine: AnyEngine, text: str, number: int) -> list[Candidate]:
    """After the last page there is nothing, or nothing that is an item; on the first one it says so."""
    if not text.strip() and number > 1:
        return []
    items = engine.extract_tree(text).xpath(engine.items_xpath)
    if not items and number == 1 and not any(words in text.lower() for words in NO_RESULTS):
        raise ValueError("no images and no word of it")
    return [_bing_candidate(json.loads(item.xpath(".//a[@class='iusc']/@m")[0])) for item in items]


def _bing_candidate(facts: dict[str, Any]) -> Candidate:
    return Candidate(url=facts["murl"], page_url=facts.get("purl"), title=facts.get("t"))


def read_duckduckgo(engine: AnyEngine, text: str, number: int) -> list[Candidate]:
    results = json.loads(text)["results"]
    return [Candidate(url=row["image"], page_url=row.get("url"), title=row.get("title")) for row in results]
