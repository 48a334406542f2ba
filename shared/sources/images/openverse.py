"""Openverse: openly licensed images, by its official API (https://api.openverse.org/v1/)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from shared.settings import Settings
from shared.sources.images.asking import (
    allow_base_url,
    check_search_response,
    fetch_search_response,
    unreadable_response,
)
from shared.sources.images.source import Candidate, CandidatePage, Pulse

OPENVERSE_URL = "https://api.openverse.org"
OPENVERSE_NAME = "Openverse"
PAGE_SIZE = 20
MAX_ANONYMOUS_DEPTH = 240
"""Results that may be paged through without a token; more are refused with 401."""


class OpenverseImages:
    """An ImageSource. `licences` are asked for there, so that no other is found in vain."""

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
        except (ValueError, TypeError, KeyError, AttributeError) as error:
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
