"""Damaged and incomplete data folders: nothing is lost without a word, and what is whole stays."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.runtimes.embedded.serve import check_data_folder, lock_data_folder, require_unmoved
from shared.errors import StorageUnavailable
from shared.platform.embedded.database import Database, DataFolderError, DataFolderMoved, StorageDamaged
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.embedded.schema import ACCOUNT_MIGRATIONS
from tests.patience import PATIENCE_SEC
from tests.server import CLIPWISE
from tests.unit.embedded.conftest import reopen

PAGE_BYTES = 4096


def fill(place: EmbeddedPlace) -> Path:
    """Store documents and a file, all of them in the database's file, and return the data folder."""
    for number in range(200):
        place.place.documents.create("jobs", f"{number:03}", {"text": "x" * 3000})
    place.place.objects.put("media", "a", b"picture", "image/jpeg")
    place.database.empty_log()
    place.database.close()
    return place.settings.clipwise_data


def damage_leaf(path: Path, text: bytes) -> None:
    """Overwrite the beginning of the last page that contains `text`."""
    content = bytearray(path.read_bytes())
    start = content.rindex(text) // PAGE_BYTES * PAGE_BYTES
    content[start : start + 64] = b"\xff" * 64
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: PAGE_BYTES * 3])


@pytest.mark.parametrize("change", [lambda path: path.write_text("no database" * 1000), cut], ids=["text", "cut"])
def test_a_damaged_database_is_refused_with_advice(
    place: EmbeddedPlace, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """A server whose database cannot be read does not start, and says which file it is and what to do."""
    database = fill(place) / "clipwise.db"
    change(database)
    with pytest.raises(DataFolderError) as caught:
        reopen(tmp_path)
    assert str(database) in str(caught.value)
    assert "docs/data-folder.md" in str(caught.value)


def test_the_command_says_what_is_damaged(place: EmbeddedPlace) -> None:
    """`clipwise up` over a damaged database ends with a sentence and no traceback."""
    database = fill(place) / "clipwise.db"
    database.write_text("no database" * 1000)
    command = [*CLIPWISE, "up", "--port", "0", "--data", str(database.parent)]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SEC)
    assert outcome.returncode == 2
    assert f"Cannot start: {database} is damaged (file is not a database)." in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_whole_documents_of_a_damaged_database_stay_readable(
    place: EmbeddedPlace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With one bad page, most jobs can still be read; others fail with a code of their own, and the log names it."""
    database = fill(place) / "clipwise.db"
    damage_leaf(database, b"x" * 2000)
    documents = reopen(tmp_path).place.documents
    codes = []
    for number in range(200):
        try:
            assert documents.get("jobs", f"{number:03}")
        except StorageDamaged as error:
            codes.append(error.code)
    assert set(codes) == {"storage_damaged"}
    assert len(codes) < 10
    assert "docs/data-folder.md" in caplog.text


def test_no_file_of_a_damaged_database_is_collected(
    place: EmbeddedPlace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that cannot be found may be one that names a file, so garbage collection deletes none."""
    data = fill(place)
    damage_leaf(data / "clipwise.db", b"x" * 2000)
    orphan = data / "blobs" / "ab" / ("ab" + "0" * 30)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"video")
    assert reopen(tmp_path).collect_garbage(0) == 0
    assert orphan.exists()
    assert [record.levelno for record in caplog.records if "is damaged" in record.message] == [logging.ERROR]


@pytest.mark.parametrize("name", ["clipwise.db", "accounts.db"])
@pytest.mark.parametrize("loss", [lambda path: path.write_bytes(b""), Path.unlink], ids=["empty", "missing"])
def test_a_lost_database_is_not_replaced_by_an_empty_one(
    place: EmbeddedPlace, tmp_path: Path, name: str, loss: Callable[[Path], object]
) -> None:
    """Where a database has gone, the server does not start anew over what is left of the data."""
    data = fill(place)
    Database(data / "accounts.db", ACCOUNT_MIGRATIONS)
    check_data_folder(data)
    loss(data / name)
    with pytest.raises(DataFolderError, match=rf"{name} is missing or empty"):
        check_data_folder(data)


def test_a_new_folder_is_accepted(tmp_path: Path) -> None:
    """Without any data there is nothing to lose."""
    check_data_folder(tmp_path / "data")
    reopen(tmp_path)
    check_data_folder(tmp_path / "data")


@pytest.mark.parametrize("content", [b"", b"0123456789"])
def test_a_damaged_key_is_refused(place: EmbeddedPlace, tmp_path: Path, content: bytes) -> None:
    """Nobody can sign links or tokens with the empty key of an emptied file."""
    (place.settings.clipwise_data / "signing.key").write_bytes(content)
    with pytest.raises(DataFolderError, match=r"signing\.key is damaged"):
        reopen(tmp_path)


def test_deleted_documents_leave_the_disk(place: EmbeddedPlace) -> None:
    """What a user deletes is in no file any more after the next garbage collection."""
    place.place.documents.create("jobs", "a", {"text": "very private " * 1000})
    place.place.documents.delete("jobs", "a")
    assert place.database.connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
    place.collect_garbage()
    data = place.settings.clipwise_data
    assert [file.name for file in data.glob("clipwise.db*") if b"very private" in file.read_bytes()] == []


def test_a_folder_that_is_moved_is_not_created_anew(place: EmbeddedPlace, tmp_path: Path) -> None:
    """A server whose data folder was renamed says so, and starts no second, empty database in the old place."""
    data = fill(place)
    with lock_data_folder(data) as lock:
        require_unmoved(data, lock)
        data.rename(tmp_path / "elsewhere")
        with pytest.raises(StorageUnavailable):
            place.place.documents.get("jobs", "001")
        with pytest.raises(DataFolderMoved, match="was moved"):
            require_unmoved(data, lock)
        assert not data.exists()
        (tmp_path / "elsewhere").rename(data)
        require_unmoved(data, lock)
        assert place.place.documents.get("jobs", "001")


def test_a_replaced_database_is_not_mixed_with_the_open_one(place: EmbeddedPlace, tmp_path: Path) -> None:
    """A thread that starts after the file was replaced does not write into another database than the others."""
    data = fill(place)
    (data / "clipwise.db").rename(tmp_path / "old.db")
    (data / "clipwise.db").write_bytes((tmp_path / "old.db").read_bytes())
    with pytest.raises(StorageUnavailable, match="moved or replaced"):
        place.place.documents.get("jobs", "001")
