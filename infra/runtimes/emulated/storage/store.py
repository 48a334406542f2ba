"""The embedded place's objects as Cloud Storage presents them: prefixed bucket names, resources, checksums."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c

from shared.errors import Conflict, NotFound
from shared.platform.embedded.bus import object_resource
from shared.platform.embedded.objects import FileObjects
from shared.platform.ports import ObjectInfo
from shared.wiring import wiring

CHUNK_BYTES = 1 << 20
Resource = dict[str, Any]


class BucketStore:
    """The buckets of the wiring table, under their names with the prefix."""

    def __init__(self, objects: FileObjects, prefix: str) -> None:
        self.objects = objects
        self._prefix = prefix
        self._checksums: dict[int, Resource] = {}

    def port_bucket(self, name: str) -> str:
        """Return a bucket's name without the prefix; raises NotFound."""
        port_name = name.removeprefix(self._prefix)
        if not name.startswith(self._prefix) or port_name not in wiring().buckets:
            raise NotFound(f"There is no bucket {name}.")
        return port_name

    def open(self, bucket: str, name: str, generation: str | None = None) -> tuple[ObjectInfo, BinaryIO]:
        """Open an object; raises NotFound, also if `generation` is set and is not the current one."""
        info, stream = self.objects.open_with_info(self.port_bucket(bucket), name)
        if generation not in (None, str(info.generation)):
            stream.close()
            raise NotFound(f"{bucket}/{name} is of another generation.")
        return info, stream

    def put(self, bucket: str, description: Resource, data: BinaryIO | Path, if_generation: int | None) -> Resource:
        """Store an object with the name, content type and metadata in `description`.

        Raises Conflict if the generation differs, and ValueError if a checksum in `description` does not match.
        """
        if isinstance(data, Path):
            with data.open("rb") as stream:
                return self.put(bucket, description, stream, if_generation)
        sums = _checksums(data)
        if any(description.get(name, value) != value for name, value in sums.items()):
            raise ValueError("The checksum is not that of the data.")
        content_type = description.get("contentType") or "application/octet-stream"
        bucket_name = self.port_bucket(bucket)
        info = self.objects.put(
            bucket_name, description["name"], data, content_type, description.get("metadata"), if_generation
        )
        self._checksums[info.generation] = sums
        return self.to_resource(info)

    def delete(self, bucket: str, name: str, if_generation: int | None) -> None:
        """Delete an object; raises NotFound, and Conflict if the generation differs."""
        info, stream = self.open(bucket, name)
        stream.close()
        if if_generation not in (None, info.generation):
            raise Conflict(f"{bucket}/{name} is of another generation.")
        self.objects.delete(info.bucket, name)

    def to_resource(self, info: ObjectInfo) -> Resource:
        """Return the object's JSON resource; without checksums if it was deleted before they were computed."""
        prefixed = replace(info, bucket=self._prefix + info.bucket)
        return object_resource(prefixed) | {"etag": str(info.generation)} | self._object_checksums(info)

    def _object_checksums(self, info: ObjectInfo) -> Resource:
        if info.generation not in self._checksums:
            try:
                current, stream = self.objects.open_with_info(info.bucket, info.name)
            except NotFound:
                return {}
            with stream:
                self._checksums[current.generation] = _checksums(stream)
        return self._checksums.get(info.generation, {})


def _checksums(stream: BinaryIO) -> Resource:
    """Compute the checksums of the whole stream, and rewind it."""
    crc32c, md5 = google_crc32c.Checksum(), hashlib.md5(usedforsecurity=False)
    while piece := stream.read(CHUNK_BYTES):
        crc32c.update(piece)
        md5.update(piece)
    stream.seek(0, io.SEEK_SET)
    return {
        "crc32c": base64.b64encode(crc32c.digest()).decode(),
        "md5Hash": base64.b64encode(md5.digest()).decode(),
    }
