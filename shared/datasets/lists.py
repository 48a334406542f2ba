"""Lists of images' addresses that are sent to a dataset: kept as the pages that chunks will read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from shared.datasets.store import change_dataset
from shared.errors import PermanentError
from shared.media.file.file_type import sniff
from shared.models.crawl import Dataset, UrlList
from shared.models.dataset import DatasetStatus
from shared.pipeline.lifecycle import JobProblem, new_id
from shared.pipeline.media import load_json, store_json
from shared.pipeline.paths import MEDIA, media_name
from shared.platform.ports import Objects, Platform
from shared.settings import settings
from shared.sources.images.lists import pages_of
from shared.sources.images.source import Found

MOST_LISTS = 100
MOST_MB = 100
FETCH_SEC = 120


def add_list(place: Platform, dataset: Dataset, file: BinaryIO, filename: str | None) -> Dataset:
    """Raises PermanentError `bad_list`, JobProblem `dataset_started`, `too_many_lists`."""
    _check(dataset)
    added = UrlList(id=new_id(), filename=filename)

    def change(current: Dataset) -> bool:
        _check(current)
        current.lists.append(added)
        return True

    try:
        for number, page in enumerate(pages_of(file), start=1):
            store_json(place.objects, dataset.id, page_name(added, number), page.json_form())
            added.urls += len(page.candidates)
        return change_dataset(place.documents, dataset.id, change)
    except (PermanentError, JobProblem):
        # After any other error the dataset may name the list all the same; pages that it does not name go with it.
        place.objects.delete_prefix(MEDIA, media_name(dataset.id, page_name(added)))
        raise


def add_list_behind(place: Platform, dataset: Dataset, url: str) -> Dataset:
    """The same with a list that lies somewhere else, as an object in a storage does.

    Raises as `add_list`, and what `fetch` raises.
    """
    from shared.sources.video.http import fetch

    _check(dataset)
    if url.startswith(("gs://", "s3://")):
        raise PermanentError(
            "url_invalid",
            "Links to buckets are not accepted. Send an https link that works without a login, such as a signed URL.",
        )
    limits = replace(settings(), max_file_size_mb=MOST_MB, download_timeout_sec=FETCH_SEC)
    with TemporaryDirectory() as folder:
        got = fetch(url, Path(folder) / "list", limits, lambda done, line: None, judge=judge_list)
        with got.path.open("rb") as file:
            return add_list(place, dataset, file, got.filename)


def judge_list(head: bytes, filename: str | None) -> str:
    """Raises PermanentError `bad_list` for what people get instead of a list."""
    if sniff(head) == "text/html":
        raise PermanentError("bad_list", "The link leads to a web page, not to a list. Send the address of the file.")
    return "text/plain"


def list_page(objects: Objects, dataset: Dataset, number: int) -> Found:
    """The `number`-th page of all the dataset's lists, from 1; behind the last one there are empty ones."""
    for each in dataset.lists:
        if number <= each.pages:
            return Found.read(load_json(objects, dataset.id, page_name(each, number)))
        number -= each.pages
    return Found(candidates=[], last=True)


def page_name(of: UrlList, number: int | None = None) -> str:
    """Media name of a page of a list; of all of them, as a prefix, without a number."""
    return f"lists/{of.id}/" + (f"{number:05}.json" if number else "")


def _check(dataset: Dataset) -> None:
    if dataset.status is not DatasetStatus.PENDING:
        raise JobProblem("dataset_started", "The dataset has been started. Create another one for more addresses.")
    if len(dataset.lists) >= MOST_LISTS:
        raise JobProblem("too_many_lists", f"A dataset has at most {MOST_LISTS} lists. Combine several lists into one.")
