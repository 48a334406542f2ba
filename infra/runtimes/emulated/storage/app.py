"""The storage emulator as a web application: `python -m infra.runtimes.emulated.storage.app PORT FOLDER`.

Its settings are those of the environment.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import uvicorn
from google.cloud.pubsub_v1 import PublisherClient
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.runtimes.emulated.storage.api import SignedDownloads, StorageApi
from infra.runtimes.emulated.storage.events import PubsubRelay
from infra.runtimes.emulated.storage.store import BucketStore
from infra.runtimes.emulated.storage.uploads import GcsUploadSessions
from shared.errors import Conflict, NotFound
from shared.platform.embedded.objects import FileObjects
from shared.platform.embedded.place import open_embedded_place
from shared.platform.embedded.storage_http import add_cors_headers
from shared.settings import settings


def storage_app(objects: FileObjects, folder: Path, prefix: str, frontends: set[str]) -> Starlette:
    """Return an application that serves the wiring table's buckets.

    Args:
        folder: Contains the open uploads.
        prefix: Prefix of each bucket's name.
        frontends: Web origins that may read and upload; the origin that opened an upload may use that upload too.
    """
    store = BucketStore(objects, prefix)
    uploads = GcsUploadSessions(folder, store)

    def with_cors(route: Route) -> Route:
        async def respond(request: Request) -> Response:
            origins = frontends | uploads.origins(request.query_params.get("upload_id", ""))
            return add_cors_headers(origins, request, await _route_response(route, request))

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
    """Return the error in the form that Google's client reads."""
    if isinstance(error, HTTPException):
        status, message = error.status_code, error.detail
    else:
        statuses = {NotFound: HTTPStatus.NOT_FOUND, Conflict: HTTPStatus.PRECONDITION_FAILED}
        status, message = statuses.get(type(error), HTTPStatus.BAD_REQUEST), str(error)
    return JSONResponse({"error": {"code": status, "message": message}}, status)


def main(port: int, folder: Path) -> None:
    emulator_settings = replace(settings(), clipwise_data=folder)
    place = open_embedded_place(emulator_settings)
    PubsubRelay(
        place.queue, PublisherClient(), emulator_settings.google_cloud_project, emulator_settings.bucket_prefix
    ).start()
    frontends = {origin.strip().rstrip("/") for origin in emulator_settings.frontend_url.split(",")}
    app = storage_app(place.objects, folder / "uploads", emulator_settings.bucket_prefix, frontends)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
