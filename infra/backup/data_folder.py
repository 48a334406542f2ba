"""Backs up the data folder of a server, running or not, and restores it into an empty one.

Consistent while jobs run: the databases are copied by SQLite's online backup, and all files are linked before, so that
what the server deletes meanwhile is still there. If files are written and deleted in between again and again, writers
wait for a moment.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from infra.backup.archive import PIECE_BYTES, ArchiveWriter, BackupError, read_archive, sync_folder
from infra.runtimes.embedded.serve import RESTORING, lock_data_folder
from shared import clock
from shared.platform.embedded.database import Database, DataFolderError
from shared.platform.embedded.schema import ACCOUNT_MIGRATIONS

KIND = "data folder"
DOCUMENTS, ACCOUNTS, KEY = "clipwise.db", "accounts.db", "signing.key"
BLOBS, OUTBOX = "blobs", "outbox"
PREFIX = "backup-"
LOCK_TIMEOUT_SEC = 60
NAMED_BLOBS = (
    "SELECT blob, size FROM objects UNION SELECT blob, received FROM uploads WHERE resource IS NULL ORDER BY blob"
)
"""The files that a database names, each with its size; of an upload that is under way, what is stored for certain."""
Report = Callable[[float, str], None]
"""Called with the share that is done, from 0 to 1, and the current activity."""


def back_up_folder(data: Path, path: Path, report: Report) -> int:
    """Write a backup of the data folder to a new file and return its size in bytes; raises BackupError."""
    if not (data / DOCUMENTS).is_file():
        raise BackupError(f"{data} is not the data folder of a server: it has no {DOCUMENTS}.")
    with ArchiveWriter(path, KIND, clock.now().isoformat()) as archive, staging_folder(data) as staging:
        report(0, "Copying the databases")
        blobs = take_snapshot(data, staging)
        total, written = sum(blobs.values()) or 1, 0
        for name, size in blobs.items():
            with (staging / BLOBS / name).open("rb") as source:
                archive.add(f"{BLOBS}/{name[:2]}/{name}", source, size)
            written += size
            report(0.99 * written / total, "Copying files")
        for name in (DOCUMENTS, ACCOUNTS):
            if (staging / name).exists():
                archive.add_file(name, staging / name)
        for extra in (data / KEY, *sorted((data / OUTBOX).glob("*"))):
            if extra.is_file():
                archive.add_file(extra.relative_to(data).as_posix(), extra)
    report(1, "")
    return path.stat().st_size


@contextmanager
def staging_folder(data: Path) -> Iterator[Path]:
    """Create a folder beside the data for copies and links; remove it, and those of interrupted backups."""
    for leftover in data.glob(f"{PREFIX}[0-9]*"):
        process_id = leftover.name.removeprefix(PREFIX)
        if process_id.isdecimal() and not _is_running(int(process_id)):
            shutil.rmtree(leftover, ignore_errors=True)
    folder = data / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return process_id != os.getpid()


def take_snapshot(data: Path, staging: Path) -> dict[str, int]:
    """Copy the databases and link the files that they name; return the names of these with their sizes."""
    links = staging / BLOBS
    links.mkdir()
    for blob in (data / BLOBS).glob("??/*"):
        _link(blob, links / blob.name)
    for hold in (nullcontext(), nullcontext(), writers_waiting(data / DOCUMENTS)):
        with hold:
            copy_database(data / DOCUMENTS, staging / DOCUMENTS)
            # Later than the documents: an account without documents is harmless, the reverse is not.
            if (data / ACCOUNTS).exists():
                copy_database(data / ACCOUNTS, staging / ACCOUNTS)
            blobs = named_blobs(staging / DOCUMENTS)
            lost = [name for name in blobs if not _link(data / BLOBS / name[:2] / name, links / name)]
        if not lost:
            return blobs
    raise BackupError(f"{len(lost)} files are missing from {data / BLOBS}. `clipwise doctor` says more.")


@contextmanager
def writers_waiting(database: Path) -> Iterator[None]:
    """Hold the write lock: a file that the database names is deleted only after a write."""
    with closing(sqlite3.connect(database, timeout=LOCK_TIMEOUT_SEC, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _link(source: Path, target: Path) -> bool:
    """Return False if the source is gone and was not linked earlier."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        pass
    except FileNotFoundError:
        return False
    return True


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment; writers go on meanwhile."""
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
        # The copy is a single file.
        copy.execute("PRAGMA journal_mode = DELETE")


def named_blobs(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute(NAMED_BLOBS).fetchall())


def restore_folder(path: Path, data: Path, report: Report) -> None:
    """Restore a backup into an empty or missing folder; after an interruption, call it again.

    Raises:
        BackupError: The folder is not empty, or the backup is damaged; then the folder is left empty.
    """
    if not path.is_file():
        raise BackupError(f"{path} is not a file.")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A folder that was there already, such as a mounted volume, may be open to others.
    data.chmod(0o700)
    with lock_data_folder(data):
        staging = data / RESTORING
        empty_after_interruption(data)
        staging.mkdir(mode=0o700)
        try:
            unpack(path, staging, report)
            check_unpacked(path, staging)
            # All files at once, before they count as the folder's.
            os.sync()
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        # The documents come last: until then, a server refuses the folder.
        for name in (BLOBS, OUTBOX, KEY, ACCOUNTS, DOCUMENTS):
            if (staging / name).exists():
                (staging / name).rename(data / name)
                sync_folder(data)
        shutil.rmtree(staging)
    report(1, "")


def empty_after_interruption(data: Path) -> None:
    """Remove what an interrupted restore has left; raises BackupError for any other content."""
    content = {entry.name for entry in data.iterdir()} - {"lock", "lost+found"}
    if content and (RESTORING not in content or DOCUMENTS in content):
        raise BackupError(f"{data} is not empty. Choose a new folder with --data, or move this one away.")
    for name in content:
        path = data / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def unpack(path: Path, folder: Path, report: Report) -> None:
    total, done = path.stat().st_size or 1, 0
    (folder / BLOBS).mkdir(mode=0o700)
    for name, source, size in read_archive(path, KIND):
        target = folder / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, PIECE_BYTES)
        done += size
        report(min(0.99, done / total), "Unpacking")


def check_unpacked(path: Path, folder: Path) -> None:
    """Raises BackupError unless this version reads the databases and every file they name is there."""
    if not (folder / DOCUMENTS).exists():
        raise BackupError(f"{path} has no {DOCUMENTS}.")
    try:
        _check_database(Database(folder / DOCUMENTS))
        if (folder / ACCOUNTS).exists():
            _check_database(Database(folder / ACCOUNTS, ACCOUNT_MIGRATIONS))
    except DataFolderError as error:
        raise BackupError(f"{path} cannot be used: {error}") from None
    for name, size in named_blobs(folder / DOCUMENTS).items():
        blob = folder / BLOBS / name[:2] / name
        if not blob.is_file() or blob.stat().st_size != size:
            raise BackupError(f"{path} is incomplete: a file is missing. Use another backup.")


def _check_database(database: Database) -> None:
    try:
        if damage := database.find_damage():
            raise BackupError(f"A database in the backup is damaged: {damage}. Use another backup.")
    finally:
        database.close()
