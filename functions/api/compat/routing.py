"""Shared by all paths of the earlier ask-video: they respond as Django REST framework does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from functions.api.dependencies import PlaceDep, own_job
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.problems import BadRequest, invalid_request_response, status_of
from shared.errors import NotFound, PermanentError
from shared.models.job import Job

MAX_ITEMS = 1000
PAGE_SIZE = 100
BAD_REQUEST_STATUSES = (409, 415, 422)
T = TypeVar("T")
RequestHandler = Callable[[Request], Coroutine[Any, Any, Response]]
PageLoader = Callable[[str | None], tuple[list[T], str | None]]


class AskVideoRoute(APIRoute):
    """Responds to every invalid request with 400, except for authentication, permissions and rate limits."""

    def get_route_handler(self) -> RequestHandler:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return invalid_request_response(error, 400)
            except PermanentError as error:
                if status_of(error) in BAD_REQUEST_STATUSES:
                    raise BadRequest(error.code, error.message) from None
                raise

        return answer


def create_router(prefix: str, *statuses: int) -> APIRouter:
    return APIRouter(
        prefix=prefix,
        tags=["compat: ask-video"],
        route_class=AskVideoRoute,
        responses=problem_responses(400, *statuses),
    )


def all_items(load_page: PageLoader[T]) -> Iterator[T]:
    """Yield the items of a list without pages: at most MOST_LISTED, from the pages that `page_of` returns."""
    cursor: str | None = None
    for _ in range(MAX_ITEMS // PAGE_SIZE):
        items, cursor = load_page(cursor)
        yield from items
        if cursor is None:
            return


def own_task(kind: str) -> Callable[..., Job]:
    """Return a dependency that loads the caller's job of this kind and raises NotFound for any other id."""

    def find(task_id: Annotated[str, Path(description="The `id` of the task.")], user: Caller, place: PlaceDep) -> Job:
        job = own_job(task_id, user, place)
        if job.kind != kind:
            raise NotFound(task_id)
        return job

    return find
