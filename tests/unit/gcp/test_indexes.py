"""The index definitions, against the queries that the code makes: the emulator asks for none, production does."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate, combinations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from functions.api.compat.metadata import list_video_metadata
from functions.api.routes.batches import list_batches
from functions.api.routes.jobs import list_jobs
from functions.api.routes.operations import OperationsView, get_operations, list_jobs_by_status
from functions.api.routes.webhooks import list_deliveries
from shared.ai.vectors import DIMENSIONS
from shared.analyses.kinds import kinds
from shared.chat import history
from shared.chat.passages import passages_job_id
from shared.chat.reindex import reindex
from shared.chat.search import QueryEmbedding, has_passages, rank_passages, search
from shared.datasets.runs import list_exports
from shared.datasets.store import continue_erasures, delete_dataset, iterate_images, list_datasets, list_images
from shared.errors import NotFound
from shared.library.api_keys import count_api_keys, list_api_keys
from shared.library.deletion import ERASERS, erase_departed_users
from shared.library.feeds import Feed, feed_results, feeds_of, find_feed
from shared.library.groups import find_shared_group, list_groups, remove_video_from_groups
from shared.library.videos import search_videos
from shared.models.batch import Batch
from shared.models.dataset import Dataset
from shared.models.job import JobStatus
from shared.models.webhook import Webhook
from shared.pipeline import idempotency as once
from shared.pipeline.batch_release import cancel_jobs
from shared.pipeline.batches import active_jobs_elsewhere
from shared.pipeline.deadline import Deadline
from shared.pipeline.job_storage import DELETED, JOBS, SCREENS, SEGMENTS, VIDEOS, delete_passages
from shared.pipeline.jobs import read_videos
from shared.pipeline.lifecycle import reanalysis_documents
from shared.pipeline.parts import parts_of, remaining_numbers
from shared.pipeline.statistics import count_ended_jobs
from shared.pipeline.sweep import EXPIRING, sweep
from shared.platform.accounts import User
from shared.platform.ports import Document, DocumentPage, Documents, Filter, Matches, Order, Place, Vector
from shared.webhooks.deliveries import (
    clear_job_deliveries,
    delete_webhook_documents,
    has_webhooks,
    webhooks_of,
)
from tests.unit.gcp.sequential_fields import MODELS, RESULTS, WITHOUT_MODEL, sequential_fields
from tests.unit.pipeline.test_cleanup import collections_written

ROOT = Path(__file__).parents[3]
FIRESTORE = ROOT / "infra" / "firestore"
DEFINED = json.loads((FIRESTORE / "firestore.indexes.json").read_text())
SHOWN = [JOBS, VIDEOS, *sorted({kind.collection for kind in kinds().values() if kind.collection})]

FOLDERS = (
    "functions",
    "shared/chat",
    "shared/datasets",
    "shared/library",
    "shared/models",
    "shared/pipeline",
    "shared/webhooks",
)

RARE = {
    "departures": "one for each deleted account",
    "erasures": "one for each deleted dataset",
    "revocations": "one for each account that signs out everywhere",
    "usernames": "one for each account",
}
"""Collections that get no 500 documents a second, and why."""
SPREADING = {"owner", "shard", "webhookId"}
"""Fields whose values spread the entries of an index that begins with them."""

Form = tuple[str, frozenset[tuple[str, str]], tuple[Order, ...]]


class Recorder:
    """Documents that find nothing and remember what was asked, and by whom."""

    def __init__(self) -> None:
        self.forms: set[Form] = set()
        self.askers: set[str] = set()
        self.searches: set[tuple[str, str, int, tuple[str, ...]]] = set()

    def query(
        self, collection: str, filters: Sequence[Filter] = (), order: Sequence[Order] = (), *_: Any, **__: Any
    ) -> DocumentPage:
        self.record(inspect.stack()[1], collection, filters, order)
        return DocumentPage((), None)

    def record(
        self, caller: inspect.FrameInfo, collection: str, filters: Sequence[Filter], order: Sequence[Order]
    ) -> None:
        self.askers.add(f"{Path(caller.filename).relative_to(ROOT)}:{caller.function}")
        self.forms.add((collection, frozenset((path, op) for path, op, _ in filters), tuple(order)))

    def iterate(
        self, documents: Documents, collection: str, filters: Sequence[Filter], order: Sequence[Order] = ()
    ) -> Iterator[Document]:
        """In place of `iterate_query`, whose generator runs when its caller has returned already."""
        self.record(inspect.stack()[1], collection, filters, order)
        return iter(())

    def nearest(
        self, collection: str, field: str, to: Vector, limit: int, filters: Sequence[Filter] = ()
    ) -> Sequence[tuple[Document, float]]:
        self.searches.add((collection, field, len(to.values), tuple(path for path, _, _ in filters)))
        return []

    def matching(
        self, collection: str, field: str, values: Sequence[str], limit: int, filters: Sequence[Filter] = ()
    ) -> Matches:
        self.forms.add(
            (collection, frozenset([*((path, op) for path, op, _ in filters), (field, "array_contains")]), ())
        )
        return Matches([], dict.fromkeys(values, 0))

    def count(self, collection: str, filters: Sequence[Filter], limit: int) -> int:
        self.forms.add((collection, frozenset((path, op) for path, op, _ in filters), ()))
        return 0

    def get(self, collection: str, id: str) -> None:
        """There is nothing."""

    def delete(self, collection: str, id: str) -> None:
        """There is nothing."""

    def delete_expired(self, collection: str, before: datetime, limit: int) -> int:
        """Without a query: see `FirestoreDocuments`."""
        return 0

    def put(self, collection: str, id: str, data: dict[str, Any]) -> str:
        """Nothing is kept."""
        return ""


def a_dataset() -> Dataset:
    now = datetime.now(UTC)
    return Dataset(id="d", owner="ann", name="Dogs", max_images=1, created_at=now, updated_at=now)


def a_batch() -> Batch:
    now = datetime.now(UTC)
    return Batch(id="b", owner="ann", kind="recipe", language="en", created_at=now, updated_at=now, expires_at=now)


def noting_only(documents: Documents) -> Place:
    """Bears what is written and deleted on the way."""
    objects = SimpleNamespace(delete_prefix=lambda *_: 0, delete_many=lambda *_: None)
    return Place(documents, cast(Any, objects), cast(Any, None))


def a_webhook() -> Webhook:
    now = datetime.now(UTC)
    return Webhook(id="w", owner="ann", url="", events=[], salt="", created_at=now, updated_at=now)


@pytest.fixture(scope="module")
def asked() -> Iterator[Recorder]:
    """Everything that the functions ask, in every form."""
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith(("shared.", "functions.")) and hasattr(module, "iterate_query"):
                patch.setattr(module, "iterate_query", recorder.iterate)
        yield ask_everything(recorder)


def ask_everything(recorder: Recorder) -> Recorder:
    documents = cast(Documents, recorder)
    platform = noting_only(documents)
    for status, kind in product([None, JobStatus.DONE], [None, "recipe"]):
        list_jobs(User("ann"), platform, 20, None, status, kind)
    list_video_metadata(User("ann"), platform)
    list_batches(User("ann"), platform, 20, None)
    active_jobs_elsewhere(documents, a_batch())
    cancel_jobs(platform, a_batch())
    for admin in (False, True):
        request = cast(Any, SimpleNamespace(scope={"headers": [], "client": None}))
        view = OperationsView(request, User("ann", admin=admin))
        list_jobs_by_status(view, platform)
        get_operations(view, platform)
    count_ended_jobs(documents, lambda job: job.owner, Deadline(0))
    sweep(platform)
    erase_departed_users(platform)
    for eraser in ERASERS:
        eraser(platform, "ann", 1)
    remaining_numbers(documents, "job", "crawl", all=True)
    list_datasets(documents, "ann", 20, None)
    list_exports(documents, a_dataset(), 20, None)
    continue_erasures(platform)
    delete_dataset(noting_only(documents), "dataset")
    wanted = {"state": "downloaded", "reason": "robots", "source": "list", "verdict_accepted": True, "chunk": 1}
    for count in range(len(wanted) + 1):
        for some in combinations(wanted.items(), count):
            list_images(documents, "dataset", **dict(some))
            list(iterate_images(documents, "dataset", **dict(some)))
    once.clear_keys(documents, "job")
    parts_of(documents, "job")
    reanalysis_documents(documents, "job")
    for wanted in ("", "soup"):
        search_videos(documents, "ann", wanted, 20, None)
    read_videos(documents, ["video"], "ann")
    list_groups(documents, "ann", 20, None)
    remove_video_from_groups(documents, "ann", "video")
    list_deliveries(a_webhook(), platform)
    list_api_keys(documents, "ann", 20, None)
    count_api_keys(documents, "ann")
    has_webhooks(documents, "ann")
    webhooks_of(documents, "ann")
    feeds_of(documents, "ann")
    feed_results(documents, Feed(id="1", owner="ann", token_hash="", created_at=datetime.now(UTC)))
    with suppress(NotFound):
        find_feed(documents, "token")
    delete_webhook_documents(documents, "webhook")
    clear_job_deliveries(documents, "job")
    delete_passages(SEGMENTS, documents, "job")
    passages_job_id(documents, SEGMENTS, "video")
    for videos in (["video"], None):
        has_passages(documents, "owner", videos)
    reindex(documents, lambda done, total: None)
    for collection in (SEGMENTS, SCREENS):
        embeddings = [QueryEmbedding("model", Vector((1.0,) * DIMENSIONS), 0)]
        rank_passages(documents, collection, [("owner", "==", "ann")], "ann", "soup", embeddings, 0, 9)
    for videos in (["video"], None):
        search(documents, "ann", videos, "soup", [QueryEmbedding("model", Vector((1.0,) * DIMENSIONS), 0)], 0, 9)
    for group_id, video_id in (("group", None), (None, "video"), (None, None)):
        subject = history.subject_filters(group_id, video_id)
        history.list_messages(documents, "ann", subject, 20, None)
        history.delete_messages(documents, "ann", subject)
        assert list(history.export_csv(documents, "ann", subject))
    with suppress(NotFound):
        find_shared_group(documents, "token")
    return recorder


def queries_in(folder: str) -> Iterator[str]:
    """`file:function` of each call of `iterate_query`, `….documents.query` or `documents.query`."""
    for path in (ROOT / folder).rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(map(_is_query, ast.walk(function))):
                yield f"{path.relative_to(ROOT)}:{function.name}"


def _is_query(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    return name == "iterate_query" or name.split(".")[-2:] == ["documents", "query"]


def served(form: Form) -> bool:
    """Whether Firestore can answer: by one automatic index, or by defined ones that it merges.

    Merging: each index begins with equalities of the query and ends in its order, and together they have all of the
    equalities. Source: https://firebase.google.com/docs/firestore/query-data/index-overview#index_merging
    """
    collection, filters, order = form
    equalities = {path for path, op in filters if op in ("==", "in")}
    ranged = {path for path, op in filters if op in ("<", "<=", ">", ">=")}
    assert ranged <= {path for path, _ in order[:1]}, "an inequality's field must come first in the order"
    if not equalities and len(order) <= 1:
        return not exempt(collection, order)
    if not order and not ranged:
        return True
    ending = [{"fieldPath": path, "order": "DESCENDING" if way == "desc" else "ASCENDING"} for path, way in order]
    merged: set[str] = set()
    for index in DEFINED["indexes"]:
        head, tail = index["fields"][: -len(order)], index["fields"][-len(order) :]
        paths = {field["fieldPath"] for field in head if "order" in field}
        if (
            index["collectionGroup"] == collection
            and tail == ending
            and len(paths) == len(head)
            and paths <= equalities
        ):
            merged |= paths
    return merged == equalities


def exempt(collection: str, order: tuple[Order, ...]) -> bool:
    return any(
        override["collectionGroup"] == collection and override["fieldPath"] == path and not override["indexes"]
        for override in DEFINED["fieldOverrides"]
        for path, _ in order
    )


def test_every_query_of_the_functions_has_its_index(asked: Recorder) -> None:
    """No list that works on one machine fails in the cloud for want of an index."""
    assert [form for form in asked.forms if not served(form)] == []


def test_no_query_was_forgotten_here(asked: Recorder) -> None:
    """A new query cannot come into the code without being looked at here."""
    assert asked.askers == {query for folder in FOLDERS for query in queries_in(folder)}


@pytest.mark.parametrize("collection", SHOWN)
def test_frontends_can_list_what_the_rules_let_them(collection: str) -> None:
    """A page of one's own newest jobs comes straight from Firestore."""
    newest = {"fieldPath": "createdAt", "order": "DESCENDING"}
    defined = [index["fields"] for index in DEFINED["indexes"] if index["collectionGroup"] == collection]
    assert [{"fieldPath": "owner", "order": "ASCENDING"}, newest] in defined


