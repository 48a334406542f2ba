"""Objects: bytes in files, everything else in SQLite, so that an object appears in one transaction."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlencode

from shared import clock
from shared.errors import Conflict, NotFound
from shared.platform.embedded.bus import SqliteBus
from shared.platform.embedded.database import Database
from shared.platform.embedded.object_catalog import PIECE_BYTES, BlobStore, CatalogEntry, ObjectCatalog
from shared.platform.embedded.signing import sign_link
from shared.platform.embedded.uploads import UploadStore
from shared.platform.port_checks import check_bucket, check_object_name
from shared.platform.ports import NewObject, ObjectInfo, UploadSession

GARBAGE_AGE_SEC = 3600


class FileObjects:
    """The port `Objects`. Every method raises ValueError for an invalid bucket or name.

    Args:
        root: Existing folder of the blobs.
        signing_key: Secret that signs links.
        public_url: Address of the server that mounts `storage_http` under `/storage`.
    """

    def __init__(self, root: Path, db: Database, bus: SqliteBus, signing_key: bytes, public_url: str) -> None:
        self._db = db
        self._bus = bus
        self._blobs = BlobStore(root)
        self._catalog = ObjectCatalog(db, bus)
        self._signing_key = signing_key
        self._storage_url = public_url.rstrip("/") + "/storage"
        self.uploads = UploadStore(db, self._blobs, self._catalog)

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes | BinaryIO | Path,
        content_type: str,
        metadata: dict[str, str] | None = None,
        if_generation: int | None = None,
    ) -> ObjectInfo:
        check_object_name(bucket, name)
        blob = self._blobs.new_name()
        if isinstance(data, Path):
            with data.open("rb") as source:
                size = self._blobs.write(blob, source)
        else:
            size = self._blobs.write(blob, io.BytesIO(data) if isinstance(data, bytes) else data)
        try:
            info, replaced = self._catalog.add(bucket, name, blob, size, content_type, metadata or {}, if_generation)
        except Conflict:
            self._blobs.remove(blob)
            raise
        if replaced:
            self._blobs.remove(replaced)
        return info

    def create_many(self, bucket: str, objects: Sequence[NewObject]) -> Sequence[str]:
        for new in objects:
            check_object_name(bucket, new.name)
        streams = [io.BytesIO(new.data) if isinstance(new.data, bytes) else new.data for new in objects]
        blobs = self._blobs.write_many(streams)
        taken: dict[str, str] = {}
        with self._db.transaction():
            for new, (blob, size) in zip(objects, blobs, strict=True):
                try:
                    self._catalog.add(bucket, new.name, blob, size, new.content_type, new.metadata, if_generation=0)
                except Conflict:
                    taken[blob] = new.name
        for blob in taken:
            self._blobs.remove(blob)
        return list(taken.values())

    def stat(self, bucket: str, name: str) -> ObjectInfo | None:
        entry = self._find(bucket, name)
        return entry and entry.info

    def open(self, bucket: str, name: str) -> BinaryIO:
        return self.open_with_info(bucket, name)[1]

    def open_with_info(self, bucket: str, name: str) -> tuple[ObjectInfo, BinaryIO]:
        """An object's stream and what is known of the very same generation; raises NotFound."""
        missing_blob = None
        while entry := self._find(bucket, name):
            if entry.blob == missing_blob:
                raise FileNotFoundError(f"the bytes of {bucket}/{name} are missing from the data folder")
            try:
                return entry.info, self._blobs.path(entry.blob).open("rb")
            except FileNotFoundError:
                # Replaced or deleted since the catalog was read: read it again.
                missing_blob = entry.blob
        raise NotFound(f"{bucket}/{name}")

    def read(self, bucket: str, name: str) -> bytes:
        with self.open(bucket, name) as source:
            return source.read()

    def download(self, bucket: str, name: str, path: Path) -> None:
        with self.open(bucket, name) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, PIECE_BYTES)

    def copy(self, bucket: str, name: str, to: str) -> None:
        check_object_name(bucket, to)
        missing_blob = None
        while (entry := self._find(bucket, name)) and entry.blob != missing_blob:
            try:
                self._copy(entry, bucket, to)
            except FileNotFoundError:
                missing_blob = entry.blob  # replaced or deleted since the catalog was read
                continue
            return
        raise NotFound(f"{bucket}/{name}")

    def copy_to_bucket(self, bucket: str, name: str, generation: int, to_bucket: str, to: str) -> None:
        check_object_name(to_bucket, to)
        entry = self._find(bucket, name)
        if entry is None or entry.info.generation != generation:
            raise NotFound(f"{bucket}/{name}")
        try:
            self._copy(entry, to_bucket, to, if_generation=0)
        except FileNotFoundError:
            raise NotFound(f"{bucket}/{name}") from None

    def bucket_name(self, bucket: str) -> str:
        check_bucket(bucket)
        return bucket

    def delete(self, bucket: str, name: str) -> None:
        check_object_name(bucket, name)
        self.uploads.cancel_unfinished(bucket, name)
        for blob in self._catalog.remove(bucket, name):
            self._blobs.remove(blob)

    def delete_many(self, bucket: str, names: Sequence[str]) -> None:
        for name in names:
            self.delete(bucket, name)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        blobs = self._catalog.remove_prefix(bucket, prefix)
        for blob in blobs:
            self._blobs.remove(blob)
        return len(blobs)

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        return self._catalog.list(bucket, prefix)

    def finalize_again(self, bucket: str, name: str) -> bool:
        with self._db.transaction():
            entry = self._find(bucket, name)
            if entry:
                self._bus.enqueue_object_event(entry.info)
        return entry is not None

    def signed_url(self, bucket: str, name: str, ttl_sec: int, filename: str | None = None) -> str:
        check_object_name(bucket, name)
        expires = int(clock.now().timestamp()) + ttl_sec
        signature = sign_link(self._signing_key, "GET", download_path(bucket, name), expires, filename)
        query = {"expires": str(expires), "signature": signature} | ({"filename": filename} if filename else {})
        return f"{self._storage_url}/download/{bucket}/{quote(name)}?{urlencode(query)}"

    def google_uri(self, bucket: str, name: str) -> str | None:
        return None

    def start_upload(
        self, bucket: str, name: str, content_type: str, size: int, ttl_sec: int, origin: str | None = None
    ) -> UploadSession:
        check_object_name(bucket, name)
        if size < 0:
            raise ValueError("an upload has at least 0 bytes")
        session = self.uploads.start(bucket, name, content_type, size, ttl_sec, origin)
        url = f"{self._storage_url}/upload/{session.id}"
        return UploadSession(url, "PUT", {"Content-Type": content_type}, session.expires_at)

    def collect_garbage(self, min_age_sec: float = GARBAGE_AGE_SEC) -> int:
        """Delete expired uploads and files that a crash orphaned; return the number of orphaned files.

        Args:
            min_age_sec: Younger files stay: they may belong to a write in progress.
        """
        self.uploads.delete_expired()
        removed = 0
        for blob in self._blobs.names_older_than(min_age_sec):
            row = self._db.connection.execute(
                "SELECT 1 FROM objects WHERE blob = ? UNION ALL SELECT 1 FROM uploads WHERE blob = ?", (blob, blob)
            ).fetchone()
            if row is None:
                self._blobs.remove(blob)
                removed += 1
        return removed

    def _copy(self, entry: CatalogEntry, bucket: str, to: str, if_generation: int | None = None) -> None:
        """Raises FileNotFoundError if the blob is gone, and Conflict."""
        blob, info = self._blobs.link(entry.blob), entry.info
        try:
            _, replaced = self._catalog.add(
                bucket, to, blob, info.size, info.content_type, info.metadata, if_generation
            )
        except Conflict:
            self._blobs.remove(blob)
            raise
        if replaced:
            self._blobs.remove(replaced)

    def _find(self, bucket: str, name: str) -> CatalogEntry | None:
        check_object_name(bucket, name)
        return self._catalog.find(bucket, name)


def download_path(bucket: str, name: str) -> str:
    """Return the path that a link to an object signs."""
    return f"/storage/download/{bucket}/{name}"
