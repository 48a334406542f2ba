"""A backup as one tar file: a description, the data, and the checksums of all of it at the end.

Any tar program can unpack it, and `sha256sum --check SHA256SUMS` verify it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Self

DESCRIPTION = "clipwise-backup.json"
CHECKSUMS = "SHA256SUMS"
FORMAT = 1
PIECE_BYTES = 1 << 20
MAX_DESCRIPTION_BYTES = 10_000


class BackupError(Exception):
    """A backup cannot be made or restored. The message says why, and what to do."""


class _HashingReader:
    """Reads at most `size` bytes of a stream, and hashes what was read."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source = source
        self._left = size
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        try:
            piece = self._source.read(self._left if size < 0 else min(size, self._left))
        except tarfile.TarError:
            raise BackupError("The backup is cut off or damaged. Use another one.") from None
        self._left -= len(piece)
        self._digest.update(piece)
        return piece

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class ArchiveWriter:
    """Writes a backup that appears under its name once it is complete and on disk; only its owner can read it.

    An interrupted backup leaves `NAME.partial`, which the next one of this name replaces.

    Raises:
        BackupError: The file exists, or another process writes it.
    """

    def __init__(self, path: Path, kind: str, created_at: str) -> None:
        if path.exists():
            raise BackupError(f"{path} exists. Choose another name, or delete it first.")
        self.path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._file = os.fdopen(os.open(self._partial, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise BackupError(f"Another backup to {path} is running.") from None
        self._partial.chmod(0o600)
        self._file.truncate()
        self._sums: list[str] = []
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  # until the end
        self.add_bytes(DESCRIPTION, json.dumps({"format": FORMAT, "kind": kind, "createdAt": created_at}).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._finish()
            else:
                self._partial.unlink(missing_ok=True)

    def add(self, name: str, source: BinaryIO, size: int) -> None:
        """Add the next `size` bytes of a stream; raises BackupError if there are fewer."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        reader = _HashingReader(source, size)
        try:
            self._tar.addfile(member, reader)
        except OSError as error:
            if error.errno is None:
                raise BackupError(f"{name} is shorter than it was. Run the backup again.") from None
            raise
        self._sums.append(f"{reader.hexdigest()}  {name}\n")

    def add_bytes(self, name: str, data: bytes) -> None:
        self.add(name, io.BytesIO(data), len(data))

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as source:
            self.add(name, source, os.fstat(source.fileno()).st_size)

    def _finish(self) -> None:
        self.add_bytes(CHECKSUMS, "".join(self._sums).encode())
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            # Unlike a rename, this never replaces a file that has appeared meanwhile.
            self.path.hardlink_to(self._partial)
        except FileExistsError:
            raise BackupError(f"{self.path} exists. Choose another name, or delete it first.") from None
        finally:
            self._partial.unlink(missing_ok=True)
        sync_folder(self.path.parent)


def read_archive(path: Path, kind: str) -> Iterator[tuple[str, BinaryIO, int]]:
    """Yield the name, the stream and the size of each file of a backup, and verify all checksums at the end.

    Nothing that was read is to be used before the iteration has ended. Raises BackupError for a file that is not a
    backup of this kind, is damaged or is cut off.
    """
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            yield from _verified_members(path, tar, kind)
    except tarfile.TarError:
        raise BackupError(f"{path} is not a backup, or it is damaged.") from None


def _verified_members(path: Path, tar: tarfile.TarFile, kind: str) -> Iterator[tuple[str, BinaryIO, int]]:
    sums: dict[str, str] = {}
    for number, member in enumerate(tar):
        stream = tar.extractfile(member)
        if stream is None or member.name in sums or not is_safe_name(member.name):
            raise BackupError(f"{path} contains {member.name!r}, which does not belong into a backup.")
        reader = _HashingReader(stream, member.size)
        if number == 0:
            check_description(path, member.name, reader.read(MAX_DESCRIPTION_BYTES), kind)
        elif member.name == CHECKSUMS:
            if _format_sums(sums) != stream.read():
                raise BackupError(f"{path} is damaged: a checksum is wrong. Use another backup.")
            return
        else:
            yield member.name, reader, member.size  # type: ignore[misc]  # only `read` is used
            while reader.read(PIECE_BYTES):
                pass
        sums[member.name] = reader.hexdigest()
    raise BackupError(f"{path} is cut off: its checksums are missing. Use another backup.")


def check_description(path: Path, name: str, content: bytes, kind: str) -> None:
    """Raises BackupError unless a backup begins with this file and is of this kind."""
    description: object = None
    with suppress(ValueError):
        description = json.loads(content)
    if name != DESCRIPTION or not isinstance(description, dict):
        raise BackupError(f"{path} is not a backup of Clipwise.")
    if description.get("format") != FORMAT:
        raise BackupError(f"{path} was made by another version of Clipwise. Use that version.")
    if description.get("kind") != kind:
        raise BackupError(
            f"{path} is a backup of a {description.get('kind')}. "
            + ("Leave out --project." if kind == "project" else "Name the project with --project.")
        )


def is_safe_name(name: str) -> bool:
    """Return True for a relative path without `..`."""
    return all(part not in ("", ".", "..") for part in name.split("/")) and "\\" not in name


def _format_sums(sums: dict[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
