"""Backups of a data folder: consistent, complete, verified, and safe to interrupt."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from infra.backup.archive import CHECKSUMS, BackupError
from infra.backup.data_folder import back_up_folder, named_blobs, restore_folder
from infra.runtimes.embedded.serve import RESTORING, check_data_folder
from shared.platform.embedded.database import DataFolderError
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.settings import Settings

OBJECTS = 12


def silent(done: float, note: str) -> None:
    """Progress is not looked at."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    place = open_place(folder)
    for number in range(OBJECTS):
        place.objects.put("media", f"job/{number}", os.urandom(40_000), "image/jpeg")
        place.place.documents.create("jobs", f"job-{number}", {"number": number, "owner": "o"})
    (folder / "outbox").mkdir()
    (folder / "outbox" / "1.eml").write_text("mail")
    place.database.close()
    return folder


def open_place(folder: Path) -> EmbeddedPlace:
    return open_embedded_place(Settings(clipwise_data=folder))


def content_of(folder: Path) -> dict[str, bytes]:
    """All documents and objects, and the signing key."""
    place = open_place(folder)
    found = {info.name: place.objects.open("media", info.name).read() for info in place.objects.list("media")}
    documents = {document.id: repr(document).encode() for document in place.place.documents.query("jobs").documents}
    place.database.close()
    return found | documents | {"key": place.signing_key}


def killed(code: str) -> int:
    """The exit code of a process that runs this code."""
    script = f"import os, signal\nfrom pathlib import Path\nfrom infra.backup.data_folder import *\n{code}"
    return subprocess.run([sys.executable, "-c", script], check=False, timeout=300).returncode


KILL = "lambda done, note: done > {share} and os.kill(os.getpid(), signal.SIGKILL)"


def test_a_restored_folder_has_everything(data: Path, tmp_path: Path) -> None:
    """Whoever restores a backup elsewhere has the same documents, files, mails and key, and the backup is private."""
    backup = tmp_path / "clipwise.tar"
    assert back_up_folder(data, backup, silent) == backup.stat().st_size
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clipwise.tar", "data"]
    assert not list(data.glob("backup-*"))
    restored = tmp_path / "new" / "place"
    restore_folder(backup, restored, silent)
    assert content_of(restored) == content_of(data)
    assert (restored / "outbox" / "1.eml").read_text() == "mail"
    assert restored.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in restored.rglob("*") if path.name != "lock")
    check_data_folder(restored)


def test_other_programs_can_read_and_verify_a_backup(data: Path, tmp_path: Path) -> None:
    """A backup outlives Clipwise: tar unpacks it, and sha256sum verifies it."""
    backup = tmp_path / "clipwise.tar"
    back_up_folder(data, backup, silent)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    subprocess.run(["tar", "-xf", backup, "-C", folder], check=True)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", CHECKSUMS], cwd=folder, check=True)
    assert len(named_blobs(folder / "clipwise.db")) == OBJECTS


@pytest.mark.parametrize("share", [-1, 0.1, 0.7])
def test_a_killed_backup_leaves_no_half_file(data: Path, tmp_path: Path, share: float) -> None:
    """After a power cut there is no file that looks like a backup, and the next one is complete and cleans up."""
    backup = tmp_path / "clipwise.tar"
    code = f"back_up_folder(Path({str(data)!r}), Path({str(backup)!r}), {KILL.format(share=share)})"
    assert killed(code) == -signal.SIGKILL
    assert not backup.exists()
    back_up_folder(data, backup, silent)
    assert not list(tmp_path.glob("*.partial"))
    assert not list(data.glob("backup-*"))
    restore_folder(backup, tmp_path / "restored", silent)
    assert content_of(tmp_path / "restored") == content_of(data)


