"""Who may do what."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from functions.api.app import create_app
from shared.pipeline.paths import MEDIA, media_name
from tests.api_site import FRONTEND, Site
from tests.contract.served import served

PUBLIC = {"/", "/healthz", "/v1/kinds"}


def operations() -> Iterator[tuple[str, str]]:
    """Every method and path that the OpenAPI document tells of."""
    for path, methods in create_app().openapi()["paths"].items():
        for method in methods:
            yield method.upper(), path


PRIVATE = sorted(
    operation for operation in operations() if operation[1] not in PUBLIC and "/shared/" not in operation[1]
)
OF_ONE_JOB = [operation for operation in PRIVATE if "{job_id}" in operation[1] or "{task_id}" in operation[1]]
# Routes that know only jobs of one kind.
KINDS = {
    "/task/{task_id}": "recipe",
    "/api/status/{task_id}": "reel",
    "/video-status/{task_id}": "metadata",
    "/video-metadata/{task_id}": "metadata",
}


def filled(path: str, job_id: str) -> str:
    return path.format(job_id=job_id, task_id=job_id, video_id=job_id, group_id=job_id, name="thumbnail.jpg")


def test_the_document_tells_of_all_routes() -> None:
    """No route is hidden from the OpenAPI document, which the tests below walk, except the document's own."""
    routes = {route.path for route in create_app().routes if hasattr(route, "path")}
    own = {"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}

    assert routes - own <= {path.replace("{name}", "{name:path}") for _, path in operations()} | {
        path for _, path in operations()
    }
    assert len(PRIVATE) >= 9


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_nothing_private_without_signing_in(site: Site, method: str, path: str) -> None:
    """Where sign-in is required, every route but the public ones asks for it before anything else."""
    job_id = site.submit()["id"]
    site.configure(AUTH_REQUIRED="true")
    answer = site.client.request(method, filled(path, job_id))

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(("method", "path"), OF_ONE_JOB)
def test_what_is_anothers_is_not_found(site: Site, method: str, path: str) -> None:
    """A user cannot even learn whether another user's job exists, and does nothing to it."""
    site.configure(AUTH_REQUIRED="true")
    ann, ben = ({"Authorization": f"Bearer token-{name}"} for name in ("ann", "ben"))
    body = {"url": "https://example.com/a.mp4", "kind": KINDS.get(path, "metadata")}
    job_id = site.client.post("/v1/jobs", json=body, headers=ann).json()["id"]
    site.place.platform.objects.put(MEDIA, media_name(job_id, "thumbnail.jpg"), b"x", "image/jpeg")
    before = site.client.get(f"/v1/jobs/{job_id}", headers=ann).json()

    answer = site.client.request(method, filled(path, job_id), headers=ben)
    unknown = site.client.request(method, filled(path, "0" * 32), headers=ben)

    assert (answer.status_code, answer.json()) == (404, unknown.json())
    assert site.client.get(f"/v1/jobs/{job_id}", headers=ann).json() == before
    assert site.client.get("/v1/jobs", headers=ben).json()["jobs"] == []


@pytest.mark.parametrize("path", sorted(PUBLIC | {"/docs", "/redoc", "/openapi.json"}))
def test_public_routes_need_no_token(site: Site, path: str) -> None:
    """Monitoring, documentation and the list of kinds are there for everyone."""
    site.configure(AUTH_REQUIRED="true")

    assert site.client.get(path).status_code == 200


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
