"""What counted operations cost: pure, of dated prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from shared.ai.service_models import price_list
from shared.wiring import Function, wiring

PRICES = {**price_list("gemini").models, **price_list("openai").models}
GB = 1e9
GIB = 2**30
# Processors that come with memory when none are named: Google's documentation of Cloud Run functions.
CPU_OF_MEMORY = ((128, 0.083), (256, 0.167), (512, 0.333), (1024, 0.583), (2048, 1.0), (4096, 2.0))
BILLED_SEC = 0.1


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((Path(__file__).with_name("prices.yaml")).read_text(encoding="utf-8"))
    found["prices"] = {name: float(price) for name, price in found["prices"].items()}
    return found


def vcpus(row: Function) -> float:
    """As Terraform asks for them: a whole one where events share an instance or the work is computing."""
    if row.concurrency > 1 or row.cpu_bound:
        return 1.0
    return next(cpu for memory, cpu in CPU_OF_MEMORY if row.memory_mb <= memory)


@dataclass(frozen=True)
class Talk:
    """What a job asks of one AI service."""

    model: str
    requests: int = 0
    chars_in: int = 0
    chars_out: int = 0
    images: int = 0
    video_sec: float = 0
    audio_sec: float = 0
    embeddings: int = 0
    embedding_model: str = ""
    embedding_chars: int = 0
    heard_by: str = ""
    sent_bytes: int = 0

    @property
    def tokens_in(self) -> float:
        by = table()["assumed"]
        pictures = self.images * by["tokens_per_image"] + self.video_sec * by["tokens_per_video_sec"]
        heard = self.audio_sec * by["tokens_per_audio_sec"] if self.heard_by == self.model else 0
        return float(self.chars_in / by["chars_per_token"] + pictures + heard)

    @property
    def tokens_out(self) -> float:
        return self.chars_out / float(table()["assumed"]["chars_per_token"])

    @property
    def usd(self) -> float:
        price = PRICES[self.model]
        cost = (self.tokens_in * price.tokens_in + self.tokens_out * price.tokens_out) / 1e6
        if self.heard_by and self.heard_by != self.model:
            cost += self.audio_sec / 60 * PRICES[self.heard_by].minute
        if self.embedding_model:
            embedded = self.embedding_chars / table()["assumed"]["chars_per_token"]
            cost += embedded * PRICES[self.embedding_model].tokens_in / 1e6
        return cost

    @property
    def seconds(self) -> float:
        """How long functions wait for the answers."""
        by = table()["assumed"]
        waits = self.embeddings * by["embedding_sec"] + self.audio_sec * by["hearing_share"]
        return float(waits + max(0, self.requests - self.embeddings - bool(self.audio_sec)) * by["answer_sec"])


def billed_seconds(row: Function, units: Mapping[str, float], waits: float = 0) -> float:
    """Of one function for one job: computing on its share of a processor, its operations, and waiting for models."""
    if not units.get("runs"):
        return 0.0
    operations = sum(units.get(name, 0) for name in ("reads", "writes", "deletes", "class_a", "class_b", "messages"))
    seconds = units.get("cpu", 0) / vcpus(row) + operations * table()["assumed"]["operation_sec"] + waits
    return float(math.ceil(seconds / BILLED_SEC) * BILLED_SEC)


def function_usd(row: Function, seconds: float, runs: float) -> float:
    """Events that share an instance share its time: half as many as the table allows are taken for granted."""
    price, together = table()["prices"], max(1.0, row.concurrency / 2)
    per_sec = vcpus(row) * price["vcpu_sec"] + row.memory_mb / 1024 * price["gib_sec"]
    return float(seconds / together * per_sec + runs * price["request"])


def infrastructure_usd(entries: Mapping[str, Mapping[str, float]], waits: Mapping[str, float]) -> dict[str, float]:
    """Cost of one job by service: documents, objects, storage, messages, functions, egress."""
    price, by = table()["prices"], table()["assumed"]
    total: dict[str, float] = {}
    for units in entries.values():
        for name, count in units.items():
            total[name] = total.get(name, 0) + count
    kept = {"uploads": by["source_days"] / 30, "media": by["media_months"]}
    functions = sum(
        function_usd(row, billed_seconds(row, entries.get(name, {}), waits.get(name, 0)), entries[name].get("runs", 0))
        for name, row in wiring().functions.items()
        if name in entries
    )
    return {
        "documents": total.get("reads", 0) * price["document_read"]
        + total.get("writes", 0) * price["document_write"]
        + total.get("deletes", 0) * price["document_delete"],
        "objects": total.get("class_a", 0) * price["class_a"] + total.get("class_b", 0) * price["class_b"],
        "storage": sum(total.get(f"stored {name}", 0) / GB * kept[name] * price["stored_gb_month"] for name in kept),
        "messages": total.get("message bytes", 0) / GB * price["message_gb"],
        "functions": functions,
        "egress": total.get("bytes to users", 0) / GB * price["egress_gb"] * by["views"],
    }
