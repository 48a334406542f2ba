"""Google's images by an actor that runs at Apify: a keyword's images come in one run, which is one page."""

from __future__ import annotations

from typing import Any

from shared.errors import PermanentError
from shared.settings import Settings
from shared.sources.images.asking import trusting, unreadable
from shared.sources.images.source import Candidate, Found, Pulse
from shared.sources.video.apify_api import run_actor

NAME = "Apify's search of Google"
MOST = 500
SPARE = 2
"""How many times as many as are wanted: some of them cannot be had."""


class Google:
    """An ImageSource. Raises what `run_actor` raises, too."""

    def __init__(self, settings: Settings) -> None:
        if not settings.apify_token:
            raise PermanentError(
                "not_configured", "The source `google` requires Apify. Set APIFY_TOKEN, or omit `google`."
            )
        self._settings = trusting(settings, settings.apify_base_url)

    def page(self, keyword: str, number: int, want: int, pulse: Pulse) -> Found:
        if number > 1:
            return Found(candidates=[], last=True)
        most = min(MOST, want * SPARE)
        wish = {"queries": [keyword], "maxResultsPerQuery": most}
        items = run_actor(self._settings.apify_images_actor, wish, self._settings, lambda *_: pulse(), most)
        named = [candidate(item) for item in items if isinstance(item.get("imageUrl"), str)]
        if items and not named:
            raise unreadable(NAME, "items without imageUrl")
        return Found(candidates=named, last=True)


def candidate(item: dict[str, Any]) -> Candidate:
    return Candidate(url=item["imageUrl"], page_url=item.get("contentUrl"), title=item.get("title"))
