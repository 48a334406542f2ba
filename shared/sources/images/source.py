"""What every source of images does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pydantic import Field

from shared.models.base import Model

Pulse = Callable[[], None]
"""Called about once a second while something is waited for; raises when the work is to stop."""


class Candidate(Model):
    """An image as a source names it, before anybody has looked at it."""

    url: str
    page_url: str | None = None
    title: str | None = None
    author: str | None = None
    licence: str | None = Field(None, description="In lower case, e.g. `by-sa 4.0`.")
    licence_url: str | None = None


class CandidatePage(Model):
    """A page of what a source has for a keyword."""

    candidates: list[Candidate]
    last: bool = Field(False, description="There is no page after this one.")


class ImageSource(Protocol):
    """Names images for a keyword, page by page.

    An answer that cannot be understood is an error and never an empty page: PermanentError `engine_unreadable`. One
    that refuses us is a TransientError `engine_blocked`, one that does not come `source_unavailable`, `source_slow`.
    """

    def search_page(self, keyword: str, number: int, max_images: int, pulse: Pulse) -> CandidatePage:
        """The `number`-th page, from 1. `want` tells how many images are wanted in all."""
