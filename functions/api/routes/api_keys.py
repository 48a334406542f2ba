"""Personal API keys: programs send one instead of an access token. Only a session can create, list and revoke keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from functions.api.dependencies import CreationKey, Cursor, Idempotency, Limit, PlaceDep
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.request_models import Moment, Name, RequestModel
from functions.api.schemas import NEXT_PAGE
from shared import clock
from shared.errors import PermanentError
from shared.library import api_keys
from shared.models import Model
from shared.models.api_key import ApiKey, KeyScope
from shared.pipeline.idempotency import clear_keys
from shared.pipeline.lifecycle import JobStateError
from shared.platform.accounts import User
from shared.platform.ports import Place

router = APIRouter(prefix="/v1/auth/keys", tags=["accounts"], responses=problem_responses(401, 403, 422))

SCOPES_DESCRIPTION = (
    "`read`: get and search your data, ask questions. `write`: submit videos, create and change groups and datasets. "
    "`admin:own`: delete your data, manage share links, feeds and webhooks. No scope includes another."
)


class KeyRequest(RequestModel):
    name: Name = Field(description="Your own name of the key, such as the program that uses it.", examples=["iPhone"])
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=10)] = Field(
        description=SCOPES_DESCRIPTION, examples=[["read", "write"]]
    )
    expires_at: Moment | None = Field(
        None, description="When the key expires, with a time zone. Null: it works until it is revoked."
    )


class KeyInfo(Model):
    """An API key, without the key itself."""

    id: str = Field(description="Identifier of the key, which the key contains.")
    name: str = Field(description="Your own name of the key.")
    scopes: list[KeyScope] = Field(description=SCOPES_DESCRIPTION)
    created_at: datetime = Field(description="When the key was created.")
    expires_at: datetime | None = Field(description="When the key expires. Null: it works until it is revoked.")
    last_used_at: datetime | None = Field(
        description="When the key was last used, to within five minutes. Null: it has not been used."
    )


class NewKey(KeyInfo):
    """A new API key."""

    key: str = Field(
        description="The key. Send it as `Authorization: Bearer …`. It is returned only once; only its hash is stored.",
        examples=["clipwise_7d4b1c0e9f2a4e5b8c6d3f1a2b4c5d6e_…"],
    )


class KeyPage(BaseModel):
    keys: list[KeyInfo] = Field(description="API keys, newest first, expired ones included.")
    cursor: str | None = Field(description=NEXT_PAGE)


def own_key(
    key_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The `id` of the API key.")],
    user: Caller,
    place: PlaceDep,
) -> ApiKey:
    return api_keys.read_own_api_key(place.documents, key_id, user.id)


OwnKey = Annotated[ApiKey, Depends(own_key)]


def key_info(key: ApiKey) -> KeyInfo:
    return KeyInfo(**key.model_dump())


@router.post(
    "",
    summary="Create an API key",
    description=(
        "Creates a key that programs send instead of an access token. Only this response contains the key. A repeated "
        "request with the same `Idempotency-Key` replaces the key that its first response contained. "
        f"At most {api_keys.MAX_KEYS} keys per account; more return 409 `too_many_keys`."
    ),
    status_code=201,
    response_model=NewKey,
    responses=problem_responses(409),
)
def create_key(body: KeyRequest, user: Caller, place: PlaceDep, idempotency: Idempotency) -> Response:
    key, text = issue_key(place, user, body, idempotency)
    return JSONResponse(key_info(key).to_json() | {"key": text}, 201, {"Pragma": "no-cache"})


def issue_key(place: Place, user: User, body: KeyRequest, creation_key: CreationKey) -> tuple[ApiKey, str]:
    """Create a key; raises PermanentError `not_offered`, `expired_already`, JobStateError `too_many_keys`."""
    if user.anonymous:
        raise PermanentError("not_offered", "An anonymous account cannot have API keys. Sign up for an account.")
    if body.expires_at is not None and body.expires_at <= clock.now():
        raise PermanentError("expired_already", "This time is in the past. Choose a time in the future.")
    id = creation_key.reserve_id(body)
    is_new = place.documents.get(api_keys.KEYS, id) is None
    if is_new and api_keys.count_api_keys(place.documents, user.id) >= api_keys.MAX_KEYS:
        raise JobStateError(
            "too_many_keys", f"You have {api_keys.MAX_KEYS} API keys, which is the limit. Revoke one first."
        )
    return api_keys.create_api_key(place.documents, user.id, id, body.name, body.scopes, body.expires_at)


@router.get(
    "",
    summary="List your API keys",
    description="Returns your API keys, newest first, without the keys themselves.",
    response_model=KeyPage,
)
def list_keys(user: Caller, place: PlaceDep, limit: Limit = 20, cursor: Cursor = None) -> Any:
    keys, next_cursor = api_keys.list_api_keys(place.documents, user.id, limit, cursor)
    return {"keys": [key_info(key).to_json() for key in keys], "cursor": next_cursor}


@router.delete(
    "/{key_id}",
    summary="Revoke an API key",
    description="Deletes an API key. From then on, no server accepts it.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def revoke_key(key: OwnKey, place: PlaceDep) -> None:
    clear_keys(place.documents, key.id)
    api_keys.revoke_api_key(place.documents, key)
