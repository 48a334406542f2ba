"""Routes of the storage emulator: the part of the JSON API that Google's client uses for objects, and signed links.

Source: https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http import HTTPStatus
from itertools import dropwhile, islice
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from anyio import to_thread
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.runtimes.emulated.storage.store import BucketStore, Resource
from infra.runtimes.emulated.storage.uploads import GcsUploadSessions
from shared import clock
from shared.errors import NotFound
from shared.platform.embedded.storage_http import object_response
from shared.platform.gcp.place import EMULATOR_DOMAIN, EXPONENT
from shared.platform.ports import ObjectInfo

PAGE = 1000
BATCH = "batch_of_clipwise"
BATCH_CALLS = 100
OBJECT_PATH = re.compile("/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>[^/]+)")


class StorageApi:
    """Objects: simple and resumable uploads, downloads with ranges, metadata, lists, copies, preconditions."""

    def __init__(self, store: BucketStore, uploads: GcsUploadSessions) -> None:
        self._store = store
        self._uploads = uploads

    def routes(self) -> list[Route]:
        objects = "/storage/v1/b/{bucket}/o"
        object = f"{objects}/{{name:path}}"
        return [
            Route(f"/upload{objects}", self.upload, methods=["POST"]),
            Route(f"/upload{objects}", self._uploads.handle_request, methods=["PUT", "DELETE"]),
            Route(f"/download{object}", self.download),
            Route(f"{object}/rewriteTo/b/{{to_bucket}}/o/{{to_name:path}}", self.rewrite, methods=["POST"]),
            Route(object, self.delete, methods=["DELETE"]),
            Route(object, self.metadata),
            Route(objects, self.list_objects),
            Route("/batch/storage/v1", self.batch, methods=["POST"]),
        ]

    async def upload(self, request: Request) -> Response:
        bucket, query = request.path_params["bucket"], request.query_params
        if query.get("uploadType") == "resumable":
            return await self._start_upload(request, bucket)
        description, data = _parse_multipart(request.headers["content-type"], await request.body())
        put = (bucket, description, io.BytesIO(data), _if_generation(request))
        return JSONResponse(await to_thread.run_sync(self._store.put, *put))

    async def _start_upload(self, request: Request, bucket: str) -> Response:
        self._store.port_bucket(bucket)
        headers, body = request.headers, await request.body()
        description = {"name": request.query_params.get("name"), "contentType": headers.get("x-upload-content-type")}
        description |= json.loads(body) if body else {}
        size = headers.get("x-upload-content-length")
        session = self._uploads.start(
            bucket, description, int(size) if size else None, _if_generation(request), headers.get("origin")
        )
        location = request.url.replace(query=f"uploadType=resumable&upload_id={session.id}")
        return Response(headers={"Location": str(location), "X-GUploader-UploadID": session.id})

    def metadata(self, request: Request) -> Response:
        info, stream = self._open_object(request, "generation")
        stream.close()
        return JSONResponse(self._store.to_resource(info))

    def download(self, request: Request) -> Response:
        info, stream = self._open_object(request, "generation")
        resource = self._store.to_resource(info)
        response = object_response(request, info, stream, None)
        response.headers["X-Goog-Generation"] = resource["generation"]
        if "crc32c" in resource:
            response.headers["X-Goog-Hash"] = f"crc32c={resource['crc32c']},md5={resource['md5Hash']}"
        return response

    async def rewrite(self, request: Request) -> Response:
        body = await request.body()
        return await to_thread.run_sync(self._copy_object, request, json.loads(body) if body else {})

    def _copy_object(self, request: Request, changes: Resource) -> Response:
        """Copy the whole object in one step; a copy onto itself is a new generation of the same bytes."""
        info, stream = self._open_object(request, "sourceGeneration")
        source_fields = {"contentType": info.content_type, "metadata": info.metadata}
        description = source_fields | changes | {"name": request.path_params["to_name"]}
        with stream:
            to_bucket = request.path_params["to_bucket"]
            resource = self._store.put(to_bucket, description, stream, _if_generation(request))
        size = resource["size"]
        response = {"kind": "storage#rewriteResponse", "done": True, "totalBytesRewritten": size, "objectSize": size}
        return JSONResponse(response | {"resource": resource})

    def delete(self, request: Request) -> Response:
        path = request.path_params
        self._store.delete(path["bucket"], path["name"], _if_generation(request))
        return Response(status_code=204)

    def list_objects(self, request: Request) -> Response:
        query, bucket = request.query_params, self._store.port_bucket(request.path_params["bucket"])
        infos = self._store.objects.list(bucket, query.get("prefix", ""))
        after, size = query.get("pageToken", ""), int(query.get("maxResults", PAGE))
        page = list(islice(dropwhile(lambda info: info.name <= after, infos), size + 1))
        body: dict[str, Any] = {"kind": "storage#objects", "items": [*map(self._store.to_resource, page[:size])]}
        if len(page) > size:
            body["nextPageToken"] = page[size - 1].name
        return JSONResponse(body)

    async def batch(self, request: Request) -> Response:
        return await to_thread.run_sync(self._delete_batch, request.headers["content-type"], await request.body())

    def _delete_batch(self, content_type: str, body: bytes) -> Response:
        """Handle the deletions of a batch, each as a part of the response.

        Source: https://cloud.google.com/storage/docs/batch
        """
        parts = list(message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body).walk())[1:]
        if not 1 <= len(parts) <= BATCH_CALLS:
            raise HTTPException(400, f"A batch has 1 to {BATCH_CALLS} calls.")
        responses = []
        for part in parts:
            method, url, _ = str(part.get_payload()).split(" ", 2)
            match = OBJECT_PATH.fullmatch(urlsplit(url).path)
            if method != "DELETE" or match is None:
                raise HTTPException(400, "The emulator's batches only delete objects.")
            try:
                self._store.delete(match["bucket"], unquote(match["name"]), None)
                status = HTTPStatus.NO_CONTENT
            except NotFound:
                status = HTTPStatus.NOT_FOUND
            responses.append(
                f"--{BATCH}\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status} {status.phrase}\r\n\r\n\r\n"
            )
        return Response("".join([*responses, f"--{BATCH}--"]), media_type=f"multipart/mixed; boundary={BATCH}")

    def _open_object(self, request: Request, generation: str) -> tuple[ObjectInfo, BinaryIO]:
        """Open the object in the request's path, in the generation set by the query parameter `generation`, if any."""
        path = request.path_params
        return self._store.open(path["bucket"], path["name"], request.query_params.get(generation))


