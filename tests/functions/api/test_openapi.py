"""What the API says of itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from functions.api.app import create_app
from functions.api.openapi import JOB_EXAMPLE
from functions.api.schemas import PublicJob
from shared.analyses.kinds import kinds
from shared.models.job import Job, StageState
from tests.api_site import FRONTEND, Site


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(references(value) for value in part))
    return set()


def test_the_document_is_whole() -> None:
    """Every reference in the OpenAPI document leads somewhere, and every operation says what it does."""
    document = create_app().openapi()
    schemas = document["components"]["schemas"]

    assert references(document) <= {f"#/components/schemas/{name}" for name in schemas}
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_linters_and_generators_accept_the_document() -> None:
    """The document has a server and a licence; each operation says who may call it; no path ends in a slash."""
    document = create_app().openapi()
    assert document["servers"]
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    for path, operations in document["paths"].items():
        assert path == "/" or not path.endswith("/")
        for operation in operations.values():
            assert "security" in operation, path
            # Generators leave out responses that are neither JSON nor text; a feed is for feed readers only.
            for response in operation["responses"].values():
                types = response.get("content", {"text/plain": {}})
                assert any(
                    re.fullmatch(r"application/([\w.+-]+\+)?json|text/[\w-]+|application/atom\+xml", name)
                    for name in types
                ), path
            if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
                assert "409" in operation["responses"], path
    titles = [schema.get("title", name) for name, schema in document["components"]["schemas"].items()]
    assert len(set(titles)) == len(titles)


def test_the_result_of_each_kind_has_a_type() -> None:
    """A generated client reads a job's result as its kind's class: no earlier one's required fields are all there."""
    schemas = create_app().openapi()["components"]["schemas"]
    *results, nothing = schemas["Job"]["properties"]["result"]["anyOf"]
    names = [result["$ref"].rpartition("/")[2] for result in results]
    assert sorted(names) == sorted(kind.schema.__name__ for kind in kinds().values())
    assert nothing == {"type": "null"}
    required = [set(schemas[name].get("required", ())) for name in names]
    for number, name in enumerate(names):
        fields = set(schemas[name]["properties"])
        assert not [earlier for earlier in required[:number] if earlier <= fields], name


def test_errors_are_documented_as_problems() -> None:
    """A generated client knows the form of every error: a problem, or that of the protocol whose clients call."""
    for path, operations in create_app().openapi()["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                # The protocol's own errors are JSON-RPC's.
                if int(status) < 400 or (path == "/mcp" and status in ("400", "404", "406", "413")):
                    continue
                if path.startswith("/v1/openai/"):
                    schema = {"$ref": "#/components/schemas/OpenAIError"}
                    assert response["content"] == {"application/json": {"schema": schema}}
                else:
                    assert list(response["content"]) == ["application/problem+json"]


def test_both_forms_of_a_submission_are_documented() -> None:
    """The document tells of the link as JSON and of the file as a form, with their fields."""
    document = create_app().openapi()
    content = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]
    schemas = document["components"]["schemas"]

    assert set(content) == {"application/json", "multipart/form-data"}
    link, form = (schemas[item["schema"]["$ref"].rpartition("/")[2]] for item in content.values())
    assert set(link["required"]) == {"url", "kind"}
    assert set(form["required"]) == {"file", "kind"}
    assert form["properties"]["file"]["format"] == "binary"


def test_the_documented_job_is_the_job() -> None:
    """The fields in the document are exactly those that clients get."""
    now = datetime.now(UTC)
    job = Job(
        id="1", owner="o", kind="k", language="en", stages={"extract": StageState()}, created_at=now, updated_at=now
    )
    schemas = create_app().openapi()["components"]["schemas"]

    assert schemas["Job"]["properties"].keys() == job.to_public().keys()
    assert schemas["Stage"]["properties"].keys() == job.to_public()["stages"]["extract"].keys()
    PublicJob.model_validate(job.to_public())
    PublicJob.model_validate(JOB_EXAMPLE)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_for_people(site: Site, path: str) -> None:
    """The interactive pages are there."""
    answer = site.client.get(path)

    assert answer.status_code == 200
    assert "openapi.json" in answer.text


