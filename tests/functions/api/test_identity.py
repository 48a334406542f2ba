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


def test_the_server_verifies_by_its_accounts(site: Site) -> None:
    """Without anything set up beforehand, a server lets in whom its own accounts know, and nobody else."""
    site.configure(AUTH_REQUIRED="true")
    token = site.client.post("/v1/auth/anonymous").json()["access_token"]
    with served(create_app(), "") as url:
        codes = [
            httpx.get(f"{url}/v1/jobs", headers={"Authorization": f"Bearer {sent}"}).status_code
            for sent in (token, f"{token}0", "token-ann")
        ]

    assert codes == [200, 401, 401]


def test_a_token_that_is_sent_is_looked_at(site: Site) -> None:
    """Where nobody has to sign in, who does is who they are, and a wrong token is not taken for the local user's."""
    ann = {"Authorization": "Bearer token-ann"}
    site.client.post("/v1/jobs", json={"url": "https://example.com/a.mp4", "kind": "metadata"}, headers=ann)

    assert len(site.client.get("/v1/jobs", headers=ann).json()["jobs"]) == 1
    assert site.jobs() == []
    assert site.client.get("/v1/jobs", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    # A page cannot send it unless the user gave it to the page.
    assert site.client.get("/v1/jobs", headers=ann | {"Origin": "https://other.example"}).status_code == 200


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