def test_what_expires_is_deleted_by_firestore() -> None:
    """Forgotten keys go without a query, whose index would limit how many requests a second can be counted."""
    for collection in (*EXPIRING, DELETED):
        of_it = [each for each in DEFINED["fieldOverrides"] if each["collectionGroup"] == collection]
        (override,) = [each for each in of_it if each["fieldPath"] == "expiresAt"]
        assert override["ttl"]
        assert override["indexes"] == []


@pytest.mark.parametrize(("collection", "path"), sorted(sequential_fields()))
def test_no_index_limits_writes_to_500_a_second(collection: str, path: str) -> None:
    """A time that every write changes has no index of its own: whoever adds one learns it here, not at 500 a second."""
    if collection in RARE:
        return
    prefixes = set(accumulate(path.split("."), lambda parent, name: f"{parent}.{name}"))
    exempted = [
        override["fieldPath"]
        for override in DEFINED["fieldOverrides"]
        if override["collectionGroup"] == collection and not override["indexes"]
    ]
    assert prefixes & set(exempted), f"exempt {collection}.{path} from indexing in firestore.indexes.json"
    for index in DEFINED["indexes"]:
        paths = [field["fieldPath"] for field in index["fields"]]
        if index["collectionGroup"] == collection and path in paths:
            assert SPREADING & set(paths[: paths.index(path)]), f"put `shard` before {path} in an index"


