"""Cloud Run's quota of processors and memory, and what the functions of the wiring table may take of it.

Cloud Run checks at each deployment that the instances of a service could not exceed the quota of the project in the
region: `CpuAllocPerProjectRegion` and `MemAllocPerProjectRegion` (https://docs.cloud.google.com/run/quotas).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.doctor.cloud import CloudClient
from shared.wiring import Function

MIB_PER_GIB = 1024
CPU_QUOTA, MEMORY_QUOTA = "CpuAllocPerProjectRegion", "MemAllocPerProjectRegion"
"""In thousandths of a processor, and in bytes."""


@dataclass(frozen=True)
class Quota:
    """Processors and GiB of memory of all instances together."""

    cpus: float
    memory_gib: float

    def covers(self, required: Quota) -> bool:
        return required.cpus <= self.cpus and required.memory_gib <= self.memory_gib

    def __str__(self) -> str:
        return f"{self.cpus:.4g} vCPU and {self.memory_gib:.4g} GiB"


NEW_PROJECT = Quota(20, 40)
"""Granted to a project without a history; https://github.com/googlecodelabs/feedback/issues/1856 shows the refusal."""

# Upper bound in MB, and vCPU: https://docs.cloud.google.com/functions/docs/configuring/memory
_CPUS_OF_MEMORY = (
    (128, 0.083),
    (256, 0.167),
    (512, 0.333),
    (1024, 0.583),
    (2048, 1),
    (8192, 2),
    (16384, 4),
    (32768, 8),
)


def cpus_of(memory_mb: int, whole: bool) -> float:
    """Return the vCPU of an instance; `whole`: at least one, for several requests at a time or heavy work."""
    by_memory = next(cpus for most_mb, cpus in _CPUS_OF_MEMORY if memory_mb <= most_mb)
    return max(1.0, by_memory) if whole else by_memory


def required_quota(functions: Mapping[str, Function]) -> Quota:
    """Return what all instances of the functions may take together."""
    rows = functions.values()
    cpus = sum(row.max_instances * cpus_of(row.memory_mb, row.concurrency > 1 or row.cpu_bound) for row in rows)
    return Quota(cpus, sum(row.max_instances * row.memory_mb for row in rows) / MIB_PER_GIB)


def read_quota(cloud: CloudClient, region: str) -> Quota | None:
    """Return what the project is granted in a region; None if Google does not say. Raises CloudApiError."""
    path = f"v1/projects/{cloud.project}/locations/global/services/run.googleapis.com/quotaInfos?pageSize=500"
    granted: dict[str, int] = {}
    for info in cloud.list_items("cloudquotas", path, "quotaInfos"):
        for row in info.get("dimensionsInfos", []):
            if region in row.get("applicableLocations", []) and (value := row.get("details", {}).get("value")):
                granted[info.get("quotaId", "")] = int(value)
    if not granted.keys() >= {CPU_QUOTA, MEMORY_QUOTA}:
        return None
    return Quota(granted[CPU_QUOTA] / 1000, granted[MEMORY_QUOTA] / 1024**3)
