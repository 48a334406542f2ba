"""Assembles the embedded adapters over one data folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.platform.embedded.bus import SqliteBus
from shared.platform.embedded.database import RECOVERY_ADVICE, Database
from shared.platform.embedded.documents import SqliteDocuments
from shared.platform.embedded.lease_queue import LeaseQueue
from shared.platform.embedded.objects import GARBAGE_AGE_SEC, FileObjects
from shared.platform.embedded.signing import signing_key
from shared.platform.ports import Place
from shared.settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from shared.platform.embedded.storage_http import AbortUpload

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmbeddedPlace:
    """The ports, and what only this place has."""

    place: Place
    queue: LeaseQueue
    database: Database
    objects: FileObjects
    signing_key: bytes
    settings: Settings

    def storage_app(self, on_abort: AbortUpload = lambda upload, reason: None) -> Starlette:
        """Return the HTTP server of the objects, to be mounted under `/storage`."""
        from shared.platform.embedded.storage_http import storage_app

        return storage_app(self.objects, self.signing_key, self.settings.frontend_url, on_abort)

    def collect_garbage(self, min_age_sec: float = GARBAGE_AGE_SEC) -> int:
        """Delete what a crash left over; return the number of files. In a damaged database, every file is kept."""
        damage = self.database.find_damage()
        if damage:
            # A row that cannot be found may be one that names a file.
            log.error("%s is damaged: %s. %s", self.database.path, damage, RECOVERY_ADVICE)
            return 0
        removed = self.objects.collect_garbage(min_age_sec)
        self.database.empty_log()
        return removed


def open_embedded_place(settings: Settings) -> EmbeddedPlace:
    """Open the data folder; create it if it is missing. Several processes may have it open.

    Raises:
        DataFolderError: The folder is damaged, or was written by a newer version.
    """
    data = settings.clipwise_data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    blobs = data / "blobs"
    blobs.mkdir(mode=0o700, exist_ok=True)
    # One that is there already may have been made by an earlier version or another umask.
    blobs.chmod(0o700)
    key = signing_key(settings)
    database = Database(data / "clipwise.db")
    bus = SqliteBus(database)
    objects = FileObjects(blobs, database, bus, key, settings.public_url)
    queue = LeaseQueue(database, bus)
    place = Place(SqliteDocuments(database), objects, bus, queue, database.transaction)
    return EmbeddedPlace(place, queue, database, objects, key, settings)
