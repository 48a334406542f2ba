"""Client of Google's REST APIs for the checks: in the cloud with the user's credentials, or on the emulators."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from infra.client.api import open_client

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
