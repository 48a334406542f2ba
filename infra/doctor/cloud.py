"""Google's REST APIs for the checks, in the cloud with the user's credentials or on the emulators; permissions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx

from infra.api_client import open_client
from infra.doctor.findings import DoctorFinding, Findings, good, note, problem
from infra.reference import rights
from infra.runtimes.emulated.provision import ACK_SEC, DELIVERY_ATTEMPTS, push_topic
from shared.pipeline.job_storage import DROP
from shared.wiring import Backoff, Function, Wiring, wiring

INDEXES = Path(__file__).parents[1] / "firestore" / "firestore.indexes.json"
# The APIs of terraform/services.tf that every project needs; a test compares them.
APIS = (
    "apikeys", "artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler",
    "firebaserules", "firestore", "iam", "iamcredentials", "identitytoolkit", "logging", "monitoring", "pubsub", "run",
    "secretmanager", "securetoken", "storage",
)  # fmt: skip
DOCUMENT_PERMISSIONS = tuple(f"datastore.entities.{verb}" for verb in ("create", "delete", "get", "list", "update"))
OBJECT_PERMISSIONS = {
    "read": ("storage.objects.get", "storage.objects.list"),
    "create": ("storage.objects.create",),
    "delete": ("storage.objects.delete",),
}


@dataclass(frozen=True)
class PushSubscription:
    """The expected properties of a push subscription."""

    name: str
    topic: str
    ack_sec: int
    deliveries: int
    backoff: Backoff | None


def trigger_topic(function: Function, emulated: bool) -> str | None:
    """Return the topic whose messages are pushed to the function; None for one that is called over HTTP."""
    if function.trigger.bucket and not emulated:
        return f"{function.trigger.bucket}-finalized"
    return push_topic(function)


def subscriptions(table: Wiring, emulated: bool) -> list[PushSubscription]:
    """Return the expected subscriptions, with values in the ranges that Pub/Sub permits."""
    rows = []
    for row in table.functions.values():
        if topic := trigger_topic(row, emulated):
            ack = max(ACK_SEC[0], min(ACK_SEC[1], row.timeout_sec))
            deliveries = max(DELIVERY_ATTEMPTS[0], min(DELIVERY_ATTEMPTS[1], row.deliveries))
            # Pub/Sub's emulator loses messages of subscriptions with a backoff (docs/decisions/no-backoff.md).
            rows.append(PushSubscription(row.name, topic, ack, deliveries, None if emulated else row.backoff_sec))
    return rows


def topics(table: Wiring, emulated: bool) -> set[str]:
    pushed = {subscription.topic for subscription in subscriptions(table, emulated)}
    published = {target for row in table.functions.values() for target in row.publishes} - set(table.buckets)
    # On the emulators, only topics with a subscription are created.
    return pushed | (set() if emulated else published) | {table.dead_letter_topic}


@lru_cache(maxsize=1)
def firestore_config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(INDEXES.read_text(encoding="utf-8"))
    return config


def index_key(collection: str, fields: list[dict[str, Any]]) -> str:
    """Describe an index in one line that is equal for an expected and an existing index."""
    columns = [
        f"{field['fieldPath']} {field.get('order') or field.get('arrayConfig') or 'VECTOR'}"
        for field in fields
        if field["fieldPath"] != "__name__"
    ]
    return f"{collection}: {', '.join(columns)}"


def indexes() -> set[str]:
    return {index_key(index["collectionGroup"], index["fields"]) for index in firestore_config()["indexes"]}


def ttl_collections() -> set[str]:
    """Return the collections with a TTL policy."""
    return {field["collectionGroup"] for field in firestore_config()["fieldOverrides"] if field.get("ttl")}


EMULATOR_VARIABLES = {
    "firestore": "FIRESTORE_EMULATOR_HOST",
    "pubsub": "PUBSUB_EMULATOR_HOST",
    "storage": "STORAGE_EMULATOR_HOST",
}
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
MAX_PAGES = 50


class CloudApiError(Exception):
    """A service returned an error or did not respond; `status` is 0 without a response."""

    def __init__(self, service: str, status: int, message: str) -> None:
        super().__init__(f"{service} returns {status}: {message}" if status else f"{service}: {message}")
        self.status = status

    @property
    def is_missing(self) -> bool:
        return self.status == 404

    @property
    def is_forbidden(self) -> bool:
        return self.status in (401, 403)


class NoCredentials(Exception):
    """There are no usable credentials; the message says what to do."""


@dataclass(frozen=True)
class CloudClient:
    """A client of one project.

    Attributes:
        emulated: Whether requests go to the emulators.
        hosts: Base URLs by service; those not listed are at `https://SERVICE.googleapis.com`.
    """

    project: str
    emulated: bool
    hosts: Mapping[str, str]
    http: httpx.Client

    def get(self, service: str, path: str) -> dict[str, Any]:
        return self._request("GET", service, path)

    def post(self, service: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._request("POST", service, path, body)

    def list_items(self, service: str, path: str, field: str) -> Iterator[Any]:
        """Yield the items in `field` of all pages."""
        token, separator = "", "&" if "?" in path else "?"
        for _ in range(MAX_PAGES):
            page = self.get(service, f"{path}{separator}pageToken={token}" if token else path)
            yield from page.get(field, [])
            token = page.get("nextPageToken", "")
            if not token:
                return

    def _request(self, method: str, service: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{self.hosts.get(service, f'https://{service}.googleapis.com')}/{path}"
        try:
            response = self.http.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise CloudApiError(service, 0, f"{url} cannot be reached ({type(error).__name__})") from None
        try:
            reply = response.json()
        except ValueError:
            reply = {}
        if response.is_success and isinstance(reply, dict):
            return reply
        message = reply.get("error", {}).get("message", "") if isinstance(reply, dict) else ""
        raise CloudApiError(service, response.status_code, message or "the response is not from a Google API")


@contextmanager
def open_cloud(project: str, account: str | None, environ: Mapping[str, str] = os.environ) -> Iterator[CloudClient]:
    """Connect to the emulators if the environment names any, else to the cloud, impersonating `account` if given.

    Raises:
        NoCredentials: There are none, or Google's packages are missing.
    """
    hosts = {service: _url(environ[name]) for service, name in EMULATOR_VARIABLES.items() if environ.get(name)}
    if hosts and len(hosts) < len(EMULATOR_VARIABLES):
        unset = ", ".join(name for name in EMULATOR_VARIABLES.values() if not environ.get(name))
        raise NoCredentials(f"Only some emulators are set; set {unset} too, or none of them.")
    headers = {"Authorization": "Bearer owner" if hosts else f"Bearer {_token(account)}"}
    if not hosts:
        headers["x-goog-user-project"] = project
    with open_client(next(iter(hosts.values()), "https://googleapis.com"), headers) as http:
        yield CloudClient(project, bool(hosts), hosts, http)


def _url(host: str) -> str:
    return host.rstrip("/") if "://" in host else f"http://{host}"


def _token(account: str | None) -> str:
    try:
        import google.auth
        import google.auth.exceptions
        from google.auth import impersonated_credentials
        from google.auth.transport.requests import Request
    except ImportError:
        raise NoCredentials("Google's packages are not installed; run `pip install 'clipwise[gcp]'`.") from None
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        if account:
            credentials = impersonated_credentials.Credentials(credentials, account, [SCOPE])
        credentials.refresh(Request())
    except google.auth.exceptions.GoogleAuthError as error:
        advice = "run `gcloud auth application-default login`"
        if account:
            advice += f", and get the role Service Account Token Creator on {account}"
        raise NoCredentials(f"There are no usable credentials ({error}); {advice}.") from None
    return str(credentials.token)


def service_account(function: str, project: str) -> str:
    """Return the service account that Terraform creates for a function."""
    return f"clipwise-{function}@{project}.iam.gserviceaccount.com"


def deployed_wiring(cloud: CloudClient, prefix: str) -> Wiring:
    """Return the wiring table, without its optional function if the project has no drop bucket."""
    try:
        cloud.get("storage", f"storage/v1/b/{prefix}{DROP}{'/o?maxResults=1' if cloud.emulated else ''}")
    except CloudApiError as error:
        if not error.is_missing:
            raise
        return wiring().without_optional()
    return wiring()


def check_permissions(cloud: CloudClient, prefix: str, function: str | None) -> Findings:
    """Check the permissions of one function, or of all; for the user's own account, a missing one is only a note."""
    table = deployed_wiring(cloud, prefix)
    names = [function] if function else list(table.functions)
    granted = {name: rights()[name] for name in names}
    account = f"{function}'s account" if function else "your account"

    if any(row.get("documents") for row in granted.values()):
        path = f"v1/projects/{cloud.project}:testIamPermissions"
        missing = missing_permissions(cloud, "cloudresourcemanager", path, DOCUMENT_PERMISSIONS)
        yield _permission_finding(function, f"{account} in the database", missing)
    for bucket in table.buckets:
        verbs = {verb for row in granted.values() for verb in row.get("objects", {}).get(bucket, [])}
        required = tuple(sorted(name for verb in verbs for name in OBJECT_PERMISSIONS[verb]))
        if required:
            query = "&".join(f"permissions={name}" for name in required)
            response = cloud.get("storage", f"storage/v1/b/{prefix}{bucket}/iam/testPermissions?{query}")
            missing = sorted(set(required) - set(response.get("permissions", [])))
            yield _permission_finding(function, f"{account} in the bucket {bucket}", missing)
    published = {target for name in names for target in table.functions[name].publishes} - set(table.buckets)
    for topic in sorted(published):
        path = f"v1/projects/{cloud.project}/topics/{topic}:testIamPermissions"
        missing = missing_permissions(cloud, "pubsub", path, ("pubsub.topics.publish",))
        yield _permission_finding(function, f"{account} on the topic {topic}", missing)


def missing_permissions(cloud: CloudClient, service: str, path: str, required: tuple[str, ...]) -> list[str]:
    """Return those of the permissions that the user does not have on the resource of a `testIamPermissions` path."""
    response = cloud.post(service, path, {"permissions": list(required)})
    return sorted(set(required) - set(response.get("permissions", [])))


def _permission_finding(function: str | None, subject: str, missing: list[str]) -> DoctorFinding:
    if not missing:
        return good(subject, "all required permissions are granted")
    outcome = "missing permissions: " + ", ".join(missing)
    if function:
        return problem(
            subject, outcome, "run `terraform apply`; see terraform/rights.yaml for the expected permissions"
        )
    return note(subject, outcome, "only the functions need them; --function NAME checks a function's account")
