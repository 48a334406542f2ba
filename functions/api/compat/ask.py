"""Shared by all paths of the earlier ask-video: they respond as Django REST framework does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from functions.api.openapi import problems
from functions.api.problems import BadRequest, status_of, wrong_request
from shared.errors import PermanentError

MOST_LISTED = 1000
PAGE = 100
REFUSED = (409, 415, 422)

T = TypeVar("T")
Answer = Callable[[Request], Coroutine[Any, Any, Response]]
PageOf = Callable[[str | None], tuple[list[T], str | None]]


class AskRoute(APIRoute):
    """Responds to every invalid request with 400, except for authentication, permissions and rate limits."""

    def get_route_handler(self) -> Answer:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as wrong:
                return wrong_request(wrong, 400)
            except PermanentError as refused:
                if status_of(refused) in REFUSED:
                    raise BadRequest(refused.code, refused.message) from None
                raise

        return answer


def ask_router(prefix: str, *statuses: int) -> APIRouter:
    return APIRouter(
        prefix=prefix, tags=["compat: ask-video"], route_class=AskRoute, responses=problems(400, *statuses)
    )


def all_of(page_of: PageOf[T]) -> Iterator[T]:
    """Yield the items of a list without pages: at most MOST_LISTED, from the pages that `page_of` returns."""
    cursor: str | None = None
    for _ in range(MOST_LISTED // PAGE):
        found, cursor = page_of(cursor)
        yield from found
        if cursor is None:
            return
