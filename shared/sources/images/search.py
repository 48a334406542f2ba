"""Image sources by name, with Openverse and Google (https://api.openverse.org/v1/; an Apify actor)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from shared.errors import PermanentError
from shared.models.dataset import SourceName
from shared.models.image import Candidate, CandidatePage, Filters
from shared.settings import Settings
from shared.sources.images.source import (
    PARSE_ERRORS,
    ImageSource,
    Pulse,
    allow_base_url,
    check_search_response,
    fetch_search_response,
    unreadable_response,
)
from shared.sources.spending import UNLIMITED, SpendingAccount

OPENVERSE_URL = "https://api.openverse.org"
OPENVERSE_NAME = "Openverse"
GOOGLE_NAME = "Apify's search of Google"
PAGE_SIZE = 20
MAX_ANONYMOUS_DEPTH = 240
"""Results available without a token; beyond them, Openverse answers 401."""
MAX_GOOGLE_RESULTS = 500
OVERFETCH_FACTOR = 2
"""Results requested per image needed, because some of them cannot be fetched."""


class OpenverseImages:
    """Openly licensed images from Openverse's API, restricted to `licences`."""

    def __init__(self, settings: Settings, licences: Sequence[str]) -> None:
        self._base = settings.openverse_base_url.rstrip("/") or OPENVERSE_URL
        self._settings = allow_base_url(settings, settings.openverse_base_url)
        self._licences = ",".join(licence.split(" ")[0].lower() for licence in licences)
        self._token = settings.openverse_token

    def search_page(self, keyword: str, number: int, max_images: int, pulse: Pulse) -> CandidatePage:
        if not self._token and number * PAGE_SIZE > MAX_ANONYMOUS_DEPTH:
            return CandidatePage(candidates=[], last=True)
        query = {"q": keyword, "page": number, "page_size": PAGE_SIZE}
        query |= {"license": self._licences} if self._licences else {}
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        response = fetch_search_response(f"{self._base}/v1/images/?{urlencode(query)}", self._settings, pulse, headers)
        if response.status == 404 and number > 1:
            return CandidatePage(candidates=[], last=True)
        check_search_response(OPENVERSE_NAME, response)
        try:
            body = json.loads(response.content)
            results, pages = body["results"], int(body["page_count"])
            candidates = [openverse_candidate(result) for result in results]
        except PARSE_ERRORS as error:
            raise unreadable_response(OPENVERSE_NAME, type(error).__name__) from error
        return CandidatePage(candidates=candidates, last=number >= pages)


def openverse_candidate(result: dict[str, Any]) -> Candidate:
    licence = " ".join(filter(None, [result["license"], result.get("license_version")])).lower()
    return Candidate(
        url=result["url"],
        page_url=result.get("foreign_landing_url"),
        title=result.get("title"),
        author=result.get("creator"),
        licence=licence,
        licence_url=result.get("license_url"),
    )


class GoogleImages:
    """Google Images through an Apify actor: one run returns all results, as one page.

    Also raises as `run_actor`.
    """

    def __init__(self, settings: Settings, account: SpendingAccount) -> None:
        if not settings.apify_token:
            raise PermanentError(
                "not_configured", "The source `google` requires Apify. Set APIFY_TOKEN, or omit `google`."
            )
        self._settings = allow_base_url(settings, settings.apify_base_url)
        self._account = account

    def search_page(self, keyword: str, number: int, max_images: int, pulse: Pulse) -> CandidatePage:
        if number > 1:
            return CandidatePage(candidates=[], last=True)
        from shared.sources.video.apify_api import run_actor

        max_results = min(MAX_GOOGLE_RESULTS, max_images * OVERFETCH_FACTOR)
        actor_input = {"queries": [keyword], "maxResultsPerQuery": max_results}
        items = run_actor(
            self._settings.apify_images_actor,
            actor_input,
            self._settings,
            lambda *_: pulse(),
            max_results,
            self._account,
        )
        candidates = [google_candidate(item) for item in items if isinstance(item.get("imageUrl"), str)]
        if items and not candidates:
            raise unreadable_response(GOOGLE_NAME, "items without imageUrl")
        return CandidatePage(candidates=candidates, last=True)


def google_candidate(item: dict[str, Any]) -> Candidate:
    return Candidate(url=item["imageUrl"], page_url=item.get("contentUrl"), title=item.get("title"))


def image_source(
    name: SourceName, settings: Settings, filters: Filters, account: SpendingAccount = UNLIMITED
) -> ImageSource:
    """Return the source of a name. Raises PermanentError `not_configured`."""
    match name:
        case SourceName.OPENVERSE:
            return OpenverseImages(settings, filters.licences)
        case SourceName.GOOGLE:
            return GoogleImages(settings, account)
        case SourceName.BING:
            from shared.sources.images.ddgs_engines import bing_engine

            return bing_engine(settings)
        case SourceName.DUCKDUCKGO:
            from shared.sources.images.ddgs_engines import duckduckgo_engine

            return duckduckgo_engine(settings)
    raise ValueError(f"the source {name} has no keywords")
