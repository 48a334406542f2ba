"""URL lists of a dataset: parsed from plain lines, CSV or JSON lines, and stored as pages for its chunks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, TypeVar

from shared.datasets.store import change_dataset
from shared.errors import PermanentError
from shared.media.file_type import sniff_media_type
from shared.models.dataset import LIST_PAGE, MAX_URLS, Dataset, DatasetStatus, UrlList
from shared.models.image import Candidate, CandidatePage
from shared.pipeline.job_storage import MEDIA, load_json, media_name, store_json
from shared.pipeline.lifecycle import JobStateError, new_id
from shared.platform.ports import Objects, Place
from shared.settings import settings

T = TypeVar("T")
MAX_LISTS = 100
MAX_LIST_MB = 100
FETCH_TIMEOUT_SEC = 120
MAX_FIELD_LENGTH = 8192
MAX_ROW_LENGTH = 6 * MAX_FIELD_LENGTH
"""Characters of a row, which has six fields at most; a longer one takes many times its size when it is parsed."""
_FIELD_NAMES = {
    "url": ("url", "image_url", "imageurl", "image", "src", "link"),
    "page_url": ("page_url", "pageurl", "page", "foreign_landing_url", "source_url"),
    "title": ("title", "caption", "alt", "text"),
    "author": ("author", "creator", "artist", "photographer"),
    "licence": ("licence", "license"),
    "licence_url": ("licence_url", "license_url"),
}


def add_url_list(place: Place, dataset: Dataset, file: BinaryIO, filename: str | None) -> Dataset:
    """Parse a list, store its pages and add it to the dataset.

    Raises PermanentError `bad_list`, JobStateError `dataset_started`, `too_many_lists`.
    """
    _check_can_add_list(dataset)
    url_list = UrlList(id=new_id(), filename=filename)

    def change(current: Dataset) -> bool:
        _check_can_add_list(current)
        current.lists.append(url_list)
        return True

    try:
        for number, page in enumerate(read_pages(file), start=1):
            store_json(place.objects, dataset.id, list_page_name(url_list, number), page.to_json())
            url_list.urls += len(page.candidates)
        return change_dataset(place.documents, dataset.id, change)
    except (PermanentError, JobStateError):
        # After any other error, the change may have been stored; unused pages are deleted with the dataset.
        place.objects.delete_prefix(MEDIA, media_name(dataset.id, list_page_name(url_list)))
        raise


def add_url_list_from_link(place: Place, dataset: Dataset, url: str) -> Dataset:
    """Download a list and add it to the dataset.

    Raises as `add_url_list` and `fetch_file`.
    """
    from shared.sources.video.http import fetch_file

    _check_can_add_list(dataset)
    if url.startswith(("gs://", "s3://")):
        raise PermanentError(
            "url_invalid",
            "Links to buckets are not accepted. Send an https link that works without a login, such as a signed URL.",
        )
    limits = replace(settings(), max_file_size_mb=MAX_LIST_MB, download_timeout_sec=FETCH_TIMEOUT_SEC)
    with TemporaryDirectory() as folder:
        fetched = fetch_file(url, Path(folder) / "list", limits, lambda done, line: None, check_type=check_list_type)
        with fetched.path.open("rb") as file:
            return add_url_list(place, dataset, file, fetched.filename)


def check_list_type(head: bytes, filename: str | None) -> str:
    """Return the media type of a list. Raises PermanentError `bad_list` for a web page."""
    if sniff_media_type(head) == "text/html":
        raise PermanentError("bad_list", "The link leads to a web page, not to a list. Send the address of the file.")
    return "text/plain"


def read_list_page(objects: Objects, dataset: Dataset, number: int) -> CandidatePage:
    """Return page `number` of all lists together, counted from 1; empty after the last one."""
    for url_list in dataset.lists:
        if number <= url_list.pages:
            return CandidatePage.read(load_json(objects, dataset.id, list_page_name(url_list, number)))
        number -= url_list.pages
    return CandidatePage(candidates=[], last=True)


def list_page_name(url_list: UrlList, number: int | None = None) -> str:
    """Return the object name of a page; without a number, the prefix of all pages of the list."""
    return f"lists/{url_list.id}/" + (f"{number:05}.json" if number else "")


def _check_can_add_list(dataset: Dataset) -> None:
    if dataset.status is not DatasetStatus.PENDING:
        raise JobStateError("dataset_started", "The dataset has been started. Create another one for more addresses.")
    if len(dataset.lists) >= MAX_LISTS:
        raise JobStateError(
            "too_many_lists", f"A dataset has at most {MAX_LISTS} lists. Combine several lists into one."
        )


def read_pages(file: BinaryIO) -> Iterator[CandidatePage]:
    """Yield the candidates of a list in pages of 100.

    Skips empty lines; invalid URLs stay, so that each is rejected with a reason.
    Raises PermanentError `bad_list` if the list is not UTF-8 text, is empty, or names more than 100,000 images.
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
    except (ValueError, csv.Error, RecursionError) as error:
        raise PermanentError(
            "bad_list", f"The list is not valid text, CSV or JSON lines: {error}. Correct it."
        ) from None
    if not count:
        raise PermanentError("bad_list", "The list contains no images. Send one address per line, or a column url.")


class _RowLines:
    """The lines of a list, read one by one. Raises PermanentError `bad_list` for a row that is too long."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._row_length = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_ROW_LENGTH + 1):
            self._row_length += len(line)
            if self._row_length > MAX_ROW_LENGTH:
                raise PermanentError(
                    "bad_list", f"A row of the list has more than {MAX_ROW_LENGTH} characters. Shorten it."
                )
            yield line

    def split_rows(self, rows: Iterable[T]) -> Iterator[T]:
        """Yield rows parsed from these lines, each of which may have several."""
        for row in rows:
            self._row_length = 0
            yield row


def parse_candidates(text: io.TextIOWrapper) -> Iterator[Candidate]:
    """Parse JSON lines, CSV with a URL column, or one URL per line, as the first line tells."""
    rows = _RowLines(text)
    lines = rows.split_rows(rows)
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if first.lstrip().startswith("{"):
        yield from (_parse_row(json.loads(line)) for line in chain([first], lines) if line.strip())
        return
    header = [name.strip().lower() for name in next(csv.reader([first]), [])]
    if any(name in _FIELD_NAMES["url"] for name in header):
        table = csv.DictReader(chain([first], rows))
        yield from (_parse_row(row) for row in rows.split_rows(table) if any(row.values()))
        return
    for line in chain([first], lines):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield Candidate(url=stripped)


def _parse_row(row: Any) -> Candidate:
    if not isinstance(row, dict):
        raise PermanentError("bad_list", "A line of JSON is not an object with a field url. Correct it.")
    row_values = {str(name).strip().lower(): value for name, value in row.items() if value not in (None, "")}
    fields = {
        field: str(row_values[name]).strip()
        for field, names in _FIELD_NAMES.items()
        if (name := next((name for name in names if name in row_values), None))
    }
    if "licence" in fields:
        fields["licence"] = fields["licence"].lower()
    return Candidate(**({"url": ""} | fields))
