"""The security rules, on Google's own emulator: who may read what, and that no client writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.analyses.kinds import kinds
from shared.datasets.store import DATASETS, ERASURES, IMAGES
from shared.library.api_keys import KEYS
from shared.pipeline.idempotency import ANSWERS, IDEMPOTENCY
from shared.pipeline.job_storage import JOBS, VIDEOS
from shared.pipeline.statistics import STATISTICS
from shared.platform.rate_limits import RATES
from shared.webhooks.deliveries import DELIVERIES, WEBHOOKS
from tests.contract.emulated import running_emulators
from tests.security.firestore_client import Firestore, both, either, encoded, query, token, where

SHOWN = [JOBS, VIDEOS, DATASETS, *sorted({kind.collection for kind in kinds().values() if kind.collection})]
INTERNAL = [
    IDEMPOTENCY,
    ANSWERS,
    RATES,
    KEYS,
    WEBHOOKS,
    DELIVERIES,
    IMAGES,
    ERASURES,
    STATISTICS,
    "uploads",
    "parts",
    "segments",
    "messages",
    "never-heard-of",
]
ALLOWED, REFUSED = 200, 403

ANN, BOB, DORA = map(token, ["ann", "bob", "dora"])
MINE = where("owner", "EQUAL", "ann")


@pytest.fixture(scope="module")
def firestore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firestore]:
    with running_emulators(tmp_path_factory.mktemp("rules")) as hosts, httpx.Client() as client:
        database = Firestore(client, hosts.firestore, hosts.project)
        for collection in [*SHOWN, *INTERNAL]:
            database.store(f"{collection}/anns", owner="ann")
            database.store(f"{collection}/bobs", owner="bob", sharedWith=["ann"])
        database.store("jobs/nobodys", owner=None)
        database.store("jobs/without-owner", status="done")
        database.store("jobs/odd-owner", owner=["ann"])
        database.store("jobs/anns/notes/one", owner="ann")
        yield database


@pytest.mark.parametrize("collection", SHOWN)
@pytest.mark.parametrize(
    ("bearer", "document", "status"),
    [
        (ANN, "anns", ALLOWED),
        (BOB, "bobs", ALLOWED),
        (ANN, "bobs", REFUSED),
        (BOB, "anns", REFUSED),
        (DORA, "bobs", REFUSED),
        (ANN, "not-there", REFUSED),
        (None, "anns", REFUSED),
    ],
)
def test_a_user_reads_their_own_documents_only(
    firestore: Firestore, collection: str, bearer: str | None, document: str, status: int
) -> None:
    """A frontend opens its own user's jobs and results and no others, whoever else a document names."""
    assert firestore.call(bearer, "GET", f"/{collection}/{document}").status_code == status


@pytest.mark.parametrize("collection", INTERNAL)
def test_the_machinery_is_closed(firestore: Firestore, collection: str) -> None:
    """A collection that no rule names is closed, to the owner of a document too."""
    assert firestore.call(ANN, "GET", f"/{collection}/anns").status_code == REFUSED


@pytest.mark.parametrize(
    ("path", "bearer"),
    [
        ("jobs/nobodys", token(None)),
        ("jobs/nobodys", None),
        ("jobs/nobodys", ANN),
        ("jobs/without-owner", ANN),
        ("jobs/odd-owner", ANN),
        ("jobs/anns/notes/one", ANN),
        ("jobs/anns", token("Ann")),
        ("jobs/anns", token("")),
        ("jobs/anns", token(None, email="ann", name="ann", uid="ann")),
    ],
)
def test_odd_documents_and_tokens_open_nothing(firestore: Firestore, path: str, bearer: str | None) -> None:
    """A document without a clear owner, or a token without a clear user, is read by nobody."""
    assert firestore.call(bearer, "GET", f"/{path}").status_code == REFUSED


@pytest.mark.parametrize("bearer", ["garbage", "a.b.c", "..", token("ann").split(".")[1], token("ann")[:-9] + "."])
def test_a_malformed_token_opens_nothing(firestore: Firestore, bearer: str) -> None:
    """Who is not signed in properly is not signed in."""
    assert firestore.call(bearer, "GET", "/jobs/anns").status_code in (400, 401, 403)


