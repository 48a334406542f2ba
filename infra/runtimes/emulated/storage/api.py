"""The part of Cloud Storage's JSON API that Google's client uses for objects.

Source: https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

import io
import json
from itertools import dropwhile, islice
from typing import Any, BinaryIO

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.runtimes.emulated.storage.sessions import GcsUploadSessions
from infra.runtimes.emulated.storage.store import BucketStore, Resource
from shared.platform.embedded.storage.download_http import object_response
from shared.platform.ports import ObjectInfo

PAGE = 1000


class StorageApi:
    """Objects: uploads whole and resumable, downloads with ranges, metadata, lists, copies, preconditions."""

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
        """At once and whole; a copy onto itself is a new generation of the same bytes."""
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

    def _open_object(self, request: Request, generation: str) -> tuple[ObjectInfo, BinaryIO]:
        """The object of the request's path, in the generation that the query names, if any."""
        path = request.path_params
        return self._store.open(path["bucket"], path["name"], request.query_params.get(generation))


def _if_generation(request: Request) -> int | None:
    value = request.query_params.get("ifGenerationMatch")
    return int(value) if value is not None else None


def _parse_multipart(content_type: str, body: bytes) -> tuple[Resource, bytes]:
    """The two parts of a `multipart/related` upload: the resource and the object's bytes."""
    boundary = content_type.partition("boundary=")[2].strip("\"'").encode()
    _, resource, remainder = body.split(b"--" + boundary + b"\r\n", 2)
    data = remainder[: remainder.rindex(b"\r\n--" + boundary + b"--")]
    description: Resource = json.loads(resource.partition(b"\r\n\r\n")[2])
    head, _, data = data.partition(b"\r\n\r\n")
    description.setdefault("contentType", head.decode().partition(":")[2].strip())
    return description, data