@pytest.mark.parametrize("point", ["unpacking", "blobs", "signing.key", "clipwise.db"])
def test_a_killed_restore_can_be_started_again(data: Path, tmp_path: Path, point: str) -> None:
    """After a power cut no server starts on half the data, and the same command restores all of it."""
    backup, restored = tmp_path / "clipwise.tar", tmp_path / "restored"
    back_up_folder(data, backup, silent)
    call = f"restore_folder(Path({str(backup)!r}), Path({str(restored)!r}), {{}})"
    if point == "unpacking":
        code = call.format(KILL.format(share=0.3))
    else:
        # Killed before this name is moved into the folder.
        code = (
            "rename = Path.rename\n"
            f"Path.rename = lambda path, to: os.kill(os.getpid(), 9) if path.name == {point!r} else rename(path, to)\n"
            + call.format("lambda done, note: None")
        )
    assert killed(code) == -signal.SIGKILL
    with pytest.raises(DataFolderError, match="clipwise restore"):
        check_data_folder(restored)
    restore_folder(backup, restored, silent)
    assert content_of(restored) == content_of(data)
    assert not (restored / RESTORING).exists()


def test_a_backup_of_a_busy_folder_is_of_one_moment(data: Path, tmp_path: Path) -> None:
    """While objects come and go, each backup has every file that its database names, and documents with their pair."""
    stop = threading.Event()

    def write() -> None:
        place = open_place(data)
        for number in itertools.count():
            if stop.is_set():
                break
            with place.database.transaction():
                place.place.documents.put("pairs", "a", {"number": number})
                place.place.documents.put("pairs", "b", {"number": number})
            place.objects.put("media", f"busy/{number % 5}", os.urandom(2_000), "image/jpeg")
            place.objects.delete("media", f"busy/{(number + 2) % 5}")
        place.database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            backup, restored = tmp_path / f"{number}.tar", tmp_path / f"restored-{number}"
            back_up_folder(data, backup, silent)
            restore_folder(backup, restored, silent)
            place = open_place(restored)
            a, b = (place.place.documents.get("pairs", id) for id in "ab")
            assert (a and a.data) == (b and b.data)
            assert all(place.objects.open("media", info.name).read() for info in place.objects.list("media"))
            place.database.close()
    finally:
        stop.set()
        writer.join()


def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    """A backup replaces no file, and a restore no data; each says what to do instead."""
    backup = tmp_path / "clipwise.tar"
    backup.write_text("mine")
    with pytest.raises(BackupError, match="exists"):
        back_up_folder(data, backup, silent)
    assert backup.read_text() == "mine"
    backup.unlink()
    back_up_folder(data, backup, silent)
    before = content_of(data)
    with pytest.raises(BackupError, match="is not empty"):
        restore_folder(backup, data, silent)
    assert content_of(data) == before
    with pytest.raises(BackupError, match="not the data folder"):
        back_up_folder(tmp_path / "nowhere", tmp_path / "other.tar", silent)


def broken(backup: Path) -> Iterator[tuple[str, bytes]]:
    """The backup with one thing wrong with it, and what is said about it."""
    whole = backup.read_bytes()
    with tarfile.open(backup) as tar:
        member = next(one for one in tar if one.name.startswith("blobs/"))
        middle = member.offset_data + member.size // 2
    yield "checksum", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    yield "cut off|damaged", whole[:middle]
    yield "cut off", whole[: whole.index(CHECKSUMS.encode())]
    yield "cut off", b"\0" * 20_000
    yield "not a backup", b"no archive at all" * 1000


def test_a_damaged_backup_is_refused_and_leaves_the_folder_empty(data: Path, tmp_path: Path) -> None:
    """One flipped bit or a missing end is found before anything is restored."""
    backup = tmp_path / "clipwise.tar"
    back_up_folder(data, backup, silent)
    for number, (message, content) in enumerate(broken(backup)):
        damaged, restored = tmp_path / f"{number}.tar", tmp_path / f"restored-{number}"
        damaged.write_bytes(content)
        with pytest.raises(BackupError, match=message):
            restore_folder(damaged, restored, silent)
        assert {path.name for path in restored.iterdir()} <= {"lock"}
        with suppress(DataFolderError):
            check_data_folder(restored)
