"""The account of the smoke test, and the wait for a new deployment."""

from __future__ import annotations

from typing import Any

import pytest

from infra.api_client import ApiClient, ApiError, ServerUnreachable
from infra.cli.smoke_account import ensure_account, smoke_email, wait_until_reachable
from infra.doctor.cloud import CloudApiError
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from tests.google_rest import ID, served

ACCOUNTS = f"/v1/projects/{ID}/accounts"


class Starting(StandInServer):
    """A deployment that is not there yet for `refusals` requests."""

    def __init__(self, refusals: int, status: int) -> None:
        super().__init__()
        self.refusals, self.status = refusals, status

    def reply_to(self, request: RecordedRequest) -> Reply:
        self.refusals -= 1
        return Reply({"kinds": []}) if self.refusals < 0 else Reply({}, self.status)


def test_the_account_is_created_verified_and_an_existing_one_is_kept() -> None:
    """The first deployment has an account to sign in with, and the second one does not fail for it."""
    with served({ACCOUNTS: {"localId": "1"}}) as (google, cloud):
        ensure_account(cloud, "a long password")
        body = google.requests[-1].json
    assert body == {"email": smoke_email(ID), "password": "a long password", "emailVerified": True}
    exists: dict[str, Any] = {"error": {"message": "EMAIL_EXISTS"}}
    with served({ACCOUNTS: Reply(exists, 400)}) as (_, cloud):
        ensure_account(cloud, "a long password")


def test_a_refusal_is_told() -> None:
    """Without the right to create accounts the pipeline stops with Google's words."""
    with served({ACCOUNTS: 403}) as (_, cloud), pytest.raises(CloudApiError):
        ensure_account(cloud, "a long password")


def test_a_new_deployment_is_waited_for() -> None:
    """An answer of the balancer before the function is there is no failure of the deployment."""
    waits: list[float] = []
    with Starting(2, 503) as server, ApiClient(server.url) as api:
        wait_until_reachable(api, 60, waits.append)
    assert len(waits) == 2


def test_the_wait_ends() -> None:
    """A domain without a record, and an answer that time does not change, stop the pipeline."""
    with Starting(9, 404) as server, ApiClient(server.url) as api, pytest.raises(ApiError):
        wait_until_reachable(api, 60, lambda _: None)
    with ApiClient("http://127.0.0.1:9") as api, pytest.raises(ServerUnreachable):
        wait_until_reachable(api, 0, lambda _: None)
