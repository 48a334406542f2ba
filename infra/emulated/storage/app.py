"""The storage emulator as a web application."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.emulated.storage.api import Api
from infra.emulated.storage.links import Links
from infra.emulated.storage.sessions import Sessions
from infra.emulated.storage.store import Store
from shared.errors import Conflict, NotFound
from shared.platform.embedded.objects import FileObjects
from shared.platform.embedded.storage_http import share_with


def storage_app(objects: FileObjects, folder: Path, prefix: str, frontends: set[str]) -> Starlette:
    """Serve the wiring table's buckets.

    Args:
        folder: Keeps the uploads that are under way.
        prefix: Stands before each bucket's name.
        frontends: Web origins that may read and upload; an upload's own origin may use that upload, too.
    """
    store = Store(objects, prefix)
    sessions = Sessions(folder, store)

    async def share(request: Request, go_on: RequestResponseEndpoint) -> Response:
        origins = set(frontends)
        if id := request.query_params.get("upload_id"):
            origins.update(filter(None, [sessions.origin(id)]))
        response = Response(status_code=204) if request.method == "OPTIONS" else await go_on(request)
        return share_with(origins, request, response)

    return Starlette(
        routes=[*Api(store, sessions).routes(), *Links(store).routes()],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=share)],
        exception_handlers={HTTPException: _refused, NotFound: _refused, Conflict: _refused, ValueError: _refused},
    )


def _refused(_request: Request, error: Exception) -> Response:
    """Errors as Google's client reads them."""
    if isinstance(error, HTTPException):
        status, message = error.status_code, error.detail
    else:
        statuses = {NotFound: HTTPStatus.NOT_FOUND, Conflict: HTTPStatus.PRECONDITION_FAILED}
        status, message = statuses.get(type(error), HTTPStatus.BAD_REQUEST), str(error)
    return JSONResponse({"error": {"code": status, "message": message}}, status)
