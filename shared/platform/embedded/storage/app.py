"""The HTTP side of the objects: what Cloud Storage's own server does in the cloud. Mounted under `/storage`."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.platform.embedded.storage.download_http import DownloadHandler
from shared.platform.embedded.storage.objects import FileObjects
from shared.platform.embedded.storage.problems import problem
from shared.platform.embedded.storage.upload_http import UploadHandler


def storage_app(objects: FileObjects, signing_key: bytes, frontend_url: str) -> Starlette:
    """Serve signed links and resumable uploads.

    Args:
        frontend_url: Comma-separated web origins that may use them; an upload's own origin may use that upload, too.
    """
    frontends = {origin.strip().rstrip("/") for origin in frontend_url.split(",") if origin.strip()}
    downloads = DownloadHandler(objects, signing_key)
    uploads = UploadHandler(objects.uploads)

    async def download(request: Request) -> Response:
        if request.method == "OPTIONS":
            response = Response(status_code=204)
        else:
            response = await downloads.respond(request)
        return add_cors_headers(frontends, request, response)

    async def upload(request: Request) -> Response:
        session = await uploads.find(request)
        origins = frontends | {session.origin} if session and session.origin else frontends
        if request.method == "OPTIONS":
            response = Response(status_code=204)
        else:
            response = await uploads.respond(request, session)
        return add_cors_headers(origins, request, response)

    return Starlette(
        routes=[
            Route("/download/{bucket}/{name:path}", download, methods=["GET", "HEAD", "OPTIONS"]),
            Route("/upload/{id}", upload, methods=["PUT", "DELETE", "OPTIONS"]),
        ],
        exception_handlers={HTTPException: _router_problem},
    )


def _router_problem(request: Request, error: Exception) -> Response:
    """The router's own refusals, such as a wrong method, in the form of all others."""
    assert isinstance(error, HTTPException)  # noqa: S101  # the handler is registered for nothing else
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"This path does not support {request.method}. Use a method from the Allow header."
        return problem("method_not_allowed", detail, error.headers)
    return problem("not_found", "This path does not exist. Use the link as it was issued.", error.headers)


def add_cors_headers(origins: Collection[str], request: Request, response: Response) -> Response:
    """Cross-origin resource sharing, as the Fetch standard has it."""
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("origin")
    if origin and origin in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "Range, Content-Range, Content-Length, ETag"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, PUT, DELETE"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type, Content-Range, Range, If-Range"
            response.headers["Access-Control-Max-Age"] = "3600"
    return response
