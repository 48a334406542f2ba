"""Every route of the OpenAPI document asks who calls and serves owners alone; a new one fails until it stands here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from functions.api.app import create_app
from functions.api.routers import ROUTER_GROUPS
from functions.api.scopes import ROUTE_SCOPES
from shared.analyses.recipe import Ingredient, Recipe
from shared.datasets.store import IMAGES, image_id, image_object_name
from shared.library.numbers import Noun, number_ids
from shared.models.api_key import KeyScope
from shared.models.image import ImageRecord, ImageState, Verdict
from shared.models.job import JobError, JobStatus, Part, StageState, StageStatus
from shared.models.media import MediaInfo
from shared.models.video import Extraction, Segment
from shared.pipeline.job_storage import EXTRACTION, MEDIA, UPLOADS, media_name, source_name, store_json
from shared.pipeline.parts import change_part, part_id
from tests.api_site import MP4, Site

INFO = MediaInfo(container="mov", size_bytes=1, duration_sec=9, has_video=True, has_audio=True)
RECIPE = Recipe(title="Soup", servings=2, ingredients=[Ingredient(name="salt")])
ANN, BEN = ({"Authorization": f"Bearer token-{name}"} for name in ("ann", "ben"))

Parameters = dict[str, str]


@dataclass
class Owner:
    """What Ann has, made through the API with her token."""

    site: Site
    made: Parameters = field(default_factory=dict)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.site.client.post(path, json=body, headers=ANN)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def job(self, kind: str = "recipe", **fields: Any) -> Parameters:
        id = self.post("/v1/jobs", url="https://example.com/a.mp4", kind=kind)["id"]
        said = [Segment(start=1, end=2, text="Boil it.")]
        found = Extraction(info=INFO, thumbnail=None, shots=[], frames=[], samples=[], audio=None, transcript=said)
        objects = self.site.place.place.objects
        store_json(objects, id, EXTRACTION, found.to_json())
        objects.put(MEDIA, media_name(id, "thumbnail.jpg"), b"jpeg", "image/jpeg")
        objects.put(UPLOADS, source_name(id), MP4, "video/mp4")
        if fields:
            self.site.change(id, **fields)
        return {"job_id": id, "task_id": id, "video_id": id, "name": "thumbnail.jpg"}

    def done(self, kind: str = "recipe") -> Parameters:
        stages = {
            name: StageState(number=number, status=StageStatus.DONE)
            for number, name in enumerate(("download", "extract"), 1)
        }
        return self.job(kind, status=JobStatus.DONE, result=RECIPE.to_json(), stages=stages)

    def failed(self) -> Parameters:
        error = JobError(code="busy", message="Try again.", stage="download", retryable=True)
        return self.job(status=JobStatus.FAILED, error=error)

    def dataset(self) -> Parameters:
        id = self.post("/v1/datasets", name="Dogs", keywords=["dog"], sources=["openverse"])["id"]
        return {"dataset_id": id, "job_id": id}

    def started(self) -> Parameters:
        made = self.dataset()
        self.post(f"/v1/datasets/{made['dataset_id']}/start")
        return made

    def crawled(self) -> Parameters:
        """With an image and an export, stopped."""
        made = self.started()
        id = made["dataset_id"]
        self.post(f"/v1/datasets/{id}/stop")
        place = self.site.place.place
        name, when = image_object_name(id, "a" * 64, "png"), datetime.now(UTC)
        record = ImageRecord(
            id=image_id(id, LINK), dataset_id=id, owner="ann", url=LINK, source="openverse", chunk=0, created_at=when,
            state=ImageState.DOWNLOADED, media=name, verdict=Verdict(accepted=True, level="fast", checked_at=when),
        )  # fmt: skip
        place.documents.put(IMAGES, record.id, record.to_document())
        place.objects.put(MEDIA, name, b"png", "image/png")
        return made | {"image_id": record.id, "export_id": self.post(f"/v1/datasets/{id}/exports", format="zip")["id"]}

    def with_failed_chunk(self) -> Parameters:
        made = self.started()
        id = made["dataset_id"]

        def fail(part: Part) -> bool:
            part.status = StageStatus.FAILED
            part.error = JobError(code="engine_blocked", message="Blocked.", stage="crawl", retryable=True)
            return True

        change_part(self.site.place.place.documents, part_id(id, "crawl", 0), fail)
        self.post(f"/v1/datasets/{id}/stop")
        return made

    def batch(self) -> Parameters:
        file = {"filename": "a.mp4", "contentType": "video/mp4", "size": 9}
        id = self.post("/v1/jobs/batch", kind="metadata", files=[file])["id"]
        return {"batch_id": id, "index": "0"}

    def cancelled_batch(self) -> Parameters:
        made = self.batch()
        self.post(f"/v1/batches/{made['batch_id']}/cancel")
        return made

    def group(self) -> Parameters:
        made = self.done()
        id = self.post("/v1/groups", name="Soups")["id"]
        self.post(f"/v1/groups/{id}/videos", video_ids=[made["video_id"]])
        return made | {"group_id": id}

    def webhook(self) -> Parameters:
        self.site.configure(ALLOW_HOSTS="127.0.0.1:9")
        id = self.post("/v1/webhooks", url=HOOK)["id"]
        return {"webhook_id": id, "delivery_id": self.post(f"/v1/webhooks/{id}/test")["id"]}

    def feed(self) -> Parameters:
        self.done()
        made = self.post("/v1/feeds", name="Phone")
        return {"feed_id": made["id"], "token": made["url"].split("/")[-2]}

    def key(self, *scopes: str) -> Parameters:
        made = self.post("/v1/auth/keys", name="Phone", scopes=scopes or ["read"])
        return {"key_id": made["id"], "key": made["key"]}

    def shared(self) -> Parameters:
        made = self.group()
        return made | {"token": self.post(f"/v1/groups/{made['group_id']}/share")["token"]}


def nothing(_: Owner) -> Parameters:
    return {}


@dataclass(frozen=True)
class Case:
    """How the owner of something calls a route.

    Attributes:
        has: Makes what the route is about and gives the parameters of its path.
        ok: The status that the owner gets.
        foreign: The status that somebody else gets: 404, as for what does not exist. None for a route about all that
            is one's own: there, nothing of the owner's is in the answer.
    """

    has: Callable[[Owner], Parameters] = nothing
    ok: int = 200
    foreign: int | None = 404
    json: Callable[[Parameters], Any] | None = None
    params: Callable[[Parameters], Any] | None = None
    files: dict[str, Any] | None = None
    data: dict[str, str] | None = None


def own(has: Callable[[Owner], Parameters] = nothing, ok: int = 200, **more: Any) -> Case:
    return Case(has, ok, foreign=None, **more)


def a(**body: Any) -> Callable[[Parameters], Any]:
    return lambda _: body


def group_videos(made: Parameters) -> dict[str, list[str]]:
    return {"video_ids": [made["video_id"]]}


def of_group(made: Parameters) -> dict[str, str]:
    return {"group_id": made["group_id"]}


def asks(made: Parameters) -> dict[str, Any]:
    return of_group(made) | {"messages": [{"role": "user", "content": "What is boiled?"}]}


def asks_model(made: Parameters) -> dict[str, Any]:
    return {"model": f"clipwise-group-{made['group_id']}", "messages": asks(made)["messages"]}


def group_model(made: Parameters) -> Parameters:
    return made | {"model_id": f"clipwise-group-{made['group_id']}"}


LISTING = {"name": "list_groups", "arguments": {}}
FILE = {"file": ("a.mp4", MP4, "video/mp4")}
LINK = "https://example.com/b.mp4"
HOOK = "http://127.0.0.1:9/hook"

CASES: dict[str, Case] = {
    "GET /v1/jobs": own(Owner.job),
    "POST /v1/jobs": own(ok=202, json=a(url=LINK, kind="metadata")),
    "POST /v1/uploads": own(ok=201, json=a(kind="metadata", content_type="video/mp4", size=9)),
    "GET /v1/jobs/{job_id}": Case(Owner.job),
    "DELETE /v1/jobs/{job_id}": Case(Owner.job, 204),
    "POST /v1/jobs/{job_id}/cancel": Case(Owner.job),
    "POST /v1/jobs/{job_id}/retry": Case(Owner.failed, 202),
    "GET /v1/jobs/{job_id}/events": Case(Owner.done),
    "GET /v1/jobs/{job_id}/export": Case(Owner.done, params=a(format="json")),
    "GET /v1/jobs/{job_id}/media/{name}": Case(Owner.job, 307),
    "POST /v1/jobs/batch": own(ok=202, json=a(kind="metadata", urls=[LINK])),
    "GET /v1/batches": own(Owner.batch),
    "GET /v1/batches/{batch_id}": Case(Owner.batch),
    "GET /v1/batches/{batch_id}/items": Case(Owner.batch),
    "GET /v1/batches/{batch_id}/events": Case(Owner.cancelled_batch),
    "POST /v1/batches/{batch_id}/files/{index}/upload": Case(Owner.batch, 201),
    "POST /v1/batches/{batch_id}/cancel": Case(Owner.batch),
    "GET /v1/videos": own(Owner.job),
    "GET /v1/videos/{video_id}": Case(Owner.job),
    "PATCH /v1/videos/{video_id}": Case(Owner.job, json=a(title="Mine")),
    "DELETE /v1/videos/{video_id}": Case(Owner.job, 204),
    "POST /v1/videos/{video_id}/analyses": Case(Owner.done, 202, json=a(kind="metadata")),
    "GET /v1/videos/{video_id}/transcript": Case(Owner.done),
    "GET /v1/videos/{video_id}/source": Case(Owner.done, 307),
    "GET /v1/groups": own(Owner.group),
    "POST /v1/groups": own(ok=201, json=a(name="Stews")),
    "GET /v1/groups/{group_id}": Case(Owner.group),
    "PATCH /v1/groups/{group_id}": Case(Owner.group, json=a(name="Stews")),
    "DELETE /v1/groups/{group_id}": Case(Owner.group, 204),
    "POST /v1/groups/{group_id}/videos": Case(Owner.group, json=group_videos),
    "DELETE /v1/groups/{group_id}/videos/{video_id}": Case(Owner.group),
    "PUT /v1/groups/{group_id}/order": Case(Owner.group, json=group_videos),
    "POST /v1/groups/{group_id}/share": Case(Owner.group, 201, json=a()),
    "DELETE /v1/groups/{group_id}/share": Case(Owner.shared, 204),
    "POST /v1/chat": Case(Owner.group, json=asks),
    "POST /mcp": own(Owner.group, json=a(jsonrpc="2.0", id=1, method="tools/call", params=LISTING)),
    "GET /v1/openai/models": own(Owner.group),
    "GET /v1/openai/models/{model_id}": Case(lambda owner: group_model(owner.group())),
    "POST /v1/openai/chat/completions": Case(Owner.group, json=asks_model),
    "GET /v1/search": own(Owner.group, params=a(q="soup")),
    "GET /v1/chat/history": Case(Owner.group, params=of_group),
    "DELETE /v1/chat/history": Case(Owner.group, 204, params=of_group),
    "GET /v1/chat/history/export": Case(Owner.group, params=of_group),
    "GET /v1/webhooks": own(Owner.webhook),
    "POST /v1/webhooks": own(Owner.webhook, 201, json=a(url=HOOK)),
    "GET /v1/webhooks/{webhook_id}": Case(Owner.webhook),
    "PATCH /v1/webhooks/{webhook_id}": Case(Owner.webhook, json=a(paused=True)),
    "DELETE /v1/webhooks/{webhook_id}": Case(Owner.webhook, 204),
    "POST /v1/webhooks/{webhook_id}/rotate": Case(Owner.webhook),
    "POST /v1/webhooks/{webhook_id}/test": Case(Owner.webhook, 202),
    "GET /v1/webhooks/{webhook_id}/deliveries": Case(Owner.webhook),
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": Case(Owner.webhook, 202),
    "GET /v1/feeds": own(Owner.feed),
    "POST /v1/feeds": own(ok=201, json=a(name="Phone")),
    "DELETE /v1/feeds/{feed_id}": Case(Owner.feed, 204),
    "POST /v1/auth/keys": own(ok=201, json=a(name="Phone", scopes=["read"])),
    "GET /v1/auth/keys": own(Owner.key),
    "DELETE /v1/auth/keys/{key_id}": Case(Owner.key, 204),
    "GET /v1/datasets": own(Owner.dataset),
    "POST /v1/datasets": own(ok=201, json=a(name="Cats", keywords=["cat"])),
    "GET /v1/datasets/{dataset_id}": Case(Owner.dataset),
    "DELETE /v1/datasets/{dataset_id}": Case(Owner.dataset, 204),
    "POST /v1/datasets/{dataset_id}/lists": Case(Owner.dataset, 201, files={"file": ("a.txt", LINK.encode())}),
    "POST /v1/datasets/{dataset_id}/start": Case(Owner.dataset, 202),
    "POST /v1/datasets/{dataset_id}/stop": Case(Owner.started),
    "POST /v1/datasets/{dataset_id}/retry": Case(Owner.with_failed_chunk, 202),
    "GET /v1/datasets/{dataset_id}/progress": Case(Owner.dataset),
    "GET /v1/datasets/{dataset_id}/events": Case(Owner.crawled),
    "POST /v1/datasets/{dataset_id}/validations": Case(Owner.crawled, 202, json=a(level="fast")),
    "GET /v1/datasets/{dataset_id}/images": Case(Owner.crawled),
    "PATCH /v1/datasets/{dataset_id}/images/{image_id}": Case(Owner.crawled, json=a(accepted=False)),
    "GET /v1/datasets/{dataset_id}/images/{image_id}/media": Case(Owner.crawled, 307),
    "GET /v1/datasets/{dataset_id}/exports": Case(Owner.crawled),
    "POST /v1/datasets/{dataset_id}/exports": Case(Owner.crawled, 202, json=a(format="parquet")),
    "GET /v1/datasets/{dataset_id}/exports/{export_id}": Case(Owner.crawled),
    "GET /v1/operations": own(Owner.job),
    "GET /v1/operations/statistics": own(Owner.failed),
    "GET /v1/operations/jobs": own(Owner.failed),
    "POST /v1/operations/jobs/{job_id}/retry": Case(Owner.failed, 202),
    "POST /v1/operations/jobs/{job_id}/cancel": Case(Owner.job),
    "GET /v1/usage": own(Owner.done),
    "POST /api/v1/jobs": own(ok=201, json=a(project_id=1, name="Cats", keywords=["cat"], max_images=5)),
    "GET /api/v1/jobs": own(Owner.dataset),
    "GET /api/v1/jobs/{job_id}": Case(Owner.dataset),
    "POST /api/v1/jobs/{job_id}/start": Case(Owner.dataset),
    "POST /api/v1/jobs/{job_id}/stop": Case(Owner.started),
    "POST /api/v1/jobs/{job_id}/retry": Case(Owner.with_failed_chunk),
    "GET /api/v1/jobs/{job_id}/progress": Case(Owner.dataset),
    "POST /api/v1/validation/job/{job_id}": Case(Owner.crawled, json=a(level="fast")),
    "POST /scrape/async": own(ok=202, json=a(url=LINK)),
    "GET /task/{task_id}": Case(Owner.done),
    "POST /api/upload": own(files={"video": FILE["file"]}),
    "GET /api/status/{task_id}": Case(lambda owner: owner.job("reel")),
    "POST /upload-video": own(files=FILE),
    "GET /video-status/{task_id}": Case(lambda owner: owner.job("metadata")),
    "GET /video-metadata/{task_id}": Case(lambda owner: owner.job("metadata")),
    "GET /videos": own(lambda owner: owner.job("metadata")),
    "GET /api/videos": own(Owner.done),
    "POST /api/videos": own(ok=201, files=FILE),
    "GET /api/videos/{video_id}": Case(Owner.done),
    "PATCH /api/videos/{video_id}": Case(Owner.done, json=a(title="Mine")),
    "DELETE /api/videos/{video_id}": Case(Owner.done, 204),
    "GET /api/videos/groups": own(Owner.group),
    "POST /api/videos/groups": own(ok=201, json=a(name="Stews")),
    "GET /api/videos/groups/{group_id}": Case(Owner.group),
    "PATCH /api/videos/groups/{group_id}": Case(Owner.group, json=a(name="Stews")),
    "DELETE /api/videos/groups/{group_id}": Case(Owner.group, 204),
    "POST /api/videos/groups/{group_id}/videos": Case(Owner.group, 201, json=group_videos),
    "DELETE /api/videos/groups/{group_id}/videos/{video_id}": Case(Owner.group),
    "DELETE /api/videos/groups/{group_id}/videos/{video_id}/remove": Case(Owner.group),
    "POST /api/videos/groups/{group_id}/reorder": Case(Owner.group, json=group_videos),
    "POST /api/videos/groups/{group_id}/share": Case(Owner.group, 201),
    "DELETE /api/videos/groups/{group_id}/share": Case(Owner.shared),
    "POST /api/chat": Case(Owner.group, json=asks),
    "GET /api/chat/history": Case(Owner.group, params=of_group),
    "GET /api/chat/history/export": Case(Owner.group, params=of_group),
}
OPEN: dict[str, str] = {
    "GET /": "says that the service is up",
    "GET /healthz": "is asked by monitors",
    "GET /tasks": "is a page without anyone's data",
    "GET /v1/capabilities": "is the same for everyone",
    "GET /v1/kinds": "is the same for everyone",
    "POST /api/v1/auth/login": "is for who has no token yet",
    "GET /thumbnails/{name}": "is for whoever has its name, which only the owner gets",
    "GET /v1/feeds/{token}/atom": "is for whoever has its address; tried in test_feeds.py",
    "GET /v1/shared/{token}": "is for whoever has the token",
    "GET /v1/shared/{token}/videos/{video_id}/transcript": "is for whoever has the token",
    "GET /v1/shared/{token}/videos/{video_id}/media/{name}": "is for whoever has the token",
    "GET /v1/shared/{token}/videos/{video_id}/source": "is for whoever has the token",
    "GET /api/videos/groups/shared/{token}": "is for whoever has the token",
}
OPEN |= {
    f"POST /v1/auth/{way}": "is for who has no token yet"
    for way in (
        "signup",
        "verify-email",
        "login",
        "refresh",
        "password-reset",
        "password-reset/confirm",
        "anonymous",
    )
}
OPEN |= {
    f"POST /api/auth/{way}": "is for who has no token yet"
    for way in ("signup", "verify-email", "login", "refresh", "password-reset", "password-reset/confirm")
}
# About the account behind the token, whoever sends it: tried with real sessions in test_auth.py.
ACCOUNT = (
    "POST /v1/auth/logout",
    "GET /v1/auth/me",
    "PATCH /v1/auth/me",
    "DELETE /v1/auth/me",
    "GET /api/auth/me",
)
# About everybody's work, for administrators: tried in test_operations.py.
ADMIN = (
    "GET /v1/operations/dead-letters",
    "POST /v1/operations/dead-letters/{letter_id}/replay",
    "DELETE /v1/operations/dead-letters/{letter_id}",
)
# What decides about an account, its keys or everybody's work: no key may, whatever its scopes.
SESSION = (
    "POST /v1/auth/logout",
    "PATCH /v1/auth/me",
    "DELETE /v1/auth/me",
    "POST /v1/auth/keys",
    "GET /v1/auth/keys",
    "DELETE /v1/auth/keys/{key_id}",
    *ADMIN,
)
BY_KEY = [*(name for name in CASES if name not in SESSION), "GET /v1/auth/me", "GET /api/auth/me"]
BY_TOKEN = sorted(name for name in OPEN if "{token}" in name and not name.startswith("GET /v1/feeds"))


def operations() -> Iterator[str]:
    for path, methods in create_app().openapi()["paths"].items():
        yield from (f"{method.upper()} {path}" for method in methods)


def numbered(site: Site, made: Parameters) -> dict[str, Any]:
    """The same with Ann's numbers for ids, as ask-video's paths take them."""
    documents = site.place.place.documents
    nouns: dict[str, Noun] = {"video_id": "video", "group_id": "group"}
    return made | {
        key: number_ids(documents, "ann", noun, [made[key]])[made[key]] for key, noun in nouns.items() if key in made
    }


def call(site: Site, name: str, made: Parameters, headers: dict[str, str], case: Case | None = None) -> httpx.Response:
    case, (method, path) = case or CASES[name], name.split(" ")
    if path.startswith(("/api/videos", "/api/chat")):
        made = numbered(site, made)
    return site.client.request(
        method,
        path.format(**made),
        headers=headers,
        json=case.json(made) if case.json else None,
        params=case.params(made) if case.params else None,
        files=case.files,
        data=case.data,
    )


def error_code(answer: httpx.Response) -> str:
    """The code of an error in Clipwise's form, or in OpenAI's on the paths for its clients."""
    error = answer.json()
    return str(error.get("error", error)["code"])


@pytest.fixture
def owner(site: Site) -> Owner:
    site.configure(AUTH_REQUIRED="true")
    return Owner(site)


def test_every_route_is_tried_here() -> None:
    """A route cannot be added without saying here whose it is."""
    assert sorted(operations()) == sorted([*CASES, *OPEN, *ACCOUNT, *ADMIN])


@pytest.mark.parametrize("name", CASES)
def test_a_route_without_a_token(site: Site, owner: Owner, name: str) -> None:
    """Who has not signed in gets 401, and nothing happens."""
    made = CASES[name].has(owner)
    before = site.client.get("/v1/jobs", headers=ANN).json()
    answer = call(site, name, made, {})
    assert (answer.status_code, error_code(answer)) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert site.client.get("/v1/jobs", headers=ANN).json() == before


@pytest.mark.parametrize("name", ADMIN)
def test_a_route_for_administrators(site: Site, owner: Owner, name: str) -> None:
    """Who is no administrator gets 401 or 403, whether or not what they name exists."""
    method, path = name.split(" ")
    answers = [site.client.request(method, path.format(letter_id=1), headers=headers) for headers in ({}, ANN)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (401, "unauthenticated"),
        (403, "not_admin"),
    ]


@pytest.mark.parametrize("name", ACCOUNT)
def test_a_route_about_the_account_without_a_token(site: Site, owner: Owner, name: str) -> None:
    """There is no account behind no token, and none behind one that nobody gave."""
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = site.client.request(*name.split(" "), headers=headers, json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", CASES)
def test_a_route_for_somebody_else(site: Site, owner: Owner, name: str) -> None:
    """What is Ann's is not there for Ben: he cannot even learn that it exists, and does nothing to it."""
    case = CASES[name]
    made = case.has(owner)
    before = site.client.get("/v1/jobs", headers=ANN).json()
    answer = call(site, name, made, BEN)
    if case.foreign is None:
        assert answer.status_code == case.ok, answer.text
        assert not [value for key, value in made.items() if key.endswith("_id") and value in answer.text]
    else:
        unknown = call(
            site, name, {key: "0" * 32 if key.endswith("_id") else value for key, value in made.items()}, BEN
        )
        assert (answer.status_code, answer.json()) == (case.foreign, unknown.json())
    assert site.client.get("/v1/jobs", headers=ANN).json() == before


