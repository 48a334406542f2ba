"""Puts the embedded adapters together over one data folder."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.platform.embedded.bus import SqliteBus
from shared.platform.embedded.database import Database
from shared.platform.embedded.documents import SqliteDocuments
from shared.platform.embedded.objects import GARBAGE_AGE_SEC, FileObjects
from shared.platform.embedded.queue import Queue
from shared.platform.ports import Platform
from shared.settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(frozen=True)
class EmbeddedPlace:
    """The platform, and what only this place has."""

    platform: Platform
    queue: Queue
    database: Database
    objects: FileObjects
    signing_key: bytes
    settings: Settings

    def storage_app(self) -> Starlette:
        """The HTTP side of the objects, to be mounted under `/storage`."""
        from shared.platform.embedded.storage_http import storage_app

        return storage_app(self.objects, self.signing_key, self.settings.frontend_url)

    def collect_garbage(self, min_age_sec: float = GARBAGE_AGE_SEC) -> int:
        return self.objects.collect_garbage(min_age_sec)


def open_embedded(settings: Settings) -> EmbeddedPlace:
    """Open the data folder, making it if need be. Any number of processes may have it open.

    Raises:
        SchemaError: The folder was written by a newer version.
    """
    data = settings.clipwise_data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    blobs = data / "blobs"
    blobs.mkdir(exist_ok=True)
    signing_key = settings.signing_key.encode() or _own_key(data / "signing.key")
    database = Database(data / "clipwise.db")
    bus = SqliteBus(database)
    objects = FileObjects(blobs, database, bus, signing_key, settings.public_url)
    platform = Platform(SqliteDocuments(database), objects, bus)
    return EmbeddedPlace(platform, Queue(database, bus), database, objects, signing_key, settings)


def _own_key(path: Path) -> bytes:
    """The key in the file, which is made once: a link to a finished file, so that no process reads half of it."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first
        finally:
            draft.unlink()
    return path.read_bytes()