def _if_generation(request: Request) -> int | None:
    value = request.query_params.get("ifGenerationMatch")
    return int(value) if value is not None else None


def _parse_multipart(content_type: str, body: bytes) -> tuple[Resource, bytes]:
    """Return the two parts of a `multipart/related` upload: the resource and the object's bytes."""
    boundary = content_type.partition("boundary=")[2].strip("\"'").encode()
    _, resource, remainder = body.split(b"--" + boundary + b"\r\n", 2)
    data = remainder[: remainder.rindex(b"\r\n--" + boundary + b"--")]
    description: Resource = json.loads(resource.partition(b"\r\n\r\n")[2])
    head, _, data = data.partition(b"\r\n\r\n")
    description.setdefault("contentType", head.decode().partition(":")[2].strip())
    return description, data


class SignedDownloads:
    """Downloads by signed links (V4). Any valid signature is accepted: the emulator has no accounts."""

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
    """Return when the link expires; raises KeyError, ValueError or InvalidSignature unless its signature is valid."""
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
    key = base64.urlsafe_b64decode(account.removesuffix(f"@{EMULATOR_DOMAIN}"))
    numbers = RSAPublicNumbers(EXPONENT, int.from_bytes(key))
    numbers.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
    signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed_at + timedelta(seconds=int(query["X-Goog-Expires"]))
