"""What every source of images does."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Protocol

from pydantic import Field

from shared.errors import PermanentError
from shared.models import Model
from shared.models.dataset import LIST_PAGE

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


MAX_URLS = 100_000
MAX_FIELD_LENGTH = 8192
_FIELD_NAMES = {
    "url": ("url", "image_url", "imageurl", "image", "src", "link"),
    "page_url": ("page_url", "pageurl", "page", "foreign_landing_url", "source_url"),
    "title": ("title", "caption", "alt", "text"),
    "author": ("author", "creator", "artist", "photographer"),
    "licence": ("licence", "license"),
    "licence_url": ("licence_url", "license_url"),
}


def read_pages(file: BinaryIO) -> Iterator[CandidatePage]:
    """The list's candidates in pages of a hundred.

    A line without an address is passed over; one whose address is none stays, to be rejected by name.
    Raises PermanentError `bad_list`: it is no text in UTF-8, names nothing, or more than a hundred thousand.
    """
    parsed_rows = parse_candidates(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
    count = 0
    try:
        while page := list(islice(parsed_rows, LIST_PAGE)):
            count += len(page)
            if count > MAX_URLS:
                raise PermanentError(
                    "bad_list", f"The list names more than {MAX_URLS} images. Split it into several lists."
                )
            yield CandidatePage(candidates=page)
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise PermanentError(
            "bad_list", f"The list is not valid text, CSV or JSON lines: {error}. Correct it."
        ) from None
    if not count:
        raise PermanentError("bad_list", "The list contains no images. Send one address per line, or a column url.")


def parse_candidates(lines: io.TextIOWrapper) -> Iterator[Candidate]:
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    all_lines = _prepend_line(first, lines)
    if first.lstrip().startswith("{"):
        yield from (_parse_row(json.loads(line)) for line in all_lines if line.strip())
        return
    header = [name.strip().lower() for name in next(csv.reader([first]), [])]
    if any(name in _FIELD_NAMES["url"] for name in header):
        yield from (_parse_row(row) for row in csv.DictReader(all_lines) if any(row.values()))
        return
    for line in all_lines:
        text = line.strip()
        if text and not text.startswith("#"):
            yield Candidate(url=text[:MAX_FIELD_LENGTH])


def _prepend_line(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _parse_row(row: Any) -> Candidate:
    if not isinstance(row, dict):
        raise PermanentError("bad_list", "A line of JSON is not an object with a field url. Correct it.")
    row_values = {str(name).strip().lower(): value for name, value in row.items() if value not in (None, "")}
    fields = {
        field: str(row_values[name]).strip()[:MAX_FIELD_LENGTH]
        for field, names in _FIELD_NAMES.items()
        if (name := next((name for name in names if name in row_values), None))
    }
    if "licence" in fields:
        fields["licence"] = fields["licence"].lower()
    return Candidate(**({"url": ""} | fields))
