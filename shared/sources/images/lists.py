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
from shared.sources.images.source import Candidate, Found

MOST = 100_000
LONGEST = 8192

_NAMES = {
    "url": ("url", "image_url", "imageurl", "image", "src", "link"),
    "page_url": ("page_url", "pageurl", "page", "foreign_landing_url", "source_url"),
    "title": ("title", "caption", "alt", "text"),
    "author": ("author", "creator", "artist", "photographer"),
    "licence": ("licence", "license"),
    "licence_url": ("licence_url", "license_url"),
}


def pages_of(file: BinaryIO) -> Iterator[Found]:
    """The list's candidates in pages of a hundred.

    A line without an address is passed over; one whose address is none stays, to be rejected by name.
    Raises PermanentError `bad_list`: it is no text in UTF-8, names nothing, or more than a hundred thousand.
    """
    named = candidates(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
    count = 0
    try:
        while page := list(islice(named, LIST_PAGE)):
            count += len(page)
            if count > MOST:
                raise PermanentError(
                    "bad_list", f"The list names more than {MOST} images. Split it into several lists."
                )
            yield Found(candidates=page)
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise PermanentError(
            "bad_list", f"The list is not valid text, CSV or JSON lines: {error}. Correct it."
        ) from None
    if not count:
        raise PermanentError("bad_list", "The list contains no images. Send one address per line, or a column url.")


def candidates(lines: io.TextIOWrapper) -> Iterator[Candidate]:
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    rest = _with(first, lines)
    if first.lstrip().startswith("{"):
        yield from (_named(json.loads(line)) for line in rest if line.strip())
        return
    header = [name.strip().lower() for name in next(csv.reader([first]), [])]
    if any(name in _NAMES["url"] for name in header):
        yield from (_named(row) for row in csv.DictReader(rest) if any(row.values()))
        return
    for line in rest:
        text = line.strip()
        if text and not text.startswith("#"):
            yield Candidate(url=text[:LONGEST])


def _with(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _named(row: Any) -> Candidate:
    if not isinstance(row, dict):
        raise PermanentError("bad_list", "A line of JSON is not an object with a field url. Correct it.")
    given = {str(name).strip().lower(): value for name, value in row.items() if value not in (None, "")}
    found = {
        field: str(given[name]).strip()[:LONGEST]
        for field, names in _NAMES.items()
        if (name := next((name for name in names if name in given), None))
    }
    if "licence" in found:
        found["licence"] = found["licence"].lower()
    return Candidate(**({"url": ""} | found))