@pytest.mark.parametrize("name", CASES)
def test_a_route_for_its_owner(site: Site, owner: Owner, name: str) -> None:
    """Ann is served with what is hers."""
    made = CASES[name].has(owner)
    answer = call(site, name, made, ANN)
    assert answer.status_code == CASES[name].ok, answer.text


def test_every_route_declares_its_scope() -> None:
    """A route cannot be added without saying which scope a key needs there, or that none will do."""
    needing = {
        f"{method.upper()} {path}": operation["security"]
        for path, methods in create_app().openapi()["paths"].items()
        for method, operation in methods.items()
        if operation["security"]
    }
    assert sorted(needing) == sorted(ROUTE_SCOPES)
    assert sorted(name for name, scope in ROUTE_SCOPES.items() if scope is None) == sorted(SESSION)
    for name, scope in ROUTE_SCOPES.items():
        assert needing[name] == [{"HTTPBearer": [scope] if scope else []}], name


@pytest.mark.parametrize("name", BY_KEY)
def test_a_route_for_a_key(site: Site, owner: Owner, name: str) -> None:
    """A key of the route's scope is served as its owner; one of any other scope gets 403, and nothing happens."""
    needed = ROUTE_SCOPES[name]
    keys = {scope: {"Authorization": f"Bearer {owner.key(scope)['key']}"} for scope in KeyScope}
    case = CASES.get(name, Case())
    made = case.has(owner)
    before = site.client.get("/v1/jobs", headers=ANN).json()
    for scope, headers in keys.items():
        if scope != needed:
            refused = call(site, name, made, headers, case)
            assert (refused.status_code, error_code(refused)) == (403, "key_scope")
            assert f"“{needed}”" in refused.text
    assert site.client.get("/v1/jobs", headers=ANN).json() == before
    served = call(site, name, made, keys[needed], case)
    assert served.status_code == case.ok, served.text