def test_kinds_tell_what_they_give(site: Site) -> None:
    """A client can learn every kind, what it does, what it needs and the form of its result."""
    listed = site.client.get("/v1/kinds").json()["kinds"]

    assert [kind["name"] for kind in listed] == list(kinds())
    by_name = {kind["name"]: kind for kind in listed}
    assert by_name["recipe"]["does"]
    assert "ingredients" in by_name["recipe"]["result"]["properties"]
    assert by_name["reel"]["result"]["properties"]["keys"]["maxItems"] == 5
    assert by_name["transcript"]["stages"] == ["extract", "transcribe", "persist"]
    assert [name for name, kind in by_name.items() if kind["needsVideo"]] == ["metadata", "recipe", "reel"]


def test_the_service_says_that_it_is_up(site: Site) -> None:
    """The root greets with a message, and the health check answers."""
    assert isinstance(site.client.get("/").json()["message"], str)
    assert site.client.get("/healthz").json() == {"status": "ok"}


def test_browsers_of_the_frontend_may_call(site: Site) -> None:
    """The configured frontend passes the browser's preflight with the headers that it needs; others do not."""
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    ours = site.client.options("/v1/jobs", headers=asked | {"Origin": FRONTEND})
    theirs = site.client.options("/v1/jobs", headers=asked | {"Origin": "https://evil.example"})

    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == FRONTEND
    assert "access-control-allow-origin" not in theirs.headers


def test_without_a_frontend_no_origin_is_let_in(site: Site) -> None:
    """Nothing is shared across origins unless it was configured."""
    answer = httpx.get(f"{site.url}/", headers={"Origin": "https://evil.example"})

    assert "access-control-allow-origin" not in answer.headers


OAUTH = {"access_token", "refresh_token", "token_type", "expires_in", "email_verified"}
"""Names that RFC 6749 and OpenID Connect give."""


def test_requests_and_responses_name_fields_alike() -> None:
    """Native bodies, responses and query parameters are in camelCase, but for names of OAuth, OpenID and OpenAI."""
    document = create_app().openapi()
    schemas = document["components"]["schemas"]
    names: set[str] = set()
    visited: set[str] = set()
    pending: list[Any] = []
    for path, operations in document["paths"].items():
        if path.startswith("/v1/") and not path.startswith("/v1/openai/"):
            pending += [[operation.get("requestBody"), operation["responses"]] for operation in operations.values()]
            parameters = [item for operation in operations.values() for item in operation.get("parameters", ())]
            names |= {item["name"] for item in parameters if item["in"] == "query"}
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            names |= set(part.get("properties", ()))
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in visited:
                visited.add(name)
                pending.append(schemas[name])
            pending += [value for key, value in part.items() if key not in ("examples", "example")]
    assert {"videoIds", "uploadUrl", "groupId", "lineLength"} <= names
    assert {name for name in names if not re.fullmatch("[a-z][a-zA-Z0-9]*", name)} == OAUTH


def test_deprecated_names_are_accepted(site: Site) -> None:
    """A client that sends the names in snake_case works as before; both names of one field are a mistake."""
    group = site.client.post("/v1/groups", json={"name": "Soups"}).json()["id"]
    video = site.submit()["id"]
    for body, status in (
        ({"video_ids": [video]}, 200),
        ({"videoIds": [video]}, 200),
        ({"video_ids": [], "videoIds": []}, 422),
    ):
        assert site.client.post(f"/v1/groups/{group}/videos", json=body).status_code == status
    for query in (f"group_id={group}", f"groupId={group}"):
        assert site.client.get(f"/v1/chat/history?{query}").status_code == 200
    for name in ("content_type", "contentType"):
        ticket = site.client.post("/v1/uploads", json={"kind": "metadata", name: "video/mp4", "size": 9}).json()
        assert ticket["uploadUrl"] == ticket["upload_url"]
        assert ticket["expiresAt"] == ticket["expires_at"]
    description = create_app().openapi()["components"]["schemas"]["VideoIdsRequest"]["properties"]["videoIds"][
        "description"
    ]
    assert "`video_ids` is a deprecated name" in description
