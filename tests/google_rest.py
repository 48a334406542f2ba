"""A stand-in for Google's REST APIs, which answers by path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from infra.api_client import open_client
from infra.doctor.cloud import CloudClient
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer

ID = "p"
SERVICES = (
    "apikeys",
    "cloudbilling",
    "cloudfunctions",
    "cloudquotas",
    "cloudresourcemanager",
    "cloudscheduler",
    "firestore",
    "identitytoolkit",
    "logging",
    "orgpolicy",
    "pubsub",
    "secretmanager",
    "serviceusage",
    "storage",
)
QUOTAS = f"/v1/projects/{ID}/locations/global/services/run.googleapis.com/quotaInfos"


def quota_infos(cpus: int, memory_gib: int) -> dict[str, Any]:
    """Cloud Run's quotas, as the Cloud Quotas API answers: thousandths of a processor, and bytes, in decimal text."""
    values = {"CpuAllocPerProjectRegion": cpus * 1000, "MemAllocPerProjectRegion": memory_gib * 1024**3}
    return {
        "quotaInfos": [
            {
                "quotaId": name,
                "dimensionsInfos": [{"applicableLocations": ["europe-west1"], "details": {"value": str(value)}}],
            }
            for name, value in values.items()
        ]
    }


class Google(StandInServer):
    """Answers from `answers`; 404 for all else. A rights test grants all but `lacking`."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__()
        self.answers = answers
        self.lacking: set[str] = set()

    def reply_to(self, request: RecordedRequest) -> Reply:
        parts = urlsplit(request.path)
        if request.path.partition("?")[0].endswith(("testPermissions", "testIamPermissions")):
            wished = re.findall(r"permissions=([^&]+)", parts.query) or request.json["permissions"]
            return Reply({"permissions": [name for name in wished if name not in self.lacking]})
        answer = self.answers.get(parts.path)
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, int):
            return Reply({"error": {"message": "no"}}, answer)
        return Reply(answer) if answer is not None else Reply({"error": {"message": "not found"}}, 404)


@contextmanager
def served(answers: dict[str, Any]) -> Iterator[tuple[Google, CloudClient]]:
    with Google(answers) as google, open_client(google.url) as http:
        yield google, CloudClient(ID, False, dict.fromkeys(SERVICES, google.url), http)
