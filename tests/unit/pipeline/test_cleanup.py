"""The deletion of a job's data: complete, also when somebody adds a collection."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from shared.ai.usage import SPENDING
from shared.analyses.kinds import kinds
from shared.chat.history import MESSAGES
from shared.chat.passages import INDEXES
from shared.datasets.store import DATASETS, ERASURES, IMAGES
from shared.library.api_keys import KEYS
from shared.library.deletion import DEPARTURES
from shared.library.feeds import FEEDS
from shared.library.groups import GROUPS
from shared.library.numbers import NUMBERS
from shared.models.webhook import TEST, WebhookDelivery
from shared.pipeline.batches import BATCH_ITEMS, BATCHES
from shared.pipeline.cleanup import delete_job_data, job_cleaners
from shared.pipeline.idempotency import ANSWERS, IDEMPOTENCY
from shared.pipeline.job_storage import DELETED, JOBS, MEDIA, PARTS, SCREENS, SEGMENTS, UPLOADS, media_name, source_name
from shared.pipeline.lifecycle import plan_job
from shared.pipeline.parts import plan_part
from shared.pipeline.statistics import STATISTICS
from shared.platform.embedded.place import open_embedded_place
from shared.platform.gcp.account_documents import REVOCATIONS, USERNAMES
from shared.platform.ports import Place
from shared.platform.rate_limits import RATES
from shared.settings import Settings
from shared.webhooks.deliveries import DELIVERIES, WEBHOOKS, read_delivery
from shared.wiring import ANALYZE, DOWNLOAD, EXTRACT, PERSIST, TRANSCRIBE

ROOT = Path(__file__).parents[3]
WRITES = ("documents.create", "documents.put", "documents.replace", "change_model", "compare_and_set")
COLLECTIONS_WITHOUT_JOB_DATA = {
    JOBS,
    DELETED,
    # `clear_keys` points these to another job before the job is deleted.
    IDEMPOTENCY,
    ANSWERS,
    # These name videos, which `delete_job` removes from them.
    GROUPS,
    MESSAGES,
    # These belong to a user, a batch or a dataset.
    BATCHES,
    BATCH_ITEMS,
    DATASETS,
    IMAGES,
    ERASURES,
    DEPARTURES,
    REVOCATIONS,
    USERNAMES,
    RATES,
    SPENDING,
    STATISTICS,
    NUMBERS,
    WEBHOOKS,
    FEEDS,
    KEYS,
    # This names the model of all vectors.
    INDEXES,
}


@cache
def collections_written() -> tuple[tuple[str, str], ...]:
    """Each collection that the product writes to, and the module that does; `kind.collection` is every kind's."""
    return tuple(_collections_written())


def _collections_written() -> Iterator[tuple[str, str]]:
    for folder in ("shared", "functions"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            source = path.read_text(encoding="utf-8")
            # Parsing every module takes seconds; a call that writes has these words in it.
            if not any(all(word in source for word in write.split(".")) for write in WRITES):
                continue
            nodes = list(ast.walk(ast.parse(source)))
            imports = (node for node in nodes if isinstance(node, ast.ImportFrom))
            origins = {alias.name: node.module or "" for node in imports for alias in node.names}
            for node in nodes:
                if not isinstance(node, ast.Call) or not ast.unparse(node.func).lstrip("_").endswith(WRITES):
                    continue
                is_method = isinstance(node.func, ast.Attribute)
                argument = ast.unparse(node.args[0 if is_method else 1])
                if argument == "collection":
                    # A parameter: one of the module's own collections, or what a caller sets.
                    for collection in getattr(importlib.import_module(name), "COLLECTIONS", ()):
                        yield collection, name
                    continue
                if argument == "kind.collection":
                    for kind in kinds().values():
                        if kind.collection:
                            yield kind.collection, name
                    continue
                yield getattr(importlib.import_module(origins.get(argument, name)), argument), name


def test_no_collection_with_data_of_a_job_is_forgotten() -> None:
    """Whoever adds a collection says what deletes its documents: a cleaner, or why they are not a job's."""
    written = dict(collections_written())
    assert {JOBS, PARTS, SCREENS, SEGMENTS, DELIVERIES} <= written.keys()
    cleaned = job_cleaners().keys()
    undecided = written.keys() - cleaned - COLLECTIONS_WITHOUT_JOB_DATA
    assert not undecided, f"needs a cleaner in shared/pipeline/cleanup.py, or is not a job's: {undecided}"
    assert not cleaned & COLLECTIONS_WITHOUT_JOB_DATA
    assert written.keys() >= COLLECTIONS_WITHOUT_JOB_DATA


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_embedded_place(Settings(clipwise_data=tmp_path)).place


def test_nothing_of_a_deleted_job_is_left(place: Place) -> None:
    """Every collection in the table, and both buckets, lose the job's data and keep another job's."""
    for job_id in ("deleted", "kept"):
        job = plan_job(owner="ann", kind="recipe", language="en", job_id=job_id)
        place.objects.put(UPLOADS, source_name(job_id), b"video", "video/mp4")
        place.objects.put(MEDIA, media_name(job_id, "extract.json"), b"{}", "application/json")
        plan_part(place.documents, job, "transcribe", 0, {})
        delivery = WebhookDelivery(
            id=f"msg_{job_id}",
            webhook_id="w",
            owner="ann",
            job_id=job_id,
            event=TEST,
            occurred_at=job.created_at,
            data={"id": job_id},
            created_at=job.created_at,
            expires_at=job.created_at,
        )
        place.documents.put(DELIVERIES, delivery.id, delivery.to_document())
        for collection in job_cleaners().keys() - {PARTS, DELIVERIES}:
            place.documents.put(collection, job_id, {"jobId": job_id, "owner": "ann"})
    delete_job_data(place, "deleted")
    for collection in job_cleaners().keys() - {DELIVERIES}:
        documents = place.documents.query(collection).documents
        assert [document.data["jobId"] for document in documents] == ["kept"], collection
    deleted, kept = (read_delivery(place.documents, f"msg_{job_id}") for job_id in ("deleted", "kept"))
    assert deleted is not None
    assert kept is not None
    assert (deleted.data, kept.data) == (None, {"id": "kept"})
    assert [info.name for info in place.objects.list(UPLOADS)] == [source_name("kept")]
    assert [info.name for info in place.objects.list(MEDIA)] == [media_name("kept", "extract.json")]


@pytest.mark.parametrize("stage", [DOWNLOAD, EXTRACT, TRANSCRIBE, ANALYZE, PERSIST])
def test_a_stage_loads_no_cleaner_before_it_needs_one(stage: str) -> None:
    """A cold start pays for webhooks and cleaners only when a job ends or was deleted."""
    script = f"import sys, functions.{stage}.main; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    late = ("shared.webhooks", "shared.pipeline.cleanup", "shared.pipeline.lifecycle")
    assert [name for name in output.split() if name.startswith(late)] == []
