"""What every source of platform pages does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.errors import PermanentError
from shared.progress import Tick
from shared.settings import Settings
from shared.sources.video.fetched import FetchedFile
from shared.sources.video.platforms import PlatformPage

_ROUNDING_SEC = 1.0  # sources tell whole seconds


@dataclass(frozen=True)
class FetchRequest:
    """What is to be fetched.

    Attributes:
        longest_sec: A longer video is refused before it is downloaded, where its page tells how long it is.
        needs_video: Sound alone is of no use.
    """

    page: PlatformPage
    settings: Settings
    max_duration_sec: float
    needs_video: bool

    def check_duration(self, seconds: float | None) -> None:
        """Raises PermanentError `too_long`."""
        if seconds is not None and seconds > self.max_duration_sec + _ROUNDING_SEC:
            limit = f"{self.max_duration_sec:g} seconds"
            raise PermanentError("too_long", f"The video is longer than {limit}. Send a shorter one.")


VideoSource = Callable[[FetchRequest, Path, Tick], FetchedFile]
"""Fetches the video of a page into an empty folder, with all that is known of it and `origin.source` set.

It raises PermanentError and TransientError, and lets through what the tick raises. The codes in
`shared.sources.video.choice.ANSWERS` describe the video itself, so no other source is tried; after any other error, the
next one is.
"""
