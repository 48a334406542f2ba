"""How Google differs from a stand-in that takes everything: what it refuses for a time, and what it answers otherwise.

Each fact has its source in docs/decisions/terraform.md. Waiting takes no time here: what was applied before a
`time_sleep` counts as known after it.
"""

from __future__ import annotations

import re
import threading
import time
from typing import Any

# Service to the domain of its agent, as in https://docs.cloud.google.com/iam/docs/service-agents
AGENTS = {
    "pubsub.googleapis.com": "gcp-sa-pubsub",
    "firestore.googleapis.com": "gcp-sa-firestore",
    "cloudfunctions.googleapis.com": "gcf-admin-robot",
    "run.googleapis.com": "serverless-robot-prod",
    "artifactregistry.googleapis.com": "gcp-sa-artifactregistry",
    "secretmanager.googleapis.com": "gcp-sa-secretmanager",
    "storage.googleapis.com": "gs-project-accounts",
}
# What is encrypted, and whose agent must have the key for it.
ENCRYPTED = {
    "google_artifact_registry_repository": "gcp-sa-artifactregistry",
    "google_cloudfunctions2_function": "gcf-admin-robot",
    "google_firestore_database": "gcp-sa-firestore",
    "google_pubsub_topic": "gcp-sa-pubsub",
    "google_secret_manager_secret": "gcp-sa-secretmanager",
    "google_storage_bucket": "gs-project-accounts",
}
AGENT = re.compile(r"^serviceAccount:service-\d+@([\w-]+)\.iam\.gserviceaccount\.com$")
LOG_METRIC = re.compile(r'logging\.googleapis\.com/user/([^"]+)')
ASKED_SEC = 0.5
"""How long Google takes to create an agent; whoever does not wait for it comes too early."""
SETTLED_SEC = 1.5
"""How long any `time_sleep` lasts here, which is longer than what does not wait for it takes to begin."""


class Google:
    """A project without a history; raises ValueError with Google's words for what it refuses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh: set[str] = set()
        self._known: set[str] = set()

    def settle(self) -> None:
        """Wait for a `time_sleep`: what there was at its start is known at its end, and nobody else knows it before."""
        with self._lock:
            settled = set(self._fresh)
        time.sleep(SETTLED_SEC)
        with self._lock:
            self._known |= settled

    def create_agent(self, service: str) -> None:
        time.sleep(ASKED_SEC)
        self._add(f"agent {AGENTS[service]}")

    def apply(self, type_name: str, state: dict[str, Any]) -> None:
        """Take a resource, or refuse it."""
        if type_name == "google_project_service_identity":
            self.create_agent(state["service"])
        elif type_name == "google_logging_metric":
            self._add(f"metric {state['name']}")
        elif type_name == "google_monitoring_alert_policy":
            for name in LOG_METRIC.findall(str(state["conditions"])):
                self._expect(f"metric {name}", "Error 404: Cannot find metric(s) that match type = " + name)
        elif "_iam_member" in type_name:
            if match := AGENT.match(state["member"]):
                self._expect(f"agent {match[1]}", f"Error 400: Service account {state['member']} does not exist.")
            self._add(f"grant {type_name} {state['member']}")
        if type_name in ENCRYPTED and uses_key(state):
            agent = ENCRYPTED[type_name]
            granted = any("google_kms" in fact and f"@{agent}." in fact for fact in self._known)
            if not granted:
                raise ValueError(f"Error 403: Permission denied on the key: {agent} may not encrypt and decrypt yet.")
        if type_name == "google_cloudfunctions2_function":
            builder = f"serviceAccount:{str(state['build_config'][0]['service_account']).rpartition('/')[2]}"
            if not any("artifact_registry" in fact and "clipwise-build" in fact for fact in self._known):
                raise ValueError(f"Error 403: Build failed: {builder} may not write images yet.")

    def _add(self, fact: str) -> None:
        with self._lock:
            self._fresh.add(fact)

    def _expect(self, fact: str, refusal: str) -> None:
        if fact not in self._known:
            raise ValueError(refusal)


def uses_key(state: dict[str, Any]) -> bool:
    return "/cryptoKeys/" in str(state)


def as_answered(type_name: str, state: dict[str, Any]) -> dict[str, Any]:
    """The state as the provider reads it back: Firestore adds `__name__` to an index that does not have it.

    The provider hides it where it is the last field (`firestoreIFieldsDiffSuppress`), but not where a vector follows.
    """
    fields = state.get("fields") or []
    if type_name != "google_firestore_index" or any(field["field_path"] == "__name__" for field in fields):
        return state
    vectors = [field for field in fields if field["vector_config"]]
    if not vectors:
        return state
    added = {**dict.fromkeys(fields[0]), "field_path": "__name__", "order": "ASCENDING", "vector_config": []}
    return state | {"fields": [*[field for field in fields if field not in vectors], added, *vectors]}


def with_additions(provider: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The schema with what 7.21 brought since 6.50: Direct VPC egress of functions."""
    if (provider, name) != ("google", "google_cloudfunctions2_function"):
        return spec
    text = {"type": "string", "computed": False, "optional": True, "required": False}
    interface = {"network": text, "subnetwork": text, "tags": {**text, "type": ["list", "string"]}}
    service = spec["blocks"]["service_config"]
    service["attributes"]["direct_vpc_egress"] = {**text, "computed": True}
    service["blocks"]["direct_vpc_network_interface"] = {
        "attributes": interface,
        "blocks": {},
        "nesting": "list",
        "min": 0,
        "max": 0,
    }
    return spec
