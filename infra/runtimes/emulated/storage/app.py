"""The storage emulator as a web application."""

from __future__ import annotations

import inspect
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.runtimes.emulated.storage.api import StorageApi
from infra.runtimes.emulated.storage.links import SignedDownloads
from infra.runtimes.emulated.storage.sessions import GcsUploadSessions
from infra.runtimes.emulated.storage.store import BucketStore
from shared.errors import Conflict, NotFound
from shared.platform.embedded.storage.app import share_with
from shared.platform.embedded.storage.objects import FileObjects


def storage_app(objects: FileObjects, folder: Path, prefix: str, frontends: set[str]) -> Starlette:
    """Serve the wiring table's buckets.

    Args:
        folder: Keeps the uploads that are under way.
        prefix: Stands before each bucket's name.
        frontends: Web origins that may read and upload; an upload's own origin may use that upload, too.
    """
    store = BucketStore(objects, prefix)
    uploads = GcsUploadSessions(folder, store)

    def with_cors(route: Route) -> Route:
        async def respond(request: Request) -> Response:
            origins = frontends | uploads.origins(request.query_params.get("upload_id", ""))
            return share_with(origins, request, await _route_response(route, request))

        return Route(route.path, respond, methods=[*(route.methods or ()), "OPTIONS"])

    return Starlette(
        routes=[with_cors(route) for route in [*StorageApi(store, uploads).routes(), *SignedDownloads(store).routes()]],
        exception_handlers={HTTPException: lambda _, error: _error_response(error)},
    )


async def _route_response(route: Route, request: Request) -> Response:
    if request.method == "OPTIONS":
        return Response(status_code=204)
    try:
        if inspect.iscoroutinefunction(route.endpoint):
            response: Response = await route.endpoint(request)
        else:
            response = await run_in_threadpool(route.endpoint, request)
    except (HTTPException, NotFound, Conflict, ValueError) as error:
        return _error_response(error)
    return response


def _error_response(error: Exception) -> Response:
    """Errors as Google's client reads them."""
    if isinstance(error, HTTPException):
        status, message = error.status_code, error.detail
    else:
        statuses = {NotFound: HTTPStatus.NOT_FOUND, Conflict: HTTPStatus.PRECONDITION_FAILED}
        status, message = statuses.get(type(error), HTTPStatus.BAD_REQUEST), str(error)
    return JSONResponse({"error": {"code": status, "message": message}}, status)