@pytest.mark.parametrize("name", SESSION)
def test_a_route_for_sessions_only(site: Site, owner: Owner, name: str) -> None:
    """A key of all scopes makes and lists no keys, changes and deletes no account, and sees no others' work."""
    made = owner.key(*KeyScope)
    headers = {"Authorization": f"Bearer {made['key']}"}
    answer = call(site, name, made | {"letter_id": "1"}, headers, CASES.get(name, Case(json=a())))
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")
    assert [key["id"] for key in site.client.get("/v1/auth/keys", headers=ANN).json()["keys"]] == [made["key_id"]]


@pytest.mark.parametrize("name", BY_TOKEN)
def test_a_route_for_whoever_has_the_link(site: Site, owner: Owner, name: str) -> None:
    """A share link needs no account; another token, or one that was revoked, opens nothing."""
    made = owner.shared()
    path = name.split(" ")[1]
    assert site.client.get(path.format(**made)).status_code in (200, 307)
    assert site.client.get(path.format(**made | {"token": "x" * 32})).status_code == 404
    site.client.delete(f"/v1/groups/{made['group_id']}/share", headers=ANN)
    assert site.client.get(path.format(**made)).status_code == 404


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/kinds", "/v1/capabilities", "/docs", "/redoc", "/openapi.json"])
def test_a_route_for_everyone(site: Site, path: str) -> None:
    """Monitoring, documentation and the list of kinds need no token."""
    site.configure(AUTH_REQUIRED="true")
    assert site.client.get(path).status_code == 200


