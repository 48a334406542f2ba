"""Google's images by an actor that runs at Apify: a keyword's images come in one run, which is one page."""

from __future__ import annotations

from typing import Any

from shared.errors import PermanentError
from shared.settings import Settings
from shared.sources.images.asking import allow_base_url, unreadable_response
from shared.sources.images.source import Candidate, CandidatePage, Pulse
from shared.sources.video.apify_api import run_actor

GOOGLE_NAME = "Apify's search of Google"
MAX_GOOGLE_RESULTS = 500
OVERFETCH_FACTOR = 2
"""How many times as many as are wanted: some of them cannot be had."""


class GoogleImages:
    """An ImageSource. Raises what `run_actor` raises, too."""

    def __init__(self, settings: Settings) -> None:
        if not settings.apify_token:
            raise PermanentError(
                "not_configured", "The source `google` requires Apify. Set APIFY_TOKEN, or omit `google`."
            )
        self._settings = allow_base_url(settings, settings.apify_base_url)

    def search_page(self, keyword: str, number: int, max_images: int, pulse: Pulse) -> CandidatePage:
        if number > 1:
            return CandidatePage(candidates=[], last=True)
        max_results = min(MAX_GOOGLE_RESULTS, max_images * OVERFETCH_FACTOR)
        actor_input = {"queries": [keyword], "maxResultsPerQuery": max_results}
        items = run_actor(
            self._settings.apify_images_actor, actor_input, self._settings, lambda *_: pulse(), max_results
        )
        candidates = [google_candidate(item) for item in items if isinstance(item.get("imageUrl"), str)]
        if items and not candidates:
            raise unreadable_response(GOOGLE_NAME, "items without imageUrl")
        return CandidatePage(candidates=candidates, last=True)


def google_candidate(item: dict[str, Any]) -> Candidate:
    return Candidate(url=item["imageUrl"], page_url=item.get("contentUrl"), title=item.get("title"))
