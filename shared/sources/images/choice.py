"""Which source is meant by a name."""

from __future__ import annotations

from shared.models.crawl import SourceName
from shared.models.dataset import Filters
from shared.settings import Settings
from shared.sources.images.source import ImageSource


def image_source(name: SourceName, settings: Settings, filters: Filters) -> ImageSource:
    """Raises PermanentError `not_configured`."""
    match name:
        case SourceName.OPENVERSE:
            from shared.sources.images.openverse import OpenverseImages

            return OpenverseImages(settings, filters.licences)
        case SourceName.GOOGLE:
            from shared.sources.images.google import GoogleImages

            return GoogleImages(settings)
        case SourceName.BING:
            from shared.sources.images.engines import bing_engine

            return bing_engine(settings)
        case SourceName.DUCKDUCKGO:
            from shared.sources.images.engines import duckduckgo_engine

            return duckduckgo_engine(settings)
    raise ValueError(f"a {name} has no keywords")
