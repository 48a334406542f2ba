"""Signed links (V4) for reading.

Source: https://cloud.google.com/storage/docs/authentication/canonical-requests
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.runtimes.emulated.storage.store import BucketStore
from shared import clock
from shared.platform.embedded.storage.download_http import object_response
from shared.platform.gcp.signing import EMULATED, EXPONENT


class SignedDownloads:
    """Reading an object by a signed link. Whoever signed it right may: an emulator has no accounts to ask."""

    def __init__(self, store: BucketStore) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        return [Route("/{bucket}/{name:path}", self.read_object)]

    def read_object(self, request: Request) -> Response:
        bucket, name, query = request.path_params["bucket"], request.path_params["name"], dict(request.query_params)
        try:
            expires = _verify_signature(f"/{bucket}/{name}", query, request)
        except (KeyError, ValueError, InvalidSignature):
            raise HTTPException(403, "SignatureDoesNotMatch: the link was not signed as it stands.") from None
        if clock.now() >= expires:
            raise HTTPException(400, "ExpiredToken: the link has expired.")
        info, stream = self._store.open(bucket, name)
        response = object_response(request, info, stream, None)
        if disposition := query.get("response-content-disposition"):
            response.headers["Content-Disposition"] = disposition
        return response


def _verify_signature(path: str, query: dict[str, str], request: Request) -> datetime:
    """When the link expires; raises KeyError, ValueError or InvalidSignature unless its signature fits all of it."""
    signature = bytes.fromhex(query.pop("X-Goog-Signature"))
    signed_headers = query["X-Goog-SignedHeaders"]
    canonical = [
        request.method,
        quote(path, safe="/~"),
        "&".join(sorted(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in query.items())),
        *(f"{header}:{request.headers[header]}" for header in signed_headers.split(";")),
        "",
        signed_headers,
        "UNSIGNED-PAYLOAD",
    ]
    account, _, scope = query["X-Goog-Credential"].partition("/")
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = "\n".join([query["X-Goog-Algorithm"], query["X-Goog-Date"], scope, digest])
    key = base64.urlsafe_b64decode(account.removesuffix(f"@{EMULATED}"))
    numbers = RSAPublicNumbers(EXPONENT, int.from_bytes(key))
    numbers.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
    signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed_at + timedelta(seconds=int(query["X-Goog-Expires"]))
