"""The account of the smoke test in a deployment, and the wait until a new deployment is reachable."""

from __future__ import annotations

import time
from collections.abc import Callable

from infra.api_client import ApiClient, ApiError, ServerUnreachable
from infra.doctor.cloud import CloudApiError, CloudClient

POLL_SEC = 10.0
TEMPORARY = (502, 503, 504)


def smoke_email(project: str) -> str:
    """Return an address in a domain that can never exist (RFC 2606), so that nobody can take the account over."""
    return f"smoke@{project}.invalid"


def ensure_account(cloud: CloudClient, password: str) -> None:
    """Create the account with a verified address, as an administrator of the project; keeps an existing one.

    https://docs.cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts. Raises CloudApiError.
    """
    account = {"email": smoke_email(cloud.project), "password": password, "emailVerified": True}
    try:
        cloud.post("identitytoolkit", f"v1/projects/{cloud.project}/accounts", account)
    except CloudApiError as error:
        if "EMAIL_EXISTS" not in str(error):
            raise


def wait_until_reachable(api: ApiClient, patience_sec: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait for DNS, the certificate and the first instance; raises what the last attempt raised.

    A managed certificate is issued after the domain's record points to the balancer, which may take an hour.
    """
    deadline = time.monotonic() + patience_sec
    while True:
        try:
            api.request_json("GET", "/v1/kinds")
            return
        except ServerUnreachable:
            if time.monotonic() > deadline:
                raise
        except ApiError as error:
            if error.status not in TEMPORARY or time.monotonic() > deadline:
                raise
        sleep(POLL_SEC)
