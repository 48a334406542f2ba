"""Reads `functions/pipeline.yaml`, the one table of what triggers what, and names the functions that code refers to."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.tables import read_table

TABLE = Path(__file__).parents[1] / "functions" / "pipeline.yaml"
# The stages of a video's job, in order.
DOWNLOAD = "download"
EXTRACT = "extract"
TRANSCRIBE = "transcribe"
ANALYZE = "analyze"
PERSIST = "persist"
CRAWL = "crawl"
"""The first stage of a dataset."""
NOTIFY = "notify"
SWEEP = "sweep"
"""The function that delivers to webhooks."""
RELEASE = "release"
"""The function that creates the next jobs of a batch."""


class StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Trigger(StrictModel):
    http: bool = False
    topic: str | None = None
    bucket: str | None = None
    every_minutes: int | None = None


class Backoff(StrictModel):
    """Delay before a refused delivery is repeated, in seconds; doubles from `min` to `max`."""

    min: float
    max: float


class FilesInMemory(StrictModel):
    """What a function needs that holds a whole video, where files are in memory.

    Attributes:
        copies: How often the video is there at a time.
        work_mb: Memory beside them.
    """

    copies: int
    work_mb: int


class Function(StrictModel):
    """A row of the table.

    Attributes:
        optional: Whether a deployment can be without it, and without the bucket that triggers it.
        models: Models that its package may contain, each with the memory in MB that it then needs.
    """

    name: str
    does: str
    trigger: Trigger
    publishes: list[str]
    memory_mb: int
    files: FilesInMemory | None = None
    timeout_sec: int
    concurrency: int
    min_instances: int
    max_instances: int
    cpu_bound: bool = False
    optional: bool = False
    weight: int = 0
    attempts: int = 1
    deliveries: int = 1
    backoff_sec: Backoff | None = None
    secrets: list[str]
    models: dict[str, int] = {}


class Wiring(StrictModel):
    buckets: dict[str, str]
    dead_letter_topic: str
    functions: dict[str, Function]

    def without_optional(self) -> Wiring:
        """Return the table of a deployment that has no optional function."""
        optional = {row.trigger.bucket for row in self.functions.values() if row.optional}
        return Wiring(
            buckets={name: purpose for name, purpose in self.buckets.items() if name not in optional},
            dead_letter_topic=self.dead_letter_topic,
            functions={name: row for name, row in self.functions.items() if not row.optional},
        )

    def listeners(self, *, topic: str | None = None, bucket: str | None = None) -> list[Function]:
        """Return the functions that a message on `topic`, or an object finalized in `bucket`, triggers."""
        return [
            function
            for function in self.functions.values()
            if (topic is not None and function.trigger.topic == topic)
            or (bucket is not None and function.trigger.bucket == bucket)
        ]


@lru_cache(maxsize=1)
def wiring() -> Wiring:
    """Return the table, parsed and validated."""
    table: dict[str, Any] = read_table(TABLE)
    table["functions"] = {name: {"name": name, **row} for name, row in table["functions"].items()}
    return Wiring.model_validate(table)
