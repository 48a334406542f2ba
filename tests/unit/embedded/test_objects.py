"""What only the embedded objects promise: one transaction makes an object visible, and nothing is left lying about."""

from __future__ import annotations

import io
import os
import time as real_time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.platform.embedded.bus import SqliteBus
from shared.platform.embedded.place import EmbeddedPlace
from tests.unit.embedded.conftest import Clock, reopen


def blobs(folder: Path) -> list[Path]:
    return [path for path in (folder / "data" / "blobs").rglob("*") if path.is_file()]


def age(path: Path, seconds: float) -> None:
    then = real_time.time() - seconds
    os.utime(path, (then, then))


def test_an_object_and_its_event_appear_together(
    place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is no video without its extraction being set off, and none is set off without a video."""

    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteBus, "enqueue_object_event", fail)
        with pytest.raises(OSError, match="disk full"):
            place.place.objects.put("uploads", "a", b"1", "video/mp4")
    assert place.place.objects.stat("uploads", "a") is None
    assert not place.queue.depth()
    place.place.objects.put("uploads", "a", b"1", "video/mp4")
    assert place.queue.depth() == {"extract": 1}
    place.place.objects.put("media", "a", b"1", "video/mp4")
    assert place.queue.depth() == {"extract": 1}


def test_replaced_and_deleted_bytes_leave_the_disk(place: EmbeddedPlace, tmp_path: Path) -> None:
    """Deleting gives the space back at once."""
    objects = place.place.objects
    for n in range(3):
        objects.put("media", "a", b"x" * n, "text/plain")
    objects.put("media", "b/1", b"x", "text/plain")
    objects.put("media", "b/2", b"x", "text/plain")
    assert len(blobs(tmp_path)) == 3
    objects.delete("media", "a")
    objects.delete_prefix("media", "b/")
    assert blobs(tmp_path) == []


def test_a_write_that_fails_leaves_no_bytes(place: EmbeddedPlace, tmp_path: Path) -> None:
    """A source that breaks off fills no disk."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        place.place.objects.put("media", "a", Broken(), "text/plain")
    assert blobs(tmp_path) == []


def test_garbage_of_a_crash_is_collected_and_nothing_else(place: EmbeddedPlace, tmp_path: Path) -> None:
    """What a kill left half-written is removed later; objects, uploads under way and fresh writes stay."""
    objects = place.place.objects
    objects.put("media", "kept", b"kept", "text/plain")
    objects.start_upload("uploads", "waiting", "video/mp4", 5, 600)
    for path in blobs(tmp_path):
        age(path, 7200)
    known = set(blobs(tmp_path))
    crashed = tmp_path / "data" / "blobs" / "ab" / ("ab" + "0" * 30)
    crashed.parent.mkdir(exist_ok=True)
    crashed.write_bytes(b"half")
    assert place.collect_garbage() == 0
    age(crashed, 7200)
    assert place.collect_garbage() == 1
    assert set(blobs(tmp_path)) == known


def test_expired_uploads_are_collected(place: EmbeddedPlace, tmp_path: Path, time: Clock) -> None:
    """An upload that was never finished does not keep its bytes for ever; a finished one keeps its object."""
    objects = place.objects
    unfinished = objects.uploads.start("uploads", "a", "video/mp4", 9, 600, None)
    objects.uploads.append(unfinished.id, 0, b"half")
    finished = objects.uploads.start("uploads", "b", "video/mp4", 4, 600, None)
    objects.uploads.append(finished.id, 0, b"full")
    time.move(601)
    place.collect_garbage()
    assert objects.uploads.find(unfinished.id) is None
    assert objects.uploads.find(finished.id) is None
    assert len(blobs(tmp_path)) == 1
    assert objects.open("uploads", "b").read() == b"full"


def test_objects_are_there_after_a_restart(place: EmbeddedPlace, tmp_path: Path) -> None:
    """Stopping the server loses nothing."""
    info = place.place.objects.put("media", "ü/a", b"x", "text/plain", {"k": "v"})
    again = reopen(tmp_path)
    assert again.place.objects.stat("media", "ü/a") == info
    assert again.objects.open("media", "ü/a").read() == b"x"


def test_bytes_that_someone_removed_are_an_error_that_says_so(place: EmbeddedPlace, tmp_path: Path) -> None:
    """A damaged data folder is not taken for a deleted object."""
    place.place.objects.put("media", "a", b"x", "text/plain")
    for path in blobs(tmp_path):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="data folder"):
        place.objects.open("media", "a")


NAMES = st.lists(st.text("ab/é😀\U0010ffff", min_size=1, max_size=4), max_size=8)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=NAMES, prefix=st.text("ab/é😀\U0010ffff", max_size=3))
def test_prefixes_select_what_starts_with_them(place: EmbeddedPlace, names: list[str], prefix: str) -> None:
    """Deleting under a prefix takes what starts with it, in any script, and nothing else."""
    objects = place.place.objects
    objects.delete_prefix("media", "")
    stored = set()
    for name in names:
        try:
            objects.put("media", name, b"", "text/plain")
        except ValueError:
            continue
        stored.add(name)
    under = {name for name in stored if name.startswith(prefix)}
    assert [info.name for info in objects.list("media", prefix)] == sorted(under)
    assert objects.delete_prefix("media", prefix) == len(under)
    assert {info.name for info in objects.list("media")} == stored - under


def test_a_long_list_is_read_in_pages(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of objects are listed completely."""
    monkeypatch.setattr("shared.platform.embedded.object_catalog.PAGE_ROWS", 3)
    names = [f"n/{n:02}" for n in range(9)]
    for name in names:
        place.place.objects.put("media", name, b"", "text/plain")
    assert [info.name for info in place.place.objects.list("media", "n/")] == names
