"""Who may do what."""

from __future__ import annotations

import httpx
import pytest

from functions.api.app import create_app
from tests.api_site import FRONTEND, Site
from tests.contract.served import served


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic dG9rZW4tYW5u", "Bearer", "token-ann"])
def test_a_token_that_nobody_gave(site: Site, header: str) -> None:
    """A token that is not known, or is no bearer token, lets nobody in."""
    site.configure(AUTH_REQUIRED="true")
    answer = site.client.get("/v1/jobs", headers={"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_server_without_accounts_lets_nobody_in(site: Site) -> None:
    """As long as no accounts are set up, requiring sign-in means that every token is refused, with a reason."""
    site.configure(AUTH_REQUIRED="true")
    with served(create_app(), "") as url:
        answer = httpx.get(f"{url}/v1/jobs", headers={"Authorization": "Bearer token-ann"})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "accounts" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
        {"Host": "[half"},
    ],
)
def test_pages_of_other_sites_cannot_act_as_the_local_user(site: Site, headers: dict[str, str]) -> None:
    """Where nobody signs in, a web page that the user happens to have open neither reads nor makes jobs."""
    answer = site.client.post("/v1/jobs", files={"file": ("a.mp4", b"x")}, data={"kind": "metadata"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_page")
    assert site.jobs() == []


def test_known_pages_may_act_as_the_local_user(site: Site) -> None:
    """The configured frontend, pages of the server itself and programs without an origin are let in."""
    own = httpx.URL(site.url)
    for headers in (
        {"Origin": FRONTEND},
        {"Origin": site.url},
        {"Host": f"localhost:{own.port}", "Origin": f"http://localhost:{own.port}"},
        {"Host": "clipwise:8080"},
        {},
    ):
        assert site.client.get("/v1/jobs", headers=headers).status_code == 200
    site.configure(PUBLIC_URL="https://clips.example")
    assert site.client.get("/v1/jobs", headers={"Host": "clips.example"}).status_code == 200