@pytest.mark.parametrize("collection", SHOWN)
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"filter": MINE}, ALLOWED),
        ({"filter": both(MINE, where("status", "EQUAL", "done"))}, ALLOWED),
        ({"filter": MINE, "limit": 5, "orderBy": [{"field": {"fieldPath": "createdAt"}}]}, ALLOWED),
        ({}, REFUSED),
        ({"limit": 1}, REFUSED),
        ({"filter": where("status", "EQUAL", "done")}, REFUSED),
        ({"filter": where("owner", "EQUAL", "bob")}, REFUSED),
        ({"filter": where("owner", "IN", ["ann", "bob"])}, REFUSED),
        ({"filter": where("owner", "GREATER_THAN_OR_EQUAL", "ann")}, REFUSED),
        ({"filter": where("sharedWith", "ARRAY_CONTAINS", "ann")}, REFUSED),
        ({"filter": either(MINE, where("owner", "EQUAL", "bob"))}, REFUSED),
        ({"filter": MINE, "everywhere": True}, REFUSED),
    ],
)
def test_a_list_must_ask_for_ones_own(
    firestore: Firestore, collection: str, asked: dict[str, Any], status: int
) -> None:
    """A frontend lists its user's jobs, and a list that could hold another's is refused whole."""
    body = {"structuredQuery": query(collection, **asked)}
    assert firestore.call(ANN, "POST", ":runQuery", body).status_code == status
    assert firestore.call(None, "POST", ":runQuery", body).status_code == REFUSED


@pytest.mark.parametrize("collection", INTERNAL)
def test_the_machinery_cannot_be_listed(firestore: Firestore, collection: str) -> None:
    """Not even one's own idempotency keys are shown."""
    body = {"structuredQuery": query(collection, MINE)}
    assert firestore.call(ANN, "POST", ":runQuery", body).status_code == REFUSED


def test_other_ways_to_read_know_the_rules_too(firestore: Firestore) -> None:
    """Counting, listing by folder, reading many at once and listing subcollections show nothing more."""
    count = [{"alias": "n", "count": {}}]
    own = {"structuredAggregationQuery": {"structuredQuery": query("jobs", MINE), "aggregations": count}}
    all_ = {"structuredAggregationQuery": {"structuredQuery": query("jobs"), "aggregations": count}}
    assert firestore.call(ANN, "POST", ":runAggregationQuery", own).status_code == ALLOWED
    assert firestore.call(ANN, "POST", ":runAggregationQuery", all_).status_code == REFUSED
    assert firestore.call(ANN, "GET", "/jobs").status_code == REFUSED
    both_names = {"documents": [firestore.name("jobs/anns"), firestore.name("jobs/bobs")]}
    assert firestore.call(ANN, "POST", ":batchGet", both_names).status_code == REFUSED
    assert firestore.call(ANN, "POST", ":listCollectionIds", {}).status_code in (400, 401, REFUSED)


@pytest.mark.parametrize("bearer", [ANN, None], ids=["owner", "anonymous"])
@pytest.mark.parametrize("collection", [*SHOWN, IDEMPOTENCY, "uploads", "never-heard-of"])
def test_no_client_writes(firestore: Firestore, collection: str, bearer: str | None) -> None:
    """Not even its owner creates, changes or deletes a document: every change goes through the API."""
    mine, new = firestore.name(f"{collection}/anns"), firestore.name(f"{collection}/new")
    fields = encoded({"owner": "ann", "status": "done"})
    before = firestore.call("owner", "GET", f"/{collection}/anns").json()
    attempts: list[tuple[str, str, Any]] = [
        ("POST", f"/{collection}?documentId=new", {"fields": fields}),
        ("POST", f"/{collection}", {"fields": fields}),
        ("PATCH", f"/{collection}/new", {"fields": fields}),
        ("PATCH", f"/{collection}/anns", {"fields": fields}),
        ("PATCH", f"/{collection}/anns?updateMask.fieldPaths=status", {"fields": encoded({"status": "done"})}),
        ("DELETE", f"/{collection}/anns", None),
        ("DELETE", f"/{collection}/not-there", None),
        ("POST", f"/{collection}/anns/notes", {"fields": fields}),
        ("POST", ":commit", {"writes": [{"update": {"name": new, "fields": fields}}]}),
        ("POST", ":commit", {"writes": [{"delete": mine}]}),
        ("POST", ":commit", {"writes": [{"transform": _stamp(mine)}]}),
    ]
    for method, path, body in attempts:
        assert firestore.call(bearer, method, path, body).status_code == REFUSED, (method, path)
    many = firestore.call(bearer, "POST", ":batchWrite", {"writes": [{"delete": mine}]})
    assert many.status_code == REFUSED or many.json()["status"][0]["code"] == 7
    assert firestore.call("owner", "GET", f"/{collection}/anns").json() == before
    assert firestore.call("owner", "GET", f"/{collection}/new").status_code == 404


def _stamp(document: str) -> dict[str, Any]:
    return {"document": document, "fieldTransforms": [{"fieldPath": "seen", "setToServerValue": "REQUEST_TIME"}]}
