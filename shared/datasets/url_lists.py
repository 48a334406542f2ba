"""Lists of images' addresses that are sent to a dataset: kept as the pages that chunks will read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from shared.datasets.store import change_dataset
from shared.errors import PermanentError
from shared.media.file_type import sniff_media_type
from shared.models.dataset import Dataset, DatasetStatus, UrlList
from shared.pipeline.job_storage import MEDIA, load_json, media_name, store_json
from shared.pipeline.lifecycle import JobStateError, new_id
from shared.platform.ports import Objects, Place
from shared.settings import settings
from shared.sources.images.source import CandidatePage, read_pages

MAX_LISTS = 100
MAX_LIST_MB = 100
FETCH_TIMEOUT_SEC = 120


def add_url_list(place: Place, dataset: Dataset, file: BinaryIO, filename: str | None) -> Dataset:
    """Raises PermanentError `bad_list`, JobProblem `dataset_started`, `too_many_lists`."""
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
        # After any other error the dataset may name the list all the same; pages that it does not name go with it.
        place.objects.delete_prefix(MEDIA, media_name(dataset.id, list_page_name(url_list)))
        raise


def add_url_list_from_link(place: Place, dataset: Dataset, url: str) -> Dataset:
    """The same with a list that lies somewhere else, as an object in a storage does.

    Raises as `add_url_list`, and what `fetch` raises.
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
    """Raises PermanentError `bad_list` for what people get instead of a list."""
    if sniff_media_type(head) == "text/html":
        raise PermanentError("bad_list", "The link leads to a web page, not to a list. Send the address of the file.")
    return "text/plain"


def read_list_page(objects: Objects, dataset: Dataset, number: int) -> CandidatePage:
    """The `number`-th page of all the dataset's lists, from 1; behind the last one there are empty ones."""
    for url_list in dataset.lists:
        if number <= url_list.pages:
            return CandidatePage.read(load_json(objects, dataset.id, list_page_name(url_list, number)))
        number -= url_list.pages
    return CandidatePage(candidates=[], last=True)


def list_page_name(url_list: UrlList, number: int | None = None) -> str:
    """Media name of a page of a list; of all of them, as a prefix, without a number."""
    return f"lists/{url_list.id}/" + (f"{number:05}.json" if number else "")


def _check_can_add_list(dataset: Dataset) -> None:
    if dataset.status is not DatasetStatus.PENDING:
        raise JobStateError("dataset_started", "The dataset has been started. Create another one for more addresses.")
    if len(dataset.lists) >= MAX_LISTS:
        raise JobStateError(
            "too_many_lists", f"A dataset has at most {MAX_LISTS} lists. Combine several lists into one."
        )
