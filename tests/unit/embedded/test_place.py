"""The data folder: its rights, its key, and kills at any moment."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from shared.platform.embedded.local_accounts import open_local_accounts
from shared.platform.embedded.place import open_embedded_place
from shared.settings import read_settings
from tests.unit.embedded.conftest import reopen
from tests.unit.embedded.processes import at_once


def test_the_data_folder_is_its_owners(tmp_path: Path) -> None:
    """Other users of the machine read neither videos nor keys."""
    reopen(tmp_path)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "signing.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_files_are_private_in_a_folder_of_any_mode(tmp_path: Path, umask: int) -> None:
    """In a folder that its user made readable for everybody, the database and the videos are the user's alone."""
    data = tmp_path / "data"
    before = os.umask(umask)
    try:
        data.mkdir(mode=0o755)
        (data / "blobs").mkdir(mode=0o755)
        place = reopen(tmp_path)
        place.place.objects.put("uploads", "a", b"video", "video/mp4")
        place.place.objects.start_upload("uploads", "b", "video/mp4", 6, 600)
        open_local_accounts(place.settings)
    finally:
        os.umask(before)
    modes = {path.relative_to(data).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")}
    assert {"clipwise.db", "clipwise.db-wal", "accounts.db", "blobs"} <= modes.keys()
    for name, mode in modes.items():
        assert mode == (0o700 if (data / name).is_dir() else 0o600), name


def test_links_work_after_a_restart_and_in_every_process(tmp_path: Path) -> None:
    """The key behind links is made once, however many processes start at the same time."""
    code = (
        "import sys, pathlib\n"
        "from tests.unit.embedded.conftest import reopen\n"
        "print(flush=True); sys.stdin.read()\n"
        "print(reopen(pathlib.Path(sys.argv[1])).signing_key.hex())"
    )
    with at_once([code, str(tmp_path)], 4) as processes:
        keys = {process.stdout.read().strip() for process in processes if process.stdout}
    keys.add(reopen(tmp_path).signing_key.hex())
    assert len(keys) == 1
    assert len(keys.pop()) >= 64
    assert [path.name for path in (tmp_path / "data").glob("signing.key*")] == ["signing.key"]


def test_a_configured_key_is_used(tmp_path: Path) -> None:
    """Whoever brings a key of their own gets links signed with it, and none is written down."""
    given = {"CLIPWISE_DATA": str(tmp_path / "data"), "SIGNING_KEY": "given"}
    assert open_embedded_place(read_settings(given)).signing_key == b"given"
    assert not (tmp_path / "data" / "signing.key").exists()


WRITER = """
import itertools, sys, pathlib
from tests.unit.embedded.conftest import reopen
place = reopen(pathlib.Path(sys.argv[1]))
documents, objects, bus = place.place.documents, place.place.objects, place.place.bus
run = sys.argv[2]
print(flush=True); sys.stdin.read()
for n in itertools.count():
    name = f"{run}-{n}"
    version = documents.create("jobs", name, {"n": n, "text": "x" * 20_000})
    documents.replace("jobs", name, {"n": n, "text": "y" * 20_000}, version)
    print("document", name, flush=True)
    objects.put("uploads", name, name.encode() * 10_000, "video/mp4")
    print("object", name, flush=True)
    bus.publish("video-requested", {"name": name})
    print("message", name, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 3, 17, 40, 90])
def test_a_killed_writer_loses_nothing_it_was_told_is_stored(tmp_path: Path, lines: int) -> None:
    """After kill -9 at any moment, all that was acknowledged is there, and nothing is there by half."""
    told: list[tuple[str, str]] = []
    for run in range(2):
        with at_once([WRITER, str(tmp_path), str(run)], 1) as (process,):
            assert process.stdout
            for _ in range(lines):
                kind, name = process.stdout.readline().split()
                told.append((kind, name))
            process.kill()
            told += [(kind, name) for kind, name in map(str.split, process.stdout.readlines())]
    place = reopen(tmp_path)
    assert place.database.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    stored = {info.name for info in place.place.objects.list("uploads")}
    messages = place.database.connection.execute("SELECT function, data FROM deliveries").fetchall()
    announced = {json.loads(row["data"])["name"] for row in messages if row["function"] == "extract"}
    published = {json.loads(row["data"])["name"] for row in messages if row["function"] == "download"}
    for kind, name in told:
        document = place.place.documents.get("jobs", name)
        assert document
        assert kind != "document" or document.data["text"] == "y" * 20_000
        assert kind != "object" or name in stored
        assert kind != "message" or name in published
    assert announced == stored
    for name in stored:
        assert place.objects.open("uploads", name).read() == name.encode() * 10_000
    place.collect_garbage(0)
    files = [path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file()]
    assert len(files) == len(stored)