def test_no_collection_is_forgotten_here() -> None:
    """The times of a new collection are known as soon as it is written."""
    written = {collection for collection, _ in collections_written()}
    assert written - MODELS.keys() - RESULTS.keys() == WITHOUT_MODEL


def test_firestore_accepts_so_many_exemptions() -> None:
    """An apply is not refused for its number of exemptions: https://firebase.google.com/docs/firestore/quotas."""
    assert len(DEFINED["fieldOverrides"]) <= 200


def test_segments_can_be_searched_by_likeness(asked: Recorder) -> None:
    """Every search by vectors has a vector index of that size, for just the filters that it is made with."""
    assert asked.searches
    for collection, field, size, filters in asked.searches:
        equal = [{"fieldPath": path, "order": "ASCENDING"} for path in filters]
        vector = {"fieldPath": field, "vectorConfig": {"dimension": size, "flat": {}}}
        fields = [index["fields"] for index in DEFINED["indexes"] if index["collectionGroup"] == collection]
        assert [*equal, vector] in fields


def test_firebase_json_points_to_rules_and_indexes() -> None:
    """`firebase deploy` finds both."""
    paths = json.loads((FIRESTORE / "firebase.json").read_text())["firestore"]
    assert all((FIRESTORE / path).is_file() for path in paths.values())
    assert set(paths) == {"rules", "indexes"}
