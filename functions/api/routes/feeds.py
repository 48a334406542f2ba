"""Feeds of finished results for feed readers, at secret addresses that their owner can revoke."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from starlette.responses import JSONResponse

from functions.api.atom import MEDIA_TYPE, atom_document
from functions.api.dependencies import Idempotency, PlaceDep, check_id
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.request_models import Name, RequestModel
from shared.library import feeds
from shared.library.feeds import MAX_ENTRIES, MAX_FEEDS, Feed
from shared.models import Model
from shared.settings import settings

router = APIRouter(prefix="/v1/feeds", tags=["feeds"], responses=problem_responses(422))

# A feed is for readers who poll it: they keep what they have, and ask whether it is still current.
HEADERS = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


class FeedRequest(RequestModel):
    name: Name | None = Field(None, description="Name of the feed, e.g. the reader it is for.", examples=["Phone"])


class FeedInfo(Model):
    """A feed, without its address."""

    id: str = Field(description="Identifier of the feed.")
    name: str | None = Field(description="Name of the feed.")
    created_at: datetime = Field(description="When the feed was created.")


class NewFeed(FeedInfo):
    """A new feed, with its address."""

    url: str = Field(
        description="Secret address of the feed, for a feed reader. It is returned only once; Clipwise stores only a "
        "hash of its token."
    )


class FeedList(Model):
    feeds: list[FeedInfo] = Field(description="Feeds, oldest first.")


def feed_info(feed: Feed) -> dict[str, Any]:
    return FeedInfo(**feed.model_dump()).to_json()


def feed_address(token: str) -> str:
    return f"{settings().public_url.rstrip('/')}/v1/feeds/{token}/atom"


@router.post(
    "",
    summary="Create a feed",
    description=(
        "Creates an Atom feed of your finished results. Anyone with its `url` can read their titles and dates until "
        f"you delete the feed. At most {MAX_FEEDS} feeds per account; more return 409."
    ),
    status_code=201,
    response_model=NewFeed,
    responses=problem_responses(401, 403, 409),
)
def create_feed(body: FeedRequest, user: Caller, place: PlaceDep, idempotency: Idempotency) -> Response:
    feed, token = feeds.create_feed(place.documents, user.id, idempotency.reserve_id(body), body.name)
    return JSONResponse(feed_info(feed) | {"url": feed_address(token)}, 201)


@router.get(
    "",
    summary="List your feeds",
    description="Returns your feeds, oldest first, without their addresses.",
    response_model=FeedList,
    responses=problem_responses(401, 403),
)
def list_feeds(user: Caller, place: PlaceDep) -> Response:
    return JSONResponse({"feeds": [feed_info(feed) for feed in feeds.feeds_of(place.documents, user.id)]})


@router.delete(
    "/{feed_id}",
    summary="Delete a feed",
    description="Deletes a feed. Its address stops working at once.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(401, 403, 404),
)
def delete_feed(
    feed_id: Annotated[str, Path(description="The `id` of the feed.")], user: Caller, place: PlaceDep
) -> None:
    feeds.delete_feed(place.documents, check_id(feed_id), user.id)


@router.get(
    "/{token}/atom",
    summary="Get a feed's entries",
    description=(
        f"Returns the {MAX_ENTRIES} newest finished results as Atom (RFC 4287): titles and dates, and links to the "
        "console, which shows the contents after sign-in. With `If-None-Match`, an unchanged feed returns 304. "
        "Returns 404 if the feed was deleted."
    ),
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "The feed"},
        304: {"description": "The feed has not changed"},
        **problem_responses(404),
    },
)
def get_feed_entries(
    token: Annotated[str, Path(description="Token of the feed, from its `url`.")], request: Request, place: PlaceDep
) -> Response:
    feed = feeds.find_feed(place.documents, token)
    console = f"{settings().public_url.rstrip('/')}/"
    content = atom_document(feed, feeds.feed_results(place.documents, feed), feed_address(token), console)
    headers = HEADERS | {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
