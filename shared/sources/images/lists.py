"""Lists of images' addresses: plain lines, CSV or JSON lines, as people have them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from shared.errors import PermanentError
from shared.models.crawl import LIST_PAGE
from shared.sources.images.source import Candidate, CandidatePage

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
