"""Signed links (V4) for reading, and cross-origin requests.

Source: https://cloud.google.com/storage/docs/authentication/canonical-requests
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.emulated.storage.store import Store
from shared import clock
from shared.platform.embedded.download_http import object_response

SIGNED = ("X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires", "X-Goog-Signature")


class Links:
    """Reading an object by a signed link.

    The signature itself is not verified: each process of the emulated place signs with a key of its own.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        return [Route("/{bucket}/{name:path}", self.read)]

    def read(self, request: Request) -> Response:
        query = request.query_params
        if not all(query.get(part) for part in SIGNED):
            raise HTTPException(403, "Anonymous caller does not have storage.objects.get access.")
        signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if clock.now() >= signed_at + timedelta(seconds=int(query["X-Goog-Expires"])):
            raise HTTPException(400, "ExpiredToken: the provided token has expired.")
        info, stream = self._store.open(request.path_params["bucket"], request.path_params["name"])
        response = object_response(request, info, stream, None)
        if disposition := query.get("response-content-disposition"):
            response.headers["Content-Disposition"] = disposition
        return response
