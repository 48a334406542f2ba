"""The embedded place's objects, seen as Cloud Storage shows them: prefixed bucket names, resources, checksums."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c

from shared.errors import Conflict, NotFound
from shared.pipeline.wiring import wiring
from shared.platform.embedded.events import object_resource
from shared.platform.embedded.objects import FileObjects
from shared.platform.ports import ObjectInfo

PIECE = 1 << 20
Resource = dict[str, Any]


class Store:
    """Every bucket of the wiring table is there, under its name with the prefix."""

    def __init__(self, objects: FileObjects, prefix: str) -> None:
        self.objects = objects
        self._prefix = prefix
        self._checksums = lru_cache(maxsize=4096)(self._read_checksums)

    def bucket(self, name: str) -> str:
        """The port's name of a bucket; raises NotFound."""
        known = name.removeprefix(self._prefix)
        if not name.startswith(self._prefix) or known not in wiring().buckets:
            raise NotFound(f"There is no bucket {name}.")
        return known

    def find(self, bucket: str, name: str, generation: str | None = None) -> ObjectInfo:
        """Raises NotFound, also when `generation` is given and is not the current one."""
        info = self.objects.stat(self.bucket(bucket), name)
        if info is None or generation not in (None, str(info.generation)):
            raise NotFound(f"No such object: {bucket}/{name}")
        return info

    def open(self, bucket: str, name: str) -> tuple[ObjectInfo, BinaryIO]:
        return self.objects.open_with_info(self.bucket(bucket), name)

    def put(self, bucket: str, wanted: Resource, data: bytes | BinaryIO | Path, if_generation: int | None) -> Resource:
        """Store under the name, content type and metadata of `wanted`; raises Conflict."""
        content_type = wanted.get("contentType") or "application/octet-stream"
        known = self.bucket(bucket)
        info = self.objects.put(known, wanted["name"], data, content_type, wanted.get("metadata"), if_generation)
        return self.resource(info)

    def delete(self, bucket: str, name: str, if_generation: int | None) -> None:
        info = self.find(bucket, name)
        if if_generation not in (None, info.generation):
            raise Conflict(f"{bucket}/{name} is of another generation")
        self.objects.delete(info.bucket, name)

    def resource(self, info: ObjectInfo) -> Resource:
        """The object as the JSON API describes it."""
        crc32c, md5 = self._checksums(info.bucket, info.name, info.generation)
        named = replace(info, bucket=self._prefix + info.bucket)
        return object_resource(named) | {"crc32c": crc32c, "md5Hash": md5, "etag": str(info.generation)}

    def _read_checksums(self, bucket: str, name: str, generation: int) -> tuple[str, str]:
        crc32c, md5 = google_crc32c.Checksum(), hashlib.md5(usedforsecurity=False)
        with self.objects.open(bucket, name) as stream:
            while piece := stream.read(PIECE):
                crc32c.update(piece)
                md5.update(piece)
        return base64.b64encode(crc32c.digest()).decode(), base64.b64encode(md5.digest()).decode()


def checksum_fits(wanted: Resource, data: bytes) -> bool:
    """Whether the data is what its sender took a checksum of, if any."""
    crc32c = base64.b64encode(google_crc32c.Checksum(data).digest()).decode()
    md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    return (wanted.get("crc32c", crc32c), wanted.get("md5Hash", md5)) == (crc32c, md5)
