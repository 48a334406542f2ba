"""Backs up a project's Firestore and buckets, as they are at one time, and restores them into an empty project.

It runs through the same clients in the cloud and on Google's emulators. For large projects, Google's own exports take
less time: docs/operations.md. Accounts of Identity Platform are exported by `firebase auth:export`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from google.cloud import firestore

from infra.backup.archive import PIECE_BYTES, ArchiveWriter, BackupError, read_archive
from shared import clock
from shared.errors import NotFound
from shared.platform.embedded.codec import decode_document, encode_document
from shared.platform.gcp.codec import from_firestore, to_firestore
from shared.platform.gcp.place import open_gcp_place
from shared.platform.ports import Objects
from shared.settings import Settings
from shared.wiring import wiring

KIND = "project"
DOCUMENTS, OBJECTS = "documents.jsonl", "objects.jsonl"
PAGE = 300
WRITES_AT_ONCE = 100
"""Documents in one request, which has at most 10 MiB."""
MARK_COLLECTION, MARK = "restores", "current"
"""The document that exists until a restore has ended."""
Report = Callable[[float, str], None]


def back_up_project(settings: Settings, path: Path, report: Report) -> int:
    """Write a backup to a new file and return its size in bytes; raises BackupError.

    All documents are read at one time. Objects that a user deletes while they are copied are left out.
    """
    place = open_gcp_place(settings)
    client = firestore.Client(project=settings.google_cloud_project or None)
    # The service's own time: reads at it are consistent, whatever this machine's clock says.
    time = client.collection(MARK_COLLECTION).document(MARK).get().read_time
    with (
        ArchiveWriter(path, KIND, time.isoformat()) as archive,
        tempfile.TemporaryDirectory(prefix="clipwise-backup-") as folder,
    ):
        report(0, "Reading documents")
        documents = Path(folder) / DOCUMENTS
        with documents.open("w", encoding="utf-8") as lines:
            for collection, id, data in read_documents(client, time):
                lines.write(json.dumps([collection, id, encode_document(data)]) + "\n")
        archive.add_file(DOCUMENTS, documents)
        descriptions = copy_objects(place.objects, archive, Path(folder), report)
        archive.add_bytes(OBJECTS, "".join(json.dumps(line) + "\n" for line in descriptions).encode())
    report(1, "")
    return path.stat().st_size


def read_documents(client: firestore.Client, time: datetime) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the collection, the id and the data of every document at a time, in pages that no request outlasts."""
    for collection in client.collections(read_time=time):
        query = collection.order_by("__name__").limit(PAGE)
        page = list(query.stream(read_time=time))
        while page:
            for snapshot in page:
                yield collection.id, snapshot.id, from_firestore(snapshot.to_dict() or {})
            page = list(query.start_after(page[-1]).stream(read_time=time)) if len(page) == PAGE else []


def copy_objects(objects: Objects, archive: ArchiveWriter, folder: Path, report: Report) -> list[dict[str, Any]]:
    """Add all objects as numbered files; return their descriptions."""
    infos = [info for bucket in wiring().without_optional().buckets for info in objects.list(bucket)]
    total, written = sum(info.size for info in infos) or 1, 0
    descriptions: list[dict[str, Any]] = []
    copy = folder / "object"
    for info in infos:
        try:
            objects.download(info.bucket, info.name, copy)
        except NotFound:
            continue
        member = f"objects/{len(descriptions)}"
        archive.add_file(member, copy)
        kept = {"bucket": info.bucket, "name": info.name, "contentType": info.content_type, "metadata": info.metadata}
        descriptions.append({"member": member, **kept})
        written += info.size
        report(0.99 * written / total, "Copying objects")
    return descriptions


def restore_project(path: Path, settings: Settings, report: Report) -> None:
    """Restore a backup into a project without documents and objects; after an interruption, call it again.

    Documents come first: the events of restored uploads then find jobs that know what is done.

    Raises:
        BackupError: The project is not empty, or the backup is damaged; then nothing is written.
    """
    place = open_gcp_place(settings)
    client = firestore.Client(project=settings.google_cloud_project or None)
    mark = client.collection(MARK_COLLECTION).document(MARK)
    if not mark.get().exists:
        require_empty(client, place.objects)
    # The files pass through this machine: nothing is written before all checksums are verified.
    with tempfile.TemporaryDirectory(prefix="clipwise-restore-") as name:
        folder = Path(name)
        (folder / "objects").mkdir()
        for member, source, _ in read_archive(path, KIND):
            with (folder / member).open("xb") as file:
                shutil.copyfileobj(source, file, PIECE_BYTES)
        mark.set({"createdAt": clock.now()})
        report(0.1, "Writing documents")
        write_documents(client, folder / DOCUMENTS)
        descriptions = [json.loads(line) for line in (folder / OBJECTS).read_text(encoding="utf-8").splitlines()]
        for number, line in enumerate(descriptions):
            place.objects.put(
                line["bucket"], line["name"], folder / line["member"], line["contentType"], line["metadata"]
            )
            report(0.2 + 0.79 * number / len(descriptions), "Writing objects")
    mark.delete()
    report(1, "")


def require_empty(client: firestore.Client, objects: Objects) -> None:
    """Raises BackupError if there is a document or an object."""
    collection = next(iter(client.collections()), None)
    bucket = next(
        (bucket for bucket in wiring().without_optional().buckets if next(iter(objects.list(bucket)), None)), None
    )
    if collection is not None or bucket is not None:
        found = f"the collection {collection.id}" if collection is not None else f"objects in {bucket}"
        raise BackupError(f"The project {client.project} is not empty: it has {found}. Restore into a new project.")


def write_documents(client: firestore.Client, path: Path) -> None:
    batch, size = client.batch(), 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            collection, id, text = json.loads(line)
            batch.set(client.collection(collection).document(id), to_firestore(decode_document(text)))
            size += 1
            if size == WRITES_AT_ONCE:
                batch.commit()
                batch, size = client.batch(), 0
    if size:
        batch.commit()


def project_settings(settings: Settings, project: str) -> Settings:
    """Return the settings for a project; its buckets are named as Terraform names them unless BUCKET_PREFIX is set."""
    os.environ["GOOGLE_CLOUD_PROJECT"] = project
    return replace(settings, clipwise_place="gcp", google_cloud_project=project)
