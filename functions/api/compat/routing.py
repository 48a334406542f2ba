"""Routes of the earlier systems: their status 400 for most client errors, lists without pages, and tasks."""

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
from shared.errors import ClipwiseError, NotFound, PermanentError
from shared.models.job import Job
from shared.pipeline.lifecycle import JobStateError

MAX_ITEMS = 1000
PAGE_SIZE = 100
T = TypeVar("T")
RequestHandler = Callable[[Request], Coroutine[Any, Any, Response]]
PageLoader = Callable[[str | None], tuple[list[T], str | None]]


class BadRequestRoute(APIRoute):
    """Responds with 400 to errors that have one of `statuses` on the native paths."""

    errors: tuple[type[ClipwiseError], ...] = (PermanentError,)
    statuses: tuple[int, ...] = ()

    def get_route_handler(self) -> RequestHandler:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            try:
                return await handle(request)
            except self.errors as error:
                if status_of(error) in self.statuses:
                    raise BadRequest(error.code, error.message) from None
                raise

        return respond


class CrawlerRoute(BadRequestRoute):
    errors = (PermanentError, JobStateError)
    statuses = (409, 413, 415)


class AskVideoRoute(BadRequestRoute):
    """Responds with 400 to invalid requests too, and with 404 to invalid ids, as Django REST framework does."""

    statuses = (409, 415, 422)

    def get_route_handler(self) -> RequestHandler:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                # An id that is no number is one that does not exist.
                if any(item["loc"][:1] == ("path",) for item in error.errors()):
                    raise NotFound(request.url.path) from None
                return invalid_request_response(error, 400)

        return respond


def create_ask_video_router(prefix: str, *statuses: int) -> APIRouter:
    """Return a router for paths of ask-video, whose responses have status 400 or one of `statuses`."""
    return APIRouter(
        prefix=prefix,
        tags=["compat: ask-video"],
        route_class=AskVideoRoute,
        responses=problem_responses(400, *statuses),
    )


def all_items(load_page: PageLoader[T]) -> Iterator[T]:
    """Yield the items of a list without pages: at most MAX_ITEMS, from the pages that `load_page` returns."""
    cursor: str | None = None
    for _ in range(MAX_ITEMS // PAGE_SIZE):
        items, cursor = load_page(cursor)
        yield from items
        if cursor is None:
            return


def own_task(kind: str) -> Callable[..., Job]:
    """Return a dependency that loads the caller's job of this kind and raises NotFound for any other id."""

    def find_task(
        task_id: Annotated[str, Path(description="The `id` of the task.")], user: Caller, place: PlaceDep
    ) -> Job:
        job = own_job(task_id, user, place)
        if job.kind != kind:
            raise NotFound(task_id)
        return job

    return find_task
