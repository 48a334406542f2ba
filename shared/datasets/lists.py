"""Lists of images' addresses that are sent to a dataset: kept as the pages that chunks will read."""

from __future__ import annotations

from typing import BinaryIO

from shared.datasets.planning import list_pages
from shared.datasets.store import change_dataset, list_name
from shared.models.crawl import Dataset, UrlList
from shared.models.dataset import DatasetStatus
from shared.pipeline.lifecycle import JobProblem
from shared.pipeline.media import store_json
from shared.platform.ports import Platform
from shared.sources.images.lists import pages_of

MOST_LISTS = 100


def add_list(place: Platform, dataset: Dataset, file: BinaryIO, filename: str | None) -> Dataset:
    """Raises PermanentError `bad_list`, JobProblem `dataset_started`, `too_many_lists`."""
    _check(dataset)
    first, count, number = list_pages(dataset), 0, 0
    for number, page in enumerate(pages_of(file), start=1):
        store_json(place.objects, dataset.id, list_name(first + number), page.json_form())
        count += len(page.candidates)
    added = UrlList(filename=filename, urls=count)

    def change(current: Dataset) -> bool:
        _check(current)
        if list_pages(current) != first:
            raise JobProblem("list_meanwhile", "Another list was sent at the same time; send this one again.")
        current.lists.append(added)
        return True

    return change_dataset(place.documents, dataset.id, change)


def _check(dataset: Dataset) -> None:
    if dataset.status is not DatasetStatus.PENDING:
        raise JobProblem("dataset_started", "The dataset has been started; make another one for more addresses.")
    if len(dataset.lists) >= MOST_LISTS:
        raise JobProblem("too_many_lists", f"A dataset takes at most {MOST_LISTS} lists; put them together.")