def registered_paths() -> dict[str, int]:
    """Return each path of a router, with the number of groups that serve it."""
    routes = [route for group in ROUTER_GROUPS for router in group.load() for route in router.routes]
    paths = {getattr(route, "path", "") for route in routes}
    return {path: sum(group.covers(path) for group in ROUTER_GROUPS) for path in paths}


def test_each_route_is_loaded_by_its_path() -> None:
    """A request loads the routers of one group, which are all that could answer it."""
    assert {path: count for path, count in registered_paths().items() if count != 1} == {}


def test_a_request_loads_no_routes_but_its_own() -> None:
    """A function that only ever answers one kind of request never imports what the others need."""
    code = (
        "import sys; from fastapi.testclient import TestClient; from functions.api.app import create_app;"
        "TestClient(create_app()).get('/v1/kinds');"
        "print(*(name for name in sys.modules if name.startswith(('functions.api.routes.', 'functions.api.compat.'))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["functions.api.routes.service"]


def test_no_route_is_hidden() -> None:
    """The OpenAPI document has every route but those of pages, so that the walk over it meets them all."""
    documented = {name.split(" ")[1] for name in operations()}
    documented |= {path.replace("{name}", "{name:path}") for path in documented}
    pages = {"/docs", "/docs/assets/{name}", "/redoc", "/favicon.ico", "/manifest.webmanifest", "/share"}
    pages.add("/web/{path:path}")
    assert registered_paths().keys() - pages <= documented
