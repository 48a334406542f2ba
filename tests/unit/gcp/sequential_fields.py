"""Fields of stored documents whose values grow with time, derived from the models and from the code that writes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

from pydantic import BaseModel

from shared.analyses.kinds import kinds
from shared.chat.history import MESSAGES
from shared.datasets.store import DATASETS, IMAGES
from shared.library.api_keys import KEYS
from shared.library.feeds import FEEDS, Feed
from shared.library.groups import GROUPS, Group
from shared.models.api_key import ApiKey
from shared.models.batch import Batch, BatchItems
from shared.models.chat import ChatMessage
from shared.models.dataset import Dataset
from shared.models.image import ImageRecord
from shared.models.job import Job, Part
from shared.models.statistics import DayStatistics
from shared.models.video import Video
from shared.models.webhook import Webhook, WebhookDelivery
from shared.pipeline.batches import BATCH_ITEMS, BATCHES
from shared.pipeline.job_storage import DELETED, JOBS, PARTS, VIDEOS
from shared.pipeline.statistics import STATISTICS
from shared.webhooks.deliveries import DELIVERIES, WEBHOOKS
from tests.unit.pipeline.test_cleanup import collections_written

RESULTS: dict[str, type[BaseModel]] = {kind.collection: kind.schema for kind in kinds().values() if kind.collection}
MODELS: dict[str, type[BaseModel]] = {
    BATCHES: Batch,
    BATCH_ITEMS: BatchItems,
    DATASETS: Dataset,
    DELIVERIES: WebhookDelivery,
    FEEDS: Feed,
    GROUPS: Group,
    IMAGES: ImageRecord,
    JOBS: Job,
    KEYS: ApiKey,
    MESSAGES: ChatMessage,
    PARTS: Part,
    STATISTICS: DayStatistics,
    VIDEOS: Video,
    WEBHOOKS: Webhook,
}
WITHOUT_MODEL = {
    "answers",
    "deleted",
    "departures",
    "erasures",
    "idempotency",
    "indexes",
    "numbers",
    "rates",
    "revocations",
    "screens",
    "segments",
    "spending",
    "usernames",
}
"""Collections whose documents are dicts in the modules that write them."""
TIME_KEY = re.compile("[a-z]+(At|Since)|until")


def sequential_fields() -> set[tuple[str, str]]:
    """Return collection and path of each time that is stored."""
    fields = {(collection, path) for collection, model in (MODELS | RESULTS).items() for path in time_paths(model)}
    fields |= {(DELETED, f"counts.{path}") for path in time_paths(Job)}
    for collection, module in collections_written():
        if collection not in MODELS or collection == VIDEOS:
            fields |= {(collection, key) for key in time_keys(module)}
    return fields


def time_paths(model: type[BaseModel]) -> Iterator[str]:
    """Yield the document paths of a model's times; in a list or a dict, that of the whole."""
    for name, field in model.model_fields.items():
        yield from _paths_of(field.alias or name, field.annotation)


def _paths_of(path: str, annotation: Any) -> Iterator[str]:
    if annotation is datetime:
        yield path
    elif inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield from (f"{path}.{inner}" for inner in time_paths(annotation))
    elif annotation not in (None, type(None)):
        for part in get_args(annotation):
            yield from _paths_of(path, part)


def time_keys(module: str) -> set[str]:
    """Return the keys of a module's dicts that name a time."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    keys = (key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys)
    return {
        key.value
        for key in keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and TIME_KEY.fullmatch(key.value)
    }
